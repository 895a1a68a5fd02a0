"""The small multiples of temperature-map: each measure along each parameter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from scenarios.temperature_map.measures import MEASURES, Varied, curve
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, letter, pictures, plain_ticks
from scenarios.workbench.style import PAPER, SPIKING, WIDTH_in
from scenarios.workbench.tables import named

__all__ = ["figures"]


def figures(dataset: xr.Dataset, varied: Sequence[Varied]) -> dict[str, Picture]:
    """The one figure."""
    return pictures((dataset, varied), map)


@captioned(
    "Each column varies one parameter of the circuit alone, around the values given below (open circles): (A) "
    "the temperature of the selection, (B) how many keys it effectively attends, (C) its gamma frequency, (D) "
    "its spikes per cycle. Gaps: fewer than half of the rows have a significant gamma peak. Bars are standard "
    "errors."
)
def map(results: tuple[xr.Dataset, Sequence[Varied]]) -> Figure:
    dataset, varied = results
    figure = Figure(figsize=(WIDTH_in, 6.6))
    axes = figure.subplots(len(MEASURES), len(varied), sharex="col", sharey="row", squeeze=False)
    for column, each in zip(axes.T, varied, strict=True):
        along = curve(dataset, each.name)
        x, itself = along[each.name].values, np.flatnonzero(along.varied.values == "")
        for ax, measure in zip(column, MEASURES, strict=True):
            points(ax, along, each.name, measure, color=SPIKING, capsize=1.5, lw=1.3)
            ax.plot(x[itself], along[measure][itself], "o", color=SPIKING, mfc=PAPER, ms=6, zorder=3)
            ax.label_outer()
            ax.set_xscale("log")
            plain_ticks(ax, "x", dict.fromkeys(x[[0, *itself, -1]]), "{x:.3g}")
            ax.tick_params(axis="x", which="minor", length=0)
    for name, row, measure in zip("ABCD", axes, MEASURES, strict=True):
        head, _, tail = named(dataset[measure]).partition(" ")
        row[0].set_ylabel(f"{head}\n{tail}")
        letter(row[0], name)
    figure.align_ylabels()
    return figure
