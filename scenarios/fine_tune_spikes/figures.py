"""The figure of fine-tune-spikes: what spikes cost before and after, and how the cost falls while learning."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.workbench.axes import curve, rise_axis, spikes_axis
from scenarios.workbench.panels import captioned, legend_below, panels
from scenarios.workbench.style import CONTROL, FLOOR, INK, SOFTMAX, SPIKING
from scenarios.workbench.tables import named

__all__ = ["SMOOTH", "fine_tuning"]

SMOOTH = 20  # iterations over which a difference of batch losses is averaged
LINEAR_nat = 0.01  # the axis of the rises is linear up to here, and logarithmic above
LOOKS = {  # colour, marker, line, label
    "trained": (INK, "o", "--", "as trained"),
    "softmax": (SOFTMAX, "s", "--", "learnt on with softmax"),
    "sampled": (CONTROL, "^", "-", "learnt on with samples"),
    "simulated": (SPIKING, "o", "-", "learnt on with spikes"),
}


@captioned(
    "(A) Rise of the held-out loss with {chosen} in spikes, over the softmax model of as many iterations, "
    "against spikes per row: as trained, and after {iterations} iterations more with softmax heads, with "
    "exact samples and with simulated spikes in the loop ({spikes} a row, dotted line). Bars: standard "
    "errors of paired differences over the same {windows} windows. (B) Loss of each batch above that of the "
    "softmax model on the same batch, mean over {smooth} iterations."
)
def fine_tuning(dataset: xr.Dataset) -> Figure:
    figure, ax = panels("AB", height_in=3.8)
    draw_rises(ax["A"], dataset)
    draw_learning(ax["B"], dataset)
    legend_below(figure, ax["A"], ncols=2)
    return figure


def draw_rises(ax: Axes, dataset: xr.Dataset) -> None:
    """Rise in loss against spikes per row, one line a model; the rise is linear near 0, logarithmic above."""
    ax.axhline(0, color=FLOOR, lw=0.8)
    ax.axvline(dataset.train_spikes, color=FLOOR, lw=0.8, ls=":")
    for i, (model, (colour, marker, line, label)) in enumerate(LOOKS.items()):
        at, aside = dataset.sel(model=model), dataset.spikes * 1.05 ** (i - (len(LOOKS) - 1) / 2)
        look = {"marker": marker, "line": line, "color": colour, "label": label}
        curve(ax, aside, at.rise, at.rise_se, lw=1.4, **look)
    spikes_axis(ax, dataset.spikes.values)
    rise_axis(ax, LINEAR_nat)
    ax.set(ylabel=named(dataset.rise), title="What spikes cost")


def draw_learning(ax: Axes, dataset: xr.Dataset) -> None:
    """Loss of each batch above that of softmax heads on the same batch, a running mean."""
    width = min(SMOOTH, dataset.sizes["iteration"])
    ax.axhline(0, color=SOFTMAX, lw=1.2)
    for model in ("sampled", "simulated"):
        above = (dataset.batch_loss.sel(tuned=model) - dataset.batch_loss.sel(tuned="softmax")).values
        smooth = np.convolve(above, np.full(width, 1 / width), mode="valid")
        colour, marker, line, _ = LOOKS[model]
        form = line if len(smooth) > 2 else marker
        ax.plot(np.arange(len(smooth)) + width, smooth, form, color=colour, lw=1.5)
    ax.set(xlabel="iteration", ylabel="batch loss above softmax (nat)", title="While learning on")
