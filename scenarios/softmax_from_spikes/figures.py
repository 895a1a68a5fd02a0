"""Figures of softmax-from-spikes: temperatures, excess over the floor, divergence against spikes, laws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bridge import FitReport
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.style import FLOOR, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["figures"]


def figures(table: xr.Dataset, curves: xr.Dataset, reports: Mapping[str, FitReport]) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(table, fidelity) | pictures(curves, spikes) | pictures(reports, laws)


def _colour(keys: np.ndarray, n_keys: int) -> Any:
    """From light (few keys) to dark (many), on a logarithmic scale."""
    span = np.log2(keys.max()) - np.log2(keys.min())
    return colormaps["plasma"](0.8 - 0.75 * (np.log2(n_keys) - np.log2(keys.min())) / max(span, 1e-9))


@captioned(
    "(A) Temperature fitted to the spikes over the temperature asked for; grey: within 5 %. (B) Total "
    "variation to the softmax asked for over what a multinomial of as many spikes has; dotted: 1.25. Filled: "
    "escape-rate cells; open: diffusive cells. Bars are standard errors."
)
def fidelity(table: xr.Dataset) -> Figure:
    figure, ax = panels("AB", height_in=3.8)
    ax["A"].axhspan(0.95, 1.05, color=FLOOR, alpha=0.18, lw=0)
    ax["A"].axhline(1, color=SOFTMAX, lw=1.2)
    ax["B"].axhline(1, color=FLOOR, lw=1.2)
    ax["B"].axhline(1.25, color=FLOOR, lw=0.8, ls=":")
    ratio, label = 1 / table.beta, {"long_name": "fitted / requested temperature"}
    inverse = table.assign(ratio=ratio.assign_attrs(label), ratio_se=table.beta_se * ratio**2)
    _points(ax["A"], inverse, "ratio")
    _points(ax["B"], table, "excess")
    legend_below(figure, ax["A"], ncols=3)
    return figure


def _points(ax: Axes, table: xr.Dataset, measure: str) -> None:
    """A measure of each condition against its temperature, cells and numbers of keys next to each other."""
    kinds = list(dict.fromkeys(zip(table.cell.values, table.n_keys.values, strict=True)))
    for order, (cell, keys) in enumerate(kinds):
        at = table.isel(condition=np.flatnonzero((table.cell == cell) & (table.n_keys == keys)))
        colour, aside = _colour(table.n_keys.values, keys), 2.0 ** ((order - (len(kinds) - 1) / 2) * 0.07)
        look = {"marker": "o", "mfc": colour, "label": f"{keys} keys, escape-rate"}
        if cell != "escape":
            look = {"marker": "s", "mfc": "none", "label": f"{keys} keys, diffusive"}
        shown = at.assign_coords(temperature=at.temperature * aside)
        points(ax, shown, "temperature", measure, ls="none", color=colour, **look)
    ax.set_xscale("log", base=2)
    plain_ticks(ax, "x", np.unique(table.temperature.values))
    ax.set_xlabel("temperature asked for")


@captioned(
    "Divergence of the spike share from the softmax against the spikes counted so far, mean over rows; dashed: "
    "(K - 1)/2N, the expected divergence of N exact samples over K keys, which holds where N is large against K."
)
def spikes(curves: xr.Dataset) -> Figure:
    figure, axes = panels("A", height_in=3.6)
    ax, keys = axes["A"], curves.curve_keys.values
    for n_keys in keys:
        curve, colour = curves.isel(curve=int(np.flatnonzero(keys == n_keys)[0])), _colour(keys, n_keys)
        look = {"color": colour, "ms": 3.5, "lw": 1.2, "label": f"{n_keys} keys"}
        points(ax, curve, "curve_spikes", "curve_kl", **look)
        ax.plot(curve.curve_spikes, curve.curve_floor, "--", color=colour, lw=1)
    ax.plot([], [], "--", color=MUTED, lw=1, label="(K − 1)/2N")
    ax.set(xscale="log", yscale="log")
    low, high = float(curves.curve_spikes.min()), float(curves.curve_spikes.max())
    plain_ticks(ax, "x", [t for t in (20, 50, 100, 200, 500, 1000, 2000, 5000) if low <= t <= high])
    ax.legend(ncols=2)
    return figure


@captioned(
    "Selection laws fitted to the spikes: held-out log-likelihood that each loses to the best law, with its "
    "paired standard error over rows; the axis is linear near 0."
)
def laws(reports: Mapping[str, FitReport]) -> Figure:
    figure, ax = panels("ABCDEFGH"[: len(reports)], height_in=2.9)
    for each, (cell, report) in zip(ax.values(), reports.items(), strict=True):
        lost = np.array([law.behind for law in report.laws])
        errors = np.array([law.behind_se for law in report.laws])
        names = [law.law.name for law in report.laws]
        for y, name in enumerate(names):
            colour = SPIKING if name == "softmax" else INK
            each.errorbar(lost[y], y, xerr=errors[y], fmt="o", color=colour, capsize=2, lw=1.2)
        each.axvline(0, color=FLOOR, lw=1.0, zorder=0)
        linear = 10 ** np.floor(np.log10(max(errors[lost > 0].min(initial=1e-2), 1e-6)))
        each.set_xscale("symlog", linthresh=linear)
        each.set(xlim=(-linear, 2 * lost.max()), xlabel="lost to the best law (nats per spike)")
        each.set_yticks(range(len(names)), names)
        each.invert_yaxis()
        each.set_title(f"{cell} cells")
    return figure
