"""Pictures of softmax-from-spikes: temperatures, excess over the floor, divergence against spikes, laws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from bridge import FitReport
from scenarios.workbench.style import FLOOR, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["draw_excess", "draw_kl", "draw_laws", "draw_temperature"]


def _colour(keys: np.ndarray, n_keys: int) -> Any:
    """From light (few keys) to dark (many), on a logarithmic scale."""
    span = np.log2(keys.max()) - np.log2(keys.min())
    return colormaps["plasma"](0.8 - 0.75 * (np.log2(n_keys) - np.log2(keys.min())) / max(span, 1e-9))


def _groups(table: xr.Dataset) -> list[tuple[str, int, xr.Dataset]]:
    pairs = dict.fromkeys(zip(table.cell.values, table.n_keys.values, strict=True))
    return [
        (
            str(cell),
            int(keys),
            table.isel(condition=np.flatnonzero((table.cell == cell) & (table.n_keys == keys))),
        )
        for cell, keys in pairs
    ]


def _marker(table: xr.Dataset, cell: str, keys: int) -> dict[str, Any]:
    colour = _colour(table.n_keys.values, keys)
    filled = cell == "escape"
    return {
        "fmt": "o" if filled else "s",
        "color": colour,
        "mfc": colour if filled else "none",
        "label": f"{keys} keys" + ("" if filled else ", diffusive"),
        "capsize": 0,
        "ms": 5,
    }


def _shifted(temperature: np.ndarray, order: int, of: int) -> np.ndarray:
    """Beside each other on a logarithmic axis."""
    return temperature * 2.0 ** ((order - (of - 1) / 2) * 0.07)


def draw_temperature(ax: Axes, table: xr.Dataset) -> None:
    """Fitted over requested temperature, with standard errors."""
    groups = _groups(table)
    ax.axhspan(0.95, 1.05, color=FLOOR, alpha=0.18, lw=0)
    ax.axhline(1, color=SOFTMAX, lw=1.2)
    for order, (cell, keys, at) in enumerate(groups):
        x = _shifted(at.temperature.values, order, len(groups))
        ratio = 1 / at.beta.values
        ax.errorbar(x, ratio, at.beta_se.values * ratio**2, **_marker(table, cell, keys))
    _temperature_axis(ax, table)
    ax.set(ylabel="fitted / requested temperature", title="The temperature asked for")
    ax.annotate(
        "± 5 %", (0.02, 1.05), xycoords=("axes fraction", "data"), va="bottom", color=MUTED, fontsize=8
    )


def draw_excess(ax: Axes, table: xr.Dataset) -> None:
    """Total variation over its sampling floor, with standard errors."""
    groups = _groups(table)
    ax.axhline(1, color=FLOOR, lw=1.2)
    ax.axhline(1.25, color=FLOOR, lw=0.8, ls=":")
    for order, (cell, keys, at) in enumerate(groups):
        x = _shifted(at.temperature.values, order, len(groups))
        ax.errorbar(x, at.excess.values, at.excess_se.values, **_marker(table, cell, keys))
    _temperature_axis(ax, table)
    ax.set(ylabel="total variation / sampling floor", title="As close as its spikes allow")
    ax.legend(fontsize=7.5, ncols=2, loc="upper right")
    ax.set_ylim(top=1.25 * ax.get_ylim()[1] - 0.25 * ax.get_ylim()[0])


def _temperature_axis(ax: Axes, table: xr.Dataset) -> None:
    ticks = np.unique(table.temperature.values)
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.set_xlabel("temperature asked for")


def draw_kl(ax: Axes, curves: Mapping[int, Any]) -> None:
    """Divergence against spikes, dashed the floor (K - 1)/2N; both axes logarithmic."""
    keys = np.array(list(curves))
    for n_keys, curve in curves.items():
        colour = _colour(keys, n_keys)
        ax.errorbar(
            curve.spikes,
            curve.kl,
            curve.kl_se,
            fmt="o-",
            color=colour,
            ms=3.5,
            lw=1.2,
            label=f"{n_keys} keys",
        )
        ax.plot(curve.spikes, curve.floor, "--", color=colour, lw=1)
    ax.plot([], [], "--", color=MUTED, lw=1, label="(K − 1)/2N")
    ax.set(xscale="log", yscale="log", xlabel="spikes per row", ylabel="KL(spike share || softmax) (nats)")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set_title("What a number of spikes buys")
    ax.legend(ncols=2)


def draw_laws(ax: Axes, report: FitReport, title: str) -> None:
    """Laws from best to worst, by how far behind the best they are on held-out rows."""
    behind = np.array([fitted.behind for fitted in report.laws])
    errors = np.array([fitted.behind_se for fitted in report.laws])
    names = [fitted.law.name for fitted in report.laws]
    smallest = max(behind[behind > 0].min() if (behind > 0).any() else 1e-4, 1e-6)
    y = np.arange(len(names))
    colours = [SPIKING if name == "softmax" else FLOOR for name in names]
    ax.barh(y, np.maximum(behind, smallest / 3), color=colours, height=0.6)
    ax.errorbar(np.maximum(behind, smallest / 3), y, xerr=errors, fmt="none", ecolor=INK, lw=1)
    ax.annotate(" best", (smallest / 3, 0), va="center", color=MUTED, fontsize=8)
    ax.set_yticks(y, names)
    ax.invert_yaxis()
    ax.set(xscale="log", xlabel="behind the best law (nats per spike)", title=title)
    ax.set_xlim(left=smallest / 4)
    ax.grid(False, axis="y")
