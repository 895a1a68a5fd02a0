"""The figure of mini-transformer-bill: accuracy against energy, one panel a task and phase."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from scenarios.mini_transformer_bill.pareto import Point, front, points_of
from scenarios.workbench.cost import HARDWARE
from scenarios.workbench.head_kinds import COLOURS
from scenarios.workbench.panels import captioned, dots, legend_below, panels, plain_ticks
from scenarios.workbench.style import FLOOR

__all__ = ["bill"]

ORANGE = "#e69f00"  # Okabe and Ito's, near that of simulated heads
LOOKS = {  # kind -> colour, marker, label
    **{kind: (COLOURS[kind], marker, kind) for kind, marker in zip(COLOURS, "s_vD^", strict=False)},
    "simulated": (COLOURS["simulated"], "o", "simulated, trained through"),
    "swapped": (ORANGE, "P", "simulated, put into softmax"),
}


@captioned(
    "Accuracy on {windows} held-out sequences against the energy of inference (top) and of training "
    "(bottom), from counts in the run, in units of the softmax model's. Spiking heads at {spikes} spikes a "
    "row, trained through them or put into the softmax model; filled: every cell updated by a digital "
    "machine (FP32, 45 nm), open: cells in hardware (Loihi with an FP32 host); what does not spike costs the "
    "same on both. Grey steps: the front, what is clearly more accurate than all that costs less. Bars: "
    "standard errors over sequences{seeds}."
)
def bill(dataset: xr.Dataset) -> Figure:
    n = dataset.sizes["task"]
    top, bottom = "ABCDEFGHIJ"[:n], "ABCDEFGHIJ"[n : 2 * n]
    figure, ax = panels(f"{top}\n{bottom}", height_in=5.3)
    for upper, lower, task in zip(top, bottom, dataset.task.values, strict=True):
        ax[lower].sharey(ax[upper])
        draw_task(ax[upper], dataset.sel(task=task), "inference", title=str(task))
        draw_task(ax[lower], dataset.sel(task=task), "training")
    for row in (top, bottom):
        ax[row[0]].set_ylabel("accuracy")
    legend_below(figure, ax["A"], ncols=3)
    return figure


def draw_task(ax: Axes, task: xr.Dataset, phase: str, *, title: str = "") -> None:
    """Every model as a point, its energy in units of softmax's; three budgets or more joined, and the front."""
    points = points_of(task, phase)
    unit = next(point.cost for point in points if point.kind == "softmax")
    _draw_front(ax, points, unit)
    for kind, (colour, marker, label) in LOOKS.items():
        for table in dict.fromkeys(point.table for point in points):
            ours = [point for point in points if point.kind == kind and point.table == table]
            if not ours:
                continue
            line = "none" if len(ours) < 3 else ":" if table == HARDWARE else "-"
            look = {"fmt": marker, "ls": line, "lw": 0.9, "color": colour, "ms": 4, "elinewidth": 0.8}
            face = {"mfc": "none"} if table == HARDWARE else {"mfc": colour, "label": label}
            accuracies = [point.accuracy for point in ours]
            dots(ax, [point.cost / unit for point in ours], accuracies, capsize=0, **look, **face)
    ax.set(xscale="log", title=title, xlabel=f"{phase} energy\nover softmax's")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    plain_ticks(ax, "x")


def _draw_front(ax: Axes, points: list[Point], unit: float) -> None:
    """A step at each model of the front, up to the dearest of all."""
    best = front(points)
    reach = max(point.cost for point in points)
    cost = np.array([*(point.cost for point in best), reach]) / unit
    accuracy = [*(point.accuracy.value for point in best), best[-1].accuracy.value]
    ax.step(cost, accuracy, where="post", color=FLOOR, lw=4, alpha=0.35, solid_capstyle="round")
