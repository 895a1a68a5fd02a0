"""Pictures of swap-model: weights and hidden states, layer by layer, beside their floor and control."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from scenarios.workbench.style import CONTROL, FLOOR, SPIKING

__all__ = ["draw_hidden", "draw_weights"]


def draw_weights(ax: Axes, dataset: xr.Dataset) -> None:
    """Distance of the weights to the softmax of their scores, by layer."""
    spiking, uniform = (dataset.distance.sel(kind=kind).values for kind in ("simulated", "uniform"))
    _draw(ax, dataset.layer.values, spiking, dataset.distance_se.values, dataset.floor.values, uniform)
    ax.set(title="Weights of the swapped heads", xlabel="layer", ylabel="total variation to softmax")
    ax.legend(fontsize=7.5)


def draw_hidden(ax: Axes, dataset: xr.Dataset) -> None:
    """Change of the hidden state, by block."""
    spiking, sampled, uniform = (dataset.hidden_change.sel(kind=kind).values for kind in dataset.kind.values)
    labels = [str(block) for block in dataset.block.values]
    _draw(ax, labels, spiking, dataset.hidden_change_se.values, sampled, uniform)
    ax.set(title="Hidden states", xlabel="after block", ylabel="relative change")


def _draw(
    ax: Axes,
    labels: np.ndarray | list[str],
    spiking: np.ndarray,
    se: np.ndarray,
    floor: np.ndarray,
    control: np.ndarray,
) -> None:
    x = np.arange(len(labels))
    ax.plot(x, control, "s-", color=CONTROL, lw=1.2, label="uniform attention")
    ax.plot(x, floor, "-", color=FLOOR, lw=4, alpha=0.6, label="as many exact samples")
    ax.errorbar(x, spiking, np.nan_to_num(se), fmt="o", color=SPIKING, label="spikes")
    ax.set_xticks(x, labels, fontsize=8)
    ax.set_ylim(bottom=0)
