"""Figures of bottleneck: accuracy by length, recall against the size of the memory, answers to pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.bottleneck.measures import NAMES, Study
from scenarios.bottleneck.memory import N_VALUES
from scenarios.bottleneck.pairs import IN_CONTEXT
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, SOFTMAX, SPIKING

__all__ = ["figures"]


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    return pictures((study, data), lengths) | pictures(data, memories, pairs=IN_CONTEXT, values=N_VALUES)


@captioned(
    "Recurrent networks say a sequence backwards, each symbol given what they have said. The decoder has the "
    "encoder's last state alone, or also attends to its states at all positions, by softmax or through as many "
    "spikes or samples as stand at the line. Mean over models and sequences with its standard error; grey: a guess."
)
def lengths(shown: tuple[Study, xr.Dataset]) -> Figure:
    study, data = shown
    figure, ax = panels("A", height_in=3.6)
    _curves(ax["A"], data, "reversed_by", "length", "reversed")
    ax["A"].axhline(1 / study.n_symbols, color=FLOOR, lw=1)
    ax["A"].set(ylim=(0, 1.04))
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "Values given back by a memory of pairs. First panels: random unit keys and values, against the number of "
    "pairs; stored in one matrix (sum of value times key), or one by one and read by softmax or few spikes. "
    "Last panel: memories that learn to answer {pairs} pairs at a time, against their width; heads with spikes "
    "are put into the one trained with softmax. Grey, below: a guess among {values} values."
)
def memories(data: xr.Dataset) -> Figure:
    data = data.sel(recalled_by=_few(data.recalled_by), answered_by=_few(data.answered_by))
    names = "ABCDEFGH"[: data.sizes["dim"]]
    last = "ABCDEFGHI"[len(names)]
    figure, ax = panels(names + last, height_in=3.6)
    for name, dim in zip(names, data.dim.values, strict=False):
        _curves(ax[name], data.sel(dim=dim), "recalled_by", "pairs", "recalled")
        ax[name].axhline(1 / N_VALUES, color=FLOOR, lw=1)
        ax[name].set(title=f"{dim} dimensions")
    _curves(ax[last], data, "answered_by", "width", "answered")
    for name, x in [*((name, data.pairs) for name in names), (last, data.width)]:
        ax[name].set(xscale="log", ylim=(0, 1.04))
        plain_ticks(ax[name], "x", [int(n) for n in x.values])
    legend_below(figure, ax[names[0]], ax[last])
    return figure


def _curves(ax: Axes, data: xr.Dataset, by: str, x: str, y: str) -> None:
    """A line for every way to read."""
    for reader in data[by].values:
        points(ax, data.sel({by: reader}), x, y, label=str(reader), **_look(str(reader)))


def _few(readers: xr.DataArray) -> list[str]:
    """Without samples, and with the two smallest numbers of spikes: more of them lie on softmax."""
    names = [str(name) for name in readers.values if "sample" not in str(name)]
    spiking = [name for name in names if "spike" in name]
    return [name for name in names if name not in spiking[2:]]


def _look(reader: str) -> dict[str, Any]:
    """More spikes are drawn darker, samples dashed and grey."""
    whole = dict(zip(NAMES.values(), (CONTROL, SOFTMAX, SOFTMAX, CONTROL, FLOOR), strict=True))
    if reader in whole:
        return {"color": whole[reader], "lw": 2.2}
    n_spikes, what = reader.split()
    look: dict[str, Any] = {"alpha": min(1.0, 0.3 + 0.12 * np.log2(int(n_spikes))), "lw": 1.4}
    return look | ({"color": SPIKING} if what.startswith("spike") else {"color": FLOOR, "ls": "--"})
