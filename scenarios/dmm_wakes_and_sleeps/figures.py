"""Figures of dmm-wakes-and-sleeps: what the master row does over time, and its statistics against spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pragmatic.machines.dmm.lightweight import N_OUTPUTS
from scenarios.dmm_wakes_and_sleeps.lives import Steps
from scenarios.dmm_wakes_and_sleeps.measures import Study, smooth
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.panels import captioned, dots, legend_below, panels, percent_axis
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INK, MUTED, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["statistics", "stretches"]

LOOKS: dict[str, dict[str, Any]] = {
    "circuit": {"color": SPIKING, "fmt": "o"},
    "sampled": {"color": FLOOR, "fmt": "s"},
    "regular": {"color": CONTROL, "fmt": "^"},
}


@captioned(
    "The machine of seed {seed}. (A) Its master row, the eleven weights by which the network matrix changes "
    "itself, "
    "cycle by cycle. (B) The row's steps, the largest change of a weight, smoothed over 15 cycles, exactly "
    "and with rows drawn by "
    "random "
    "cells; below the dotted line it is quiet. (C) How often a step has which length."
)
def stretches(study: Study) -> Figure:
    figure, ax = panels("AA\nBC", height_in=5.2, height_ratios=(1, 1.3), width_ratios=(2.2, 1))
    shown = study.params.cycles + 1
    image = ax["A"].imshow(
        study.exact.rows[:shown].T, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest"
    )
    ax["A"].set(xlabel="cycle", ylabel="weight", title="exactly")
    ax["A"].set_yticks(range(0, N_OUTPUTS, 2))
    ax["A"].grid(False)
    figure.colorbar(image, ax=ax["A"], pad=0.01)
    few, most = study.params.spikes[0], study.params.spikes[len(study.params.spikes) // 2]
    runs: dict[str, tuple[Steps, str]] = {
        "exactly": (study.exact, INK),
        f"{most} spikes": (study.drawn["circuit", most], SPIKING),
    }
    if few != most:
        runs[f"{few} spikes"] = (study.drawn["circuit", few], FLOOR)
    for label, (steps, colour) in runs.items():
        line = smooth(steps.log[:1, : study.params.cycles])[0]
        ax["B"].plot(np.arange(len(line)) + 7, line, color=colour, lw=1.3, label=label)
        ax["C"].hist(
            steps.log[:, study.params.heard].ravel(),
            bins=30,
            density=True,
            histtype="step",
            color=colour,
            lw=1.4,
            orientation="horizontal",
        )
    for name in "BC":
        ax[name].axhline(study.threshold, color=MUTED, ls=":", lw=1.2)
    ax["B"].set(xlabel="cycle", ylabel="log10 of the step")
    ax["C"].set(xlabel="density", ylim=ax["B"].get_ylim())
    legend_below(figure, ax["B"])
    return figure


@captioned(
    "The machine of seed {seed} by spikes. (A) Distance of its log10 steps from those of exact machines; "
    "dotted: exact "
    "machines among themselves. (B) Time in quiet; dotted: exactly. (C) Step of a machine that rests when "
    "it runs exactly; "
    "dashed: the powers -1/2 and -1. Mean over machines with its standard error."
)
def statistics(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.2)
    n = np.array(study.params.spikes, dtype=float)
    for source, label in SOURCES.items():
        look = {**LOOKS[source], "ls": "-", "lw": 1}
        runs = [study.drawn[source, int(k)] for k in n]
        dots(ax["A"], n, [study.apart(run) for run in runs], label=label, **look)
        dots(ax["B"], n, [mean(study.quiet(run)) for run in runs], **look)
        dots(ax["C"], n, [mean(study.resting[source, int(k)]) for k in n], **look)
    ax["A"].axhline(study.apart_exact.value, color=MUTED, ls=":", lw=1.2)
    ax["B"].axhline(float(study.quiet(study.exact).mean()), color=MUTED, ls=":", lw=1.2)
    for source, power in (("sampled", -0.5), ("regular", -1.0)):
        first = (
            float(np.nanmean(study.resting[source, study.params.spikes[0]])) if study.seeds.first else np.nan
        )
        ax["C"].plot(n, first * (n / n[0]) ** power, "--", color=MUTED, lw=1)
    ax["A"].set(ylabel="decades", title="distance", ylim=(0, None))
    ax["B"].set(title="time in quiet")
    percent_axis(ax["B"])
    ax["B"].set_ylim(-0.03, 1.02)
    ax["C"].set(yscale="log", title="step at rest")
    for each in ax.values():
        spikes_axis(each, study.params.spikes, most=3)
    legend_below(figure, ax["A"])
    return figure
