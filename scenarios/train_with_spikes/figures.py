"""The figure of train-with-spikes: how fast each kind of head learns, by three measures, and where it ends."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from scenarios.train_with_spikes.measures import gaps, kinds_of, of_kind, paired
from scenarios.workbench.axes import SMALL, rise_axis
from scenarios.workbench.head_kinds import COLOURS, SPIKING_KINDS
from scenarios.workbench.panels import captioned, legend_below, panels
from scenarios.workbench.statistics import mean, mean_over_seeds
from scenarios.workbench.style import SOFTMAX
from scenarios.workbench.tables import named

__all__ = ["training"]

WIDTHS = {"softmax": 4.8, "linear": 3.7, "sparsemax": 2.8, "sampled": 2.0}  # what coincides stays visible
LINEAR_nat = 0.02


@captioned(
    "Held-out loss of {seeds} of each kind of head, mean (thick) and each alone (thin), (A) by iteration, "
    "(B) by time and (C) by operations; sampled and simulated heads have {spikes} spikes a row, in the "
    "evaluation too. Dotted: the simulated heads' operations if cells were hardware, an update of a cell "
    "being one. (D) Loss at the end above the softmax training of the same seed, filled as trained, open "
    "with softmax put into the trained model, cross the softmax model with spikes put in; bars: standard "
    "errors."
)
def training(dataset: xr.Dataset) -> Figure:
    figure, ax = panels("AB\nCD", height_in=6.2)
    at = dataset.evaluation.values[1:]  # without the one before the first iteration
    for kind in kinds_of(dataset):
        ours = of_kind(dataset, kind)
        loss, each = ours.held_out_loss.values[:, 1:], ours.operations.mean("when")
        work = each.sel(machine="simulated").values[:, None] * at
        _curves(ax["A"], np.broadcast_to(at, loss.shape), loss, kind)
        _curves(ax["B"], ours.seconds.values[:, at - 1], loss, kind)
        _curves(ax["C"], work, loss, kind)
        if kind == "simulated":
            events = (each.sel(machine="events").values[:, None] * at).mean(axis=0)
            label = "simulated, cells in hardware"
            ax["C"].plot(events, loss.mean(axis=0), ":", color=COLOURS[kind], label=label)
    labels = {"iteration": "iteration", "time": named(dataset.seconds), "operations": "operations"}
    for name, (what, label) in zip("ABC", labels.items(), strict=True):
        ax[name].set(title=f"By {what}", xlabel=label, ylabel=named(dataset.held_out_loss))
        if what != "iteration":
            ax[name].set_xscale("log")
            ax[name].xaxis.set_minor_formatter(NullFormatter())
    draw_gaps(ax["D"], dataset)
    legend_below(figure, ax["A"], ax["C"])
    return figure


def draw_gaps(ax: Axes, dataset: xr.Dataset) -> None:
    """Loss at the end above softmax of the same seed: each seed, and mean with its error.

    Spikes cost hundredths of a nat, no attention tenths: the axis is linear up to `LINEAR_nat`, then logarithmic.
    """
    kinds = [kind for kind in kinds_of(dataset) if kind != "softmax" and paired(dataset, kind)]
    ax.axhline(0, color=SOFTMAX, lw=1.2)
    for place, kind in enumerate(kinds):
        _column(ax, place, gaps(dataset, kind), COLOURS[kind], "o", filled=True)
        if kind in SPIKING_KINDS:
            _column(ax, place + 0.22, gaps(dataset, kind, "softmax"), COLOURS[kind], "o", filled=False)
        if kind == "simulated":
            _column(ax, place - 0.22, gaps(dataset, "softmax", "simulated"), COLOURS[kind], "x", filled=True)
    ax.set_xticks(range(len(kinds)), kinds, fontsize=SMALL)
    rise_axis(ax, LINEAR_nat)
    ax.set(xlim=(-0.5, max(len(kinds), 1) - 0.5), ylabel="loss above softmax (nat)", title="At the end")
    ax.grid(axis="x", visible=False)


def _curves(ax: Axes, x: np.ndarray, loss: np.ndarray, kind: str) -> None:
    """Each seed thin, the mean thick; x and loss (n_seeds, n_evaluations)."""
    if len(x) > 1:
        ax.plot(x.T, loss.T, color=COLOURS[kind], lw=0.5, alpha=0.4)
    width = WIDTHS.get(kind, 1.2)
    ax.plot(x.mean(axis=0), loss.mean(axis=0), color=COLOURS[kind], lw=width, label=kind)


def _column(ax: Axes, place: float, values: np.ndarray, colour: str, form: str, *, filled: bool) -> None:
    """Gaps (n_seeds, n_windows): a small mark for each seed, and the mean with its error."""
    if np.isnan(values).all():
        return
    seeds = [mean(each).value for each in values]
    face = colour if filled else "none"
    if len(seeds) > 1:
        ax.plot([place - 0.06] * len(seeds), seeds, form, color=colour, mfc=face, ms=3, alpha=0.6)
    estimate = mean_over_seeds(values)
    ax.errorbar(place, estimate.value, estimate.error, fmt=form, color=colour, mfc=face, capsize=2)
