"""Figures of workspace: capacity, the errors of noisy copies, and a broadcast that ignites."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING
from scenarios.workspace.capacity import DEALT
from scenarios.workspace.ignition import LIT, ON, rest_states
from scenarios.workspace.measures import LOOPS, THEORIES, WAYS, Study

__all__ = ["figures"]

Shown = tuple[Study, xr.Dataset]

LOOKS: dict[str, dict[str, Any]] = {
    "slots": {"color": SOFTMAX, "lw": 2.4, "ls": "--", "marker": "none"},
    "resource": {"color": INK, "ls": "--", "marker": "none"},
    "first": {"color": INH, "ls": "none", "ms": 8, "mfc": "none"},
    "random": {"color": SPIKING},
    "regular": {"color": CONTROL, "ms": 3},
    "sampled": {"color": FLOOR, "ls": "--"},
    "volley": {"color": SPIKING, "ls": ":", "marker": "s"},
    "open": {"color": MUTED, "ls": ":", "marker": "s", "ms": 3},
}
DRAWN_LOOPS = ("loop", "cut", "mean", "cold")
COLOURS = dict(zip(DRAWN_LOOPS, (SPIKING, MUTED, CONTROL, SOFTMAX), strict=True))
N_TRACES = 24


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    slots = study.params.slots
    return (
        pictures((study, data), capacity, slots=slots, guess=study.params.values)
        | pictures((study, data), errors, n=study.params.items[-1], noise=study.params.noise_deg)
        | pictures((study, data), ignition, gain=study.params.gain)
    )


@captioned(
    "Items are shown, then one of them is asked for. (A) Answers right when copies are exact; the law of "
    "{slots} slots is K/n + (1 - K/n) guess, a guess is right in 1 of {guess}. (B) Items that have a copy. "
    "Squares: nobody set a number: what spikes before the first inhibition arrives, and within a cycle when E to "
    "I is cut. (C) An item whose score was raised before storage: chance to be among the first {slots} "
    "distinct keys, with the law of the race of random cells (solid) and of regular ones (dashed)."
)
def capacity(shown: Shown) -> Figure:
    study, data = shown
    figure, ax = panels("ABC" if study.cue else "AB", height_in=3.5)
    for way in [way for way in study.memories if way != "resource"]:
        part, look = data.sel(way=WAYS[way]), {"lw": 1.4} | LOOKS[way]
        points(ax["A"], part, "items", "right", label=WAYS[way], **look)
        points(ax["B"], part, "items", "held", label=WAYS[way], **look)
    ax["A"].axhline(study.guess, color=FLOOR, lw=1)
    ax["A"].set(ylim=(0, 1.04))
    if study.cue:
        for cells, colour, line in (("first", INH, "-"), ("first regular", CONTROL, "--")):
            points(
                ax["C"], data.sel(cells=cells), "cue", "included", color=colour, ls="none", mfc="none", ms=7
            )
            ax["C"].plot(study.params.cues, study.included(cells), color=colour, ls=line, lw=1.3)
        ax["C"].set(ylim=(0, 1.04))
    legend_below(figure, ax["A"], ncols=3)
    return figure


@captioned(
    "(A) Errors of answers about {n} items when each copy has {noise:g} degrees of noise: slots give a narrow peak "
    "on a floor of guesses, a resource a wide peak, copies dealt by chance a mixture. (B) By how much the errors, "
    "at all numbers of items together, speak for slots over the other theories, in nats an answer: above 0 for "
    "slots, below for the other. Bars are standard errors."
)
def errors(shown: Shown) -> Figure:
    study, _ = shown
    figure, ax = panels("AB", height_in=3.3, width_ratios=(1.2, 1))
    ways = [way for way in DEALT if way in study.memories]
    n = study.params.items[-1]
    edges = np.linspace(-180, 180, 37)
    for way in [way for way in ways if way != "sampled"]:
        density, _ = np.histogram(np.rad2deg(study.memories[way].errors[n]), edges, density=True)
        look = {k: v for k, v in LOOKS[way].items() if k in ("color", "ls")}
        ax["A"].plot((edges[1:] + edges[:-1]) / 2, density, label=WAYS[way], **({"lw": 1.4} | look))
    ax["A"].set(xlabel="error (degrees)", ylabel="density", xticks=[-180, -90, 0, 90, 180], ylim=(0, None))
    places = np.arange(len(ways))
    for theory, colour, shift in (("resource", INK, -0.12), ("chance", FLOOR, 0.12)):
        better = [study.better(way, "slots", theory) for way in ways]
        ax["B"].errorbar(
            [margin.value for margin in better],
            places + shift,
            xerr=[margin.error for margin in better],
            fmt="o",
            color=colour,
            label=f"slots over {THEORIES[theory]}",
        )
    ax["B"].axvline(0, color=MUTED, lw=1)
    ax["B"].set_yticks(places, [WAYS[way] for way in ways], fontsize=8)
    ax["B"].set(xlabel="nats an answer", ylim=(len(ways) - 0.5, -0.5))
    legend_below(figure, *ax.values(), ncols=4)
    return figure


@captioned(
    "A stimulus competes with a key that wins at rest; the broadcast is fed back with a gain of {gain:g}. "
    "(A) Trials at threshold, each a line; grey: the stimulus is on. (B) The stimulus' part of the broadcast at "
    "its last step, each way at its own threshold: the loop has two modes, and so has a cold row without a loop. "
    "(C) Against the contrast, at gains from low (light) to high. (D) Lit broadcasts that outlast the "
    "stimulus, against the gain; dashed: the states in which a loop without noise can rest."
)
def ignition(shown: Shown) -> Figure:
    study, data = shown
    figure, ax = panels("AB\nCD", height_in=5.0)
    loop = study.loops["loop"]
    traces = loop.share[loop.threshold][:, :N_TRACES]
    steps = np.arange(1, len(traces) + 1)
    ax["A"].axvspan(1, ON, color=FLOOR, alpha=0.2, lw=0)
    for trace in traces.T:
        ax["A"].plot(steps, trace, color=SPIKING if trace[ON - 1] > LIT else MUTED, lw=0.8, alpha=0.8)
    ax["A"].set(xlabel="broadcast", ylabel="stimulus' part", ylim=(-0.03, 1.03))
    bins = np.linspace(0, 1, 11)
    for name in DRAWN_LOOPS:
        ignited = study.loops[name]
        share, _ = np.histogram(ignited.on[ignited.threshold], bins)
        ax["B"].plot(
            (bins[1:] + bins[:-1]) / 2,
            share / share.sum(),
            "o-",
            color=COLOURS[name],
            lw=1.4,
            label=LOOPS[name],
        )
    ax["B"].set(xlabel="stimulus' part of the broadcast", ylabel="trials", ylim=(0, None))
    for at in range(len(study.by_gain)):
        alpha = 0.25 + 0.75 * (at + 1) / len(study.by_gain)
        points(
            ax["C"],
            data.isel(gain=at),
            "contrast",
            "on_gain",
            color=SPIKING,
            alpha=alpha,
            lw=1.3,
            marker="none",
        )
    ax["C"].set(ylim=(0, 1.04), ylabel="stimulus' part")
    points(ax["D"], data, "gain", "kept", color=SPIKING, label="still lit")
    gains = np.linspace(0, max(study.params.gains[-1], 1), 81)
    rest = np.array([rest_states(gain, study.params.rest, study.params.contents) for gain in gains])
    ax["D"].plot(gains, rest, "--", color=INK, lw=1.2)
    ax["D"].set(ylim=(-0.03, 1.04), ylabel="still lit")
    legend_below(figure, ax["B"])
    return figure
