"""Figures of first-to-spike: a few cycles with their winners, the law of the race, spikes and counts."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.first_to_spike.measures import LAW_NAMES, Study, in_data
from scenarios.first_to_spike.races import SAMPLES, TOP, WATCHED_MS, Cycles
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, percent_axis, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["figures"]

COLOURS = (SPIKING, INH, SOFTMAX, CONTROL, INK)  # of circuits
LINES = {"exponential": "-", "uniform": "--"}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, winners, k=study.params.shown) | pictures(
        study, race, k=study.params.shown, top=TOP
    )


@captioned(
    "The begin of one row in each of two circuits. Dots are spikes, the strongest key on top; bars below are the I "
    "cells'. Ringed: the first {k} distinct keys of each cycle, which are selected. Dotted: the end of a cycle."
)
def winners(study: Study) -> Figure:
    names = [study.params.circuits[0], study.params.circuits[-1]][: len(study.params.circuits)]
    figure, ax = panels("AB"[: len(names)], height_in=2.8, sharey=True)
    for letter, name in zip("AB", names, strict=False):
        _raster(ax[letter], study.cycles[name], study.params.shown)
        ax[letter].set(title=name, xlabel="time (ms)", xlim=(0, WATCHED_MS), yticks=[])
    ax["A"].set(ylabel="keys")
    return figure


def _raster(ax: Axes, cycles: Cycles, k: int) -> None:
    spikes, ends = cycles.watched, cycles.ends_ms
    ax.plot(spikes.time_ms, -spikes.key.astype(float), ".", color=SPIKING, ms=4)
    ax.plot(cycles.inh_ms, np.full(len(cycles.inh_ms), -spikes.n_keys - 0.5), "|", color=INH, ms=9)
    for begin, end in zip([0.0, *ends], [*ends, WATCHED_MS], strict=True):
        seen: list[int] = []
        for at in np.flatnonzero((spikes.time_ms >= begin) & (spikes.time_ms < end)):
            key = int(spikes.key[at])
            if key not in seen and len(seen) < k:
                seen.append(key)
                ax.plot(spikes.time_ms[at], -key, "o", mfc="none", mec=INK, ms=8, mew=1.2)
        ax.axvline(end, color=MUTED, lw=0.6, ls=":")


@captioned(
    "(A) How often each key is among the first {k} to spike, and two laws: Plackett-Luce for memoryless cells, a "
    "race of uniform times for regular ones. (B) Spikes until k keys have spiked; line: mean of memoryless cells. "
    "(C) Cycles in which so many different keys spike. (D) Rows whose {top} strongest keys have the most spikes."
)
def race(study: Study) -> Figure:
    data = in_data(study)
    figure, ax = panels("AB\nCD", height_in=5.2)
    part = data.sel(k=study.params.shown)
    for arrivals, line in LINES.items():
        law = part.sel(arrivals=LAW_NAMES[arrivals])
        ax["A"].plot(part.key, law.law, color=INK, ls=line, lw=1.2, label=LAW_NAMES[arrivals])
    colours = {SAMPLES: FLOOR} | dict(zip(study.params.circuits, cycle(COLOURS), strict=False))
    for name, colour in colours.items():
        look: dict[str, Any] = {"color": colour, "label": name, "ms": 7 if name == SAMPLES else 4.5}
        of = data.sel(raced_by=name)
        points(ax["A"], part.sel(raced_by=name), "key", "included", **look, ls="none")
        points(ax["B"], of, "k", "took", **look, ls="none")
        points(ax["D"], of, "counted", "right", **look)
        if name != SAMPLES:
            points(ax["C"], data.sel(circuit=name), "k", "reached", **look)
    ax["B"].plot(data.k, data.law_spikes, color=INK, lw=1.2)
    for letter in "BC":
        ax[letter].set_xticks(list(study.params.k))
    ax["D"].set(xscale="log")
    plain_ticks(ax["D"], "x", study.params.spikes)
    for letter in "CD":
        percent_axis(ax[letter])
    legend_below(figure, ax["A"])
    return figure
