"""Pictures of fine-tune-spikes: what spikes cost before and after, and how the cost falls while learning."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from scenarios.fine_tune_spikes.findings import SMOOTH
from scenarios.workbench.axes import rise_axis
from scenarios.workbench.style import CONTROL, FLOOR, INK, SOFTMAX, SPIKING

__all__ = ["draw_learning", "draw_rises"]

SMALL = 8.0
LINEAR_nat = 0.01  # the axis of the rises is linear up to here, and logarithmic above
LOOKS = {  # colour, form, label
    "trained": (INK, "o--", "as trained"),
    "softmax": (SOFTMAX, "s--", "learnt on with softmax"),
    "sampled": (CONTROL, "^-", "learnt on with samples"),
    "simulated": (SPIKING, "o-", "learnt on with spikes"),
}


def draw_rises(ax: Axes, dataset: xr.Dataset) -> None:
    """Rise in loss against spikes per row, one line a model; the rise is linear near 0, logarithmic above."""
    ax.axhline(0, color=FLOOR, lw=0.8)
    ax.axvline(dataset.attrs["train_spikes"], color=FLOOR, lw=0.8, ls=":")
    n = len(LOOKS)
    for i, (model, (colour, form, label)) in enumerate(LOOKS.items()):
        at = dataset.sel(model=model)
        beside = dataset.spikes * 1.05 ** (i - (n - 1) / 2)
        ax.errorbar(beside, at.rise, at.rise_se, fmt=form, color=colour, lw=1.4, label=label)
    ax.set(xscale="log", xlabel="spikes per row", ylabel="rise in loss (nat)")
    rise_axis(ax, LINEAR_nat)
    ax.set_xticks(dataset.spikes.values, minor=False)
    ax.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    ax.set_title("What spikes cost")
    ax.legend(fontsize=SMALL)


def draw_learning(ax: Axes, dataset: xr.Dataset) -> None:
    """Loss of each batch above that of softmax heads on the same batch, a running mean."""
    width = min(SMOOTH, dataset.sizes["iteration"])
    kernel = np.full(width, 1 / width)
    ax.axhline(0, color=SOFTMAX, lw=1.2)
    for model in ("sampled", "simulated"):
        above = (dataset.batch_loss.sel(tuned=model) - dataset.batch_loss.sel(tuned="softmax")).values
        smooth = np.convolve(above, kernel, mode="valid")
        ax.plot(np.arange(len(smooth)) + width, smooth, color=LOOKS[model][0], lw=1.5, label=LOOKS[model][2])
    ax.set(xlabel="iteration", ylabel="batch loss above softmax (nat)")
    ax.set_title("While learning on")
    ax.set_ylim(top=1.25 * ax.get_ylim()[1])  # room for the legend
    ax.legend(fontsize=SMALL, loc="upper right")
