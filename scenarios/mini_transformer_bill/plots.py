"""Pictures of mini-transformer-bill: accuracy against energy, one panel a task and phase."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from scenarios.mini_transformer_bill.pareto import HARDWARE, Point, front, points_of
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["draw_legend", "draw_task"]

SMALL = 8.0
LOOKS = {  # kind -> colour, marker, label
    "softmax": (SOFTMAX, "s", "softmax"),
    "uniform": (INK, "_", "uniform"),
    "linear": (MUTED, "v", "linear"),
    "sparsemax": (INH, "D", "sparsemax"),
    "sampled": (CONTROL, "^", "sampled"),
    "simulated": (SPIKING, "o", "simulated, trained through"),
    "swapped": ("#e69f00", "P", "simulated, put into softmax"),  # Okabe and Ito's orange, near SPIKING's
}


def draw_task(ax: Axes, task: xr.Dataset, phase: str, *, title: str = "") -> None:
    """Every model as a point, its energy in units of softmax's; budgets joined by a line, and the front."""
    points = points_of(task, phase)
    softmax = next(point for point in points if point.kind == "softmax")
    _draw_front(ax, points, softmax.cost)
    for kind, (colour, marker, label) in LOOKS.items():
        for table in dict.fromkeys(point.table for point in points):
            ours = [point for point in points if point.kind == kind and point.table == table]
            if not ours:
                continue
            hardware = table == HARDWARE
            ax.errorbar(
                [point.cost / softmax.cost for point in ours],
                [point.accuracy.value for point in ours],
                [point.accuracy.error for point in ours],
                fmt=marker,
                ls=":" if hardware else "-",
                lw=0.9,
                color=colour,
                mfc="none" if hardware else colour,
                ms=4,
                elinewidth=0.8,
                label=None if hardware else label,
            )
    ax.set(xscale="log", title=title)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def draw_legend(figure: Figure, ax: Axes) -> None:
    """One legend below the figure."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=SMALL)


def _draw_front(ax: Axes, points: list[Point], unit: float) -> None:
    """A step at each model of the front, up to the dearest of all."""
    best = front(points)
    reach = max(point.cost for point in points)
    cost = np.array([*(point.cost for point in best), reach]) / unit
    accuracy = [*(point.accuracy.value for point in best), best[-1].accuracy.value]
    ax.step(cost, accuracy, where="post", color=FLOOR, lw=4, alpha=0.35, solid_capstyle="round")
