"""Figures of minilm-heads: maps over layers and heads, attention patterns, excess over the floor."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from scenarios.minilm_heads.measures import Compared
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import (
    against_floor,
    captioned,
    head_map,
    panels,
    pictures,
    weight_bar,
    weight_map,
)
from scenarios.workbench.style import FLOOR, MUTED
from scenarios.workbench.tables import named

__all__ = ["figures"]


def figures(compared: Compared, table: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    several = "the sharpest, the median and the most diffuse of these heads"
    which = several if len(compared.pairs) > 2 else "these heads, the sharper first"
    drawn = pictures((compared, table), patterns, n=len(compared.tokens), which=which)
    return pictures(table, maps) | drawn | pictures(table, excess)


@captioned(
    "Every head that was simulated. (A) The fitted beta x temperature, 1 where the circuit is the softmax "
    "asked for. (B) Total variation over its sampling floor, 1 where only the number of spikes limits it. (C) "
    "Frequency of the significant gamma peak, mean over rows."
)
def maps(table: xr.Dataset) -> Figure:
    figure, ax = panels("A\nB\nC", height_in=7.6)
    f_Hz = float(table.f_gamma.mean())
    for name, measure, centre, spread in (
        ("A", "beta", 1.0, 0.15),
        ("B", "excess", 1.0, 0.5),
        ("C", "f_gamma", f_Hz if np.isfinite(f_Hz) else 40.0, 6.0),
    ):
        of, layer, head = table[measure], table.layer.values, table["head"].values
        image = head_map(ax[name], layer, head, of.values, named(of), spread=spread, centre=centre)
        image.set_cmap("PuOr_r" if measure == "f_gamma" else "RdBu_r")
        figure.colorbar(image, ax=ax[name], pad=0.01, fraction=0.03)
    return figure


@captioned(
    "Attention of {which}: the model's softmax above, "
    "the share of spikes below. Queries downwards, keys across, the same {n} tokens; colour is the square "
    "root of the weight."
)
def patterns(results: tuple[Compared, xr.Dataset]) -> Figure:
    compared, table = results
    by_entropy = np.argsort(table.entropy.values)
    chosen = list(dict.fromkeys(by_entropy[[0, len(by_entropy) // 2, -1]].tolist()))
    columns = "ABC"[: len(chosen)]
    figure, ax = panels(f"{columns}\n{columns.lower()}", height_in=5.2)
    for column, pair in zip(columns, chosen, strict=True):
        layer, head = compared.pairs[pair]
        weights, n = np.nan_to_num(compared.weights[pair]), float(table.spikes_per_row[pair])
        weight_map(ax[column], compared.target[pair])
        image = weight_map(ax[column.lower()], weights)
        ax[column].set_title(f"layer {layer}, head {head}: softmax", fontsize=8.5)
        ax[column.lower()].set_title(f"spikes, {n:.0f} a row", fontsize=8.5)
    for name, each in ax.items():
        at = range(0, len(compared.tokens), 1 + len(compared.tokens) // 14)
        words, none = [compared.tokens[i] for i in at], [""] * len(at)
        each.set_xticks(at, words if name.islower() else none, rotation=90, fontsize=6)
        each.set_yticks(at, words if name in "Aa" else none, fontsize=6)
        each.tick_params(length=0, pad=1)
    weight_bar(figure, image, list(ax.values()))
    return figure


@captioned(
    "(A) Distance of each head's spike shares to the softmax against the distance that a multinomial of as many "
    "spikes has on average. (B) The ratio of both against the entropy of the head's attention."
)
def excess(table: xr.Dataset) -> Figure:
    figure, ax = panels("AB", height_in=3.3)
    against_floor(ax["A"], table.floor.values, table.total_variation.values, "a head, in spikes")
    median = f"median ratio {float(table.excess.median()):.2f}"
    ax["A"].text(0.97, 0.05, median, transform=ax["A"].transAxes, ha="right", color=MUTED)
    ax["B"].axhline(1.0, color=FLOOR, lw=1.2)
    layers = {"c": table.layer, "cmap": "viridis", "vmin": 0, "vmax": int(table.layer.max()) + 1e-9}
    dots = ax["B"].scatter(table.entropy, table.excess, s=18, **layers)
    ax["B"].set(xlabel=named(table.entropy), ylabel="total variation / floor")
    figure.colorbar(dots, ax=ax["B"], label="layer", pad=0.02)
    return figure
