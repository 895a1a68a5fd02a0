"""The figure of swap-model: weights and hidden states, layer by layer, with their floor and control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import softmax

from scenarios.workbench.axes import layer_ticks
from scenarios.workbench.panels import captioned, legend_below, panels
from scenarios.workbench.rasters import draw_row, draw_shares
from scenarios.workbench.style import CONTROL, FLOOR, SPIKING
from scenarios.workbench.tables import named
from spiking import Selection

__all__ = ["MOST_KEYS", "Row", "layers", "row"]

MOST_KEYS = 12  # of the raster


@captioned(
    "(A) Total variation between the weights of {chosen} and the softmax of the same scores, at {spikes} "
    "spikes per row, by layer, and the distance that as many exact samples have on average. (B) Change of "
    "the hidden state after each block against the model with its own attention, relative to its norm, noise "
    "of all layers before it included. Forward passes: {n_draws}; bars: standard errors over them, where "
    "there are several."
)
def layers(dataset: xr.Dataset) -> Figure:
    figure, ax = panels("AB", height_in=3.4)
    _draw(ax["A"], dataset, "layer", "distance", dataset.floor)
    _draw(ax["B"], dataset, "block", "hidden_change", dataset.hidden_change.sel(kind="sampled"))
    ax["A"].set_title("Weights")
    ax["B"].set_title("Hidden states")
    legend_below(figure, ax["A"])
    return figure


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attention row in spikes."""

    scores: np.ndarray  # (n_keys,) over temperature
    selection: Selection


@captioned(
    "The last row of head {where}, until {spikes} spikes have fallen; of its {keys} keys the {shown} "
    "strongest. (A) Every excitatory cell a line, the I cells below, and the field. (B) Share of all spikes, "
    "and the softmax of the scores."
)
def row(shown: Row) -> Figure:
    selection, order = shown.selection, np.argsort(shown.scores)[-MOST_KEYS:]
    figure, ax = panels("AB\naB", height_in=3.9, width_ratios=(2.2, 1), height_ratios=(3, 1))
    labels, window_ms = [str(key) for key in order], float(selection.row_ms[0])
    draw_row(ax["A"], ax["a"], selection, 0, order=order, labels=labels, window_ms=window_ms)
    draw_shares(ax["B"], selection.weights[0][order], softmax(shown.scores)[order], labels)
    legend_below(figure, ax["B"])
    return figure


def _draw(ax: Axes, dataset: xr.Dataset, along: str, measure: str, floor: xr.DataArray) -> None:
    """Spikes with their errors, exact samples, and uniform attention."""
    labels, of, error = dataset[along].values, dataset[measure], dataset[f"{measure}_se"]
    x, size = np.arange(len(labels)), 4.5 if len(labels) <= 12 else 3.0
    joined = len(x) > 2  # two points make no curve
    look: dict[str, Any] = {"ms": size, "color": CONTROL, "lw": 1.2, "label": "uniform attention"}
    ax.plot(x, of.sel(kind="uniform"), "s-" if joined else "s", **look)
    look = {"ms": 20, "mew": 4, "lw": 4, "color": FLOOR, "alpha": 0.6, "label": "as many exact samples"}
    ax.plot(x, floor, "-" if joined else "_", **look)
    look = {"fmt": "o", "ms": size, "color": SPIKING, "label": "spikes"}
    ax.errorbar(x, of.sel(kind="simulated"), np.nan_to_num(error), **look)
    ax.margins(x=0.08)
    layer_ticks(ax, labels.tolist())
    ax.set(xlabel=named(dataset[along]), ylabel=named(of))
    ax.set_ylim(bottom=0)
