"""Pictures of train-with-spikes: how fast each kind of head learns, by three measures, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.train_with_spikes.metrics import gaps, of_kind, paired
from scenarios.workbench.axes import rise_axis
from scenarios.workbench.head_kinds import KINDS, SPIKING_KINDS
from scenarios.workbench.statistics import mean, mean_over_seeds
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, SOFTMAX, SPIKING

__all__ = [
    "LOOKS",
    "draw_by_iteration",
    "draw_by_operations",
    "draw_by_time",
    "draw_gaps",
    "draw_legend",
]

LOOKS = {
    "softmax": SOFTMAX,
    "uniform": INK,
    "linear": FLOOR,
    "sparsemax": INH,
    "sampled": CONTROL,
    "simulated": SPIKING,
}
WIDTHS = dict(zip(LOOKS, (4.8, 1.0, 3.7, 2.8, 2.0, 1.2), strict=True))  # what coincides stays visible
THIN, SMALL = 0.5, 8.0
LINEAR_nat = 0.02


def draw_by_iteration(ax: Axes, dataset: xr.Dataset) -> None:
    """Held-out loss against iterations, without the one before the first of them."""
    for kind in _kinds(dataset):
        loss = of_kind(dataset, kind).held_out_loss.values[:, 1:]
        _curves(ax, np.broadcast_to(dataset.evaluation.values[1:], loss.shape), loss, kind)
    ax.set(xlabel="iteration", ylabel="held-out loss (nat)")
    ax.set_title("By iteration")


def draw_by_time(ax: Axes, dataset: xr.Dataset) -> None:
    """The same against seconds of training."""
    for kind in _kinds(dataset):
        ours = of_kind(dataset, kind)
        at = dataset.evaluation.values[1:] - 1
        _curves(ax, ours.seconds.values[:, at], ours.held_out_loss.values[:, 1:], kind)
    ax.set(xscale="log", xlabel="time (s)", ylabel="held-out loss (nat)")
    ax.set_title("By time")


def draw_by_operations(ax: Axes, dataset: xr.Dataset) -> None:
    """The same against operations: of an iteration as counted, times the number of iterations."""
    steps = dataset.evaluation.values[1:]
    for kind in _kinds(dataset):
        ours = of_kind(dataset, kind)
        each = ours.operations.mean("when")
        digital = each.sel(machine="simulated").values[:, None] * steps
        _curves(ax, digital, ours.held_out_loss.values[:, 1:], kind)
        if kind == "simulated":
            events = each.sel(machine="events").values[:, None] * steps
            curve = ours.held_out_loss.values[:, 1:].mean(axis=0)
            ax.plot(events.mean(axis=0), curve, ":", color=LOOKS[kind], label="simulated, cells in hardware")
    ax.set(xscale="log", xlabel="operations", ylabel="held-out loss (nat)")
    ax.set_title("By operations")


def draw_gaps(ax: Axes, dataset: xr.Dataset) -> None:
    """Loss at the end above softmax of the same seed: each seed, and mean with its error.

    Spikes cost hundredths of a nat, no attention tenths: the axis is linear up to `LINEAR_nat`, then logarithmic.
    """
    kinds = [kind for kind in _kinds(dataset) if kind != "softmax" and paired(dataset, kind)]
    ax.axhline(0, color=SOFTMAX, lw=1.2)
    for place, kind in enumerate(kinds):
        _column(ax, place, gaps(dataset, kind), LOOKS[kind], "o", filled=True)
        if kind in SPIKING_KINDS:
            _column(ax, place + 0.22, gaps(dataset, kind, "softmax"), LOOKS[kind], "o", filled=False)
        if kind == "simulated":
            _column(ax, place - 0.22, gaps(dataset, "softmax", "simulated"), LOOKS[kind], "x", filled=True)
    ax.set_xticks(range(len(kinds)), kinds, fontsize=SMALL)
    rise_axis(ax, LINEAR_nat)
    ax.set(xlim=(-0.5, max(len(kinds), 1) - 0.5), ylabel="loss above softmax (nat)")
    ax.grid(axis="x", visible=False)
    ax.set_title("At the end")


def draw_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend below the figure, of each line once."""
    lines: dict[str, Any] = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        lines |= dict(zip(labels, handles, strict=True))
    figure.legend(list(lines.values()), list(lines), loc="outside lower center", ncols=4, fontsize=SMALL)


def _kinds(dataset: xr.Dataset) -> list[str]:
    return [kind for kind in KINDS if kind in dataset.kind.values]


def _curves(ax: Axes, x: np.ndarray, loss: np.ndarray, kind: str) -> None:
    """Each seed thin, the mean thick; x and loss (n_seeds, n_evaluations)."""
    if len(x) > 1:
        ax.plot(x.T, loss.T, color=LOOKS[kind], lw=THIN, alpha=0.4)
    ax.plot(x.mean(axis=0), loss.mean(axis=0), color=LOOKS[kind], lw=WIDTHS[kind], label=kind)


def _column(ax: Axes, place: float, found: np.ndarray, colour: str, form: str, *, filled: bool) -> None:
    """Found gaps (n_seeds, n_windows): a small mark for each seed, the mean with its error beside them."""
    if np.isnan(found).all():
        return
    seeds = [mean(each).value for each in found]
    face = colour if filled else "none"
    if len(seeds) > 1:
        ax.plot([place - 0.06] * len(seeds), seeds, form, color=colour, mfc=face, ms=3, alpha=0.6)
    estimate = mean_over_seeds(found)
    ax.errorbar(place, estimate.value, estimate.error, fmt=form, color=colour, mfc=face, capsize=2)
