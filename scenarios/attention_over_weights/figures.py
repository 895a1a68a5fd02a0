"""Figures of attention-over-weights: windows and sets, and programs by key."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from scenarios.attention_over_weights.measures import NAMES, Study
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["figures"]

LEAST = -0.3  # of the variance explained that is drawn

Shown = tuple[Study, xr.Dataset]


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    return pictures((study, data), mixtures, length=study.params.mode_length) | pictures(
        (study, data), programs, items=study.params.n_items
    )


@captioned(
    "A layer whose matrix is mixed from sets by attention, once for each window of positions. (A) Variance "
    "explained against the window, with as many sets as there are modes; dotted: the length of a mode; "
    "what explains less than nothing leaves the panel. Longer "
    "windows see more of the noisy cue, up to where they reach across modes. (B) Operations a position, in plain "
    "layers. (C) Against the number of sets at a window as long as a mode ({length}); grey: a plain layer, and a "
    "wider one with as many parameters. Mean over models and sequences with its standard error."
)
def mixtures(shown: Shown) -> Figure:
    study, data = shown
    params = study.params
    figure, ax = panels("AC\nBC", height_in=4.4, height_ratios=(2, 1))
    for reader in _drawn(data.reader):
        part = data.sel(reader=reader)
        points(ax["A"], part, "window", "by_window", label=reader, **_look(reader))
        points(ax["C"], part, "sets", "by_sets", label=reader, **_look(reader))
    points(ax["B"], data, "window", "operations", color=INK)
    for name in "AB":
        ax[name].axvline(params.mode_length, color=MUTED, ls=":", lw=1.2)
        ax[name].set(xscale="log")
        plain_ticks(ax[name], "x", params.windows)
    ax["A"].set(xlabel="", ylim=(LEAST, 1.06))
    ax["B"].set(ylim=(0, None))
    for control, line in (("plain", ":"), ("wider", "--")):
        level = study.explained((control, 0), params.fitting, params.n_modes).value
        ax["C"].axhline(level, color=FLOOR, ls=line, lw=1.4, label=NAMES[control])
    ax["C"].set(xscale="log")
    plain_ticks(ax["C"], "x", params.sets)
    legend_below(figure, ax["C"])
    return figure


@captioned(
    "(A) Queries that retrieve their item among {items}, as the one with the most spikes, against the number of "
    "spikes; the blue line is the softmax weight on the item. (B) Programs, small networks of one hidden layer, "
    "retrieved by noisy keys: squared error of what was computed, relative to the variance of the results, when "
    "outputs are mixed (solid) or weights are (dashed)."
)
def programs(shown: Shown) -> Figure:
    study, data = shown
    figure, ax = panels("AB", height_in=3.6)
    for head, colour, label in (("spiking", SPIKING, "spikes"), ("sampled", FLOOR, "samples")):
        some = [(n, study.items[head, n].mean()) for h, n in study.params.readers if h == head]
        if some:
            ax["A"].plot(*np.transpose(some), "o-", color=colour, label=label)
            ax["A"].set(xscale="log")
            plain_ticks(ax["A"], "x", [n for n, _ in some])
    ax["A"].axhline(study.items["mass", 0].mean(), color=SOFTMAX, lw=1.4, label="softmax weight")
    ax["A"].set(xlabel="spikes a row", ylabel="items retrieved")
    for reader in _drawn(data.reader):
        for way, line in (("outputs", "-"), ("weights", "--")):
            part = data.sel(reader=reader, way=way)
            named_once = reader if way == "outputs" else None
            points(ax["B"], part, "noise", "wrong", label=named_once, **(_look(reader) | {"ls": line}))
    legend_below(figure, *ax.values())
    return figure


def _drawn(readers: xr.DataArray) -> list[str]:
    """All but samples, which have their own figure, and at most three numbers of spikes."""
    names = [str(name) for name in readers.values if "sample" not in str(name)]
    spiking = [name for name in names if "spike" in name]
    return [name for name in names if name not in spiking[3:]]


def _look(reader: str) -> dict[str, Any]:
    whole = {NAMES["softmax"]: SOFTMAX, NAMES["top"]: CONTROL}
    if reader in whole:
        return {"color": whole[reader], "lw": 2.2}
    return {"color": SPIKING, "alpha": min(1.0, 0.35 + 0.16 * np.log2(int(reader.split()[0]))), "lw": 1.4}
