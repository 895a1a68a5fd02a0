"""Axes that several scenarios share: columns of a dataset, spikes per row, rises in loss, many layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from scenarios.workbench.tables import named

__all__ = ["SMALL", "curve", "layer_ticks", "points", "rise_axis", "spikes_axis"]

SMALL = 8.0  # points, of legends and labels inside a panel
STEPS_nat = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


def spikes_axis(ax: Axes, spikes: Iterable[float], most: int = 7) -> None:
    """Make the horizontal axis logarithmic, with plain numbers at the budgets, every other one above `most`."""
    budgets = sorted({int(n) for n in spikes})
    ticks = budgets[:: 1 + len(budgets) // (most + 1)]
    ax.set(xscale="log", xlabel="spikes per row")
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    if len(budgets) == 1:
        ax.set_xlim(budgets[0] / 2, budgets[0] * 2)


def rise_axis(ax: Axes, linear_nat: float) -> None:
    """Make the vertical axis linear up to `linear_nat` and logarithmic above, so that small rises show too."""
    ax.set_yscale("symlog", linthresh=linear_nat)
    ax.yaxis.set_major_locator(FixedLocator([-step for step in STEPS_nat] + [0, *STEPS_nat]))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    lowest, highest = ax.dataLim.intervaly
    ax.set_ylim(min(lowest, 0) - 0.2 * linear_nat, 1.5 * max(highest, linear_nat))


def layer_ticks(ax: Axes, labels: Sequence[object], most: int = 12) -> None:
    """Set a tick at each of the places 0, 1, ..., or at every few of them, so that labels do not touch."""
    places = range(0, len(labels), -(-len(labels) // most))
    ax.set_xticks(places, [str(labels[place]) for place in places])


def curve(ax: Axes, x: Any, values: Any, errors: Any, *, marker: str, line: str, **options: Any) -> None:
    """Draw values with error bars, joined by a line; below three points, which make no curve, without it."""
    ax.errorbar(x, values, errors, fmt=marker + line if np.size(values) > 2 else marker, **options)


def points(ax: Axes, data: xr.Dataset, x: str, y: str, **look: Any) -> None:
    """Draw one column of a dataset against another, and name the axes after them.

    Bars are the column ``y_se``, if there is one. Two points make no curve: they are not joined.

    Parameters
    ----------
    ax : Axes
    data : Dataset
    x, y : str
        Columns of one dimension.
    **look
        Of `Axes.errorbar`.
    """
    settings: dict[str, Any] = {"marker": "o", "ls": "-"} | look
    if data[y].size < 3:
        settings["ls"] = "none"
    error = data[f"{y}_se"].values if f"{y}_se" in data else None
    ax.errorbar(data[x].values, data[y].values, error, **settings)
    ax.set(xlabel=named(data[x]), ylabel=named(data[y]))
