"""The small multiples of temperature-map, drawn on given axes from its dataset."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator

from scenarios.workbench.style import PAPER, SPIKING

__all__ = ["draw_setting"]


def draw_setting(ax: Axes, curve: xr.Dataset, parameter: str, measure: str) -> None:
    """One measure along one parameter; the circuit itself as an open circle."""
    x, y = curve[parameter].values, curve[measure].values
    ax.errorbar(x, y, curve[f"{measure}_se"].values, fmt="-o", color=SPIKING, capsize=1.5, linewidth=1.3)
    itself = np.flatnonzero(curve.varied.values == "")
    ax.plot(x[itself], y[itself], "o", color=SPIKING, markerfacecolor=PAPER, markersize=6, zorder=3)
    ax.set_xscale("log")
    ax.set_xticks(x[[0, *itself, -1]], [f"{value:.3g}" for value in x[[0, *itself, -1]]])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
