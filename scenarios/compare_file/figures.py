"""Figures of a comparison: weights, one row in spikes, rows against their floor, weights against targets."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bridge import Comparison
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import against_floor, captioned, panels, pictures, weight_bar, weight_map
from scenarios.workbench.rasters import draw_row, draw_shares
from scenarios.workbench.style import SOFTMAX, SPIKING

__all__ = ["figures"]

MOST = 64  # rows and keys of the maps of weights
FEW = 12  # keys of the raster
WINDOW_ms = 250.0


def figures(compared: Comparison) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(compared, weights, raster, rows)


@captioned(
    "Attention weights of the softmax (A) and of the spikes (B), rows downwards, keys across (the first 64 of "
    "each); colour is the square root of the weight."
)
def weights(compared: Comparison) -> Figure:
    figure, ax = panels("AB", height_in=3.6)
    weight_map(ax["A"], compared.weights[:MOST, :MOST], "softmax", aspect="auto")
    image = weight_map(ax["B"], compared.selection.weights[:MOST, :MOST], "spikes", aspect="auto")
    for each in ax.values():
        each.set(xlabel="key", ylabel="row")
    weight_bar(figure, image, list(ax.values()))
    return figure


@captioned(
    "The row whose distance to its softmax is the median one. (A) Spikes of the E cells, a line a cell, the "
    "keys with the largest weights, strongest on top, and of the I cells; below, the field of the row "
    "(excitatory synaptic trace, in units of one spike). (B) Share of spikes and softmax weight of the same keys."
)
def raster(compared: Comparison) -> Figure:
    figure, ax = panels("AB\naB", height_in=3.6, width_ratios=(2.4, 1), height_ratios=(3, 1))
    selection, distance = compared.selection, compared["total_variation"].spiking
    row = int(np.argsort(distance)[np.isfinite(distance).sum() // 2]) if np.isfinite(distance).any() else 0
    strongest = np.argsort(np.where(selection.mask[row], compared.weights[row], -1.0))
    order = strongest[selection.mask[row][strongest]][-FEW:]
    labels = [str(key) for key in order]
    draw_row(ax["A"], ax["a"], selection, row, order=order, labels=labels, window_ms=WINDOW_ms)
    ax["A"].set_title(f"row {row}")
    draw_shares(ax["B"], selection.weights[row][order], compared.weights[row][order], labels)
    ax["B"].set_ylabel("key")
    figure.legend(*ax["B"].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    return figure


@captioned(
    "(A) Every row's distance to its softmax against what a multinomial of as many spikes has on average. (B) "
    "Every weight, spikes against softmax; bars of two standard deviations of sampling."
)
def rows(compared: Comparison) -> Figure:
    figure, ax = panels("AB", height_in=3.4)
    distance, selection = compared["total_variation"], compared.selection
    against_floor(ax["A"], distance.floor, distance.spiking, "a row")
    shown = selection.mask & ~selection.silent[:, None]
    target, share = compared.weights[shown], selection.weights[shown]
    n_spikes = np.broadcast_to(selection.counts.sum(axis=1, keepdims=True), shown.shape)[shown]
    error = 2 * np.sqrt(target * (1 - target) / n_spikes)
    ax["B"].plot([0, 1], [0, 1], color=SOFTMAX, lw=1.2)
    ax["B"].errorbar(target, share, error, fmt="o", color=SPIKING, ms=2.5, lw=0.5, alpha=0.5)
    ax["B"].set(xlabel="softmax weight", ylabel="spike share")
    return figure
