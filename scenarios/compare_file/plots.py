"""Pictures of a comparison: weights side by side, rows against their floor, every weight against its target."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from bridge import Comparison
from scenarios.workbench.style import FLOOR, SOFTMAX, SPIKING

__all__ = ["draw_rows", "draw_weights"]


def draw_weights(ax: Axes, weights: np.ndarray, title: str) -> AxesImage:
    """Weights (rows, keys) on a square-root scale, so that weak ones show."""
    image = ax.imshow(np.sqrt(weights), cmap="magma", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    ax.set(title=title, xlabel="key", ylabel="row")
    ax.grid(False)
    return image


def draw_rows(left: Axes, right: Axes, compared: Comparison) -> None:
    """Rows against their floor, and weights against their targets."""
    distance = compared["total_variation"]
    top = 1.08 * float(np.nanmax([distance.spiking, distance.floor]))
    left.plot([0, top], [0, top], color=FLOOR, lw=1.2)
    left.plot(distance.floor, distance.spiking, "o", color=SPIKING, ms=3.5, alpha=0.7)
    left.set(xlim=(0, top), ylim=(0, top), xlabel="sampling floor", ylabel="total variation to softmax")
    left.set_title(f"Rows: ratio of means {compared.excess('total_variation'):.2f}")

    selection, mask = compared.selection, compared.selection.mask & ~compared.selection.silent[:, None]
    target, share = compared.weights[mask], selection.weights[mask]
    n_spikes = np.broadcast_to(selection.counts.sum(axis=1, keepdims=True), mask.shape)[mask]
    error = 2 * np.sqrt(target * (1 - target) / n_spikes)
    right.plot([0, 1], [0, 1], color=SOFTMAX, lw=1.2)
    right.errorbar(target, share, error, fmt="o", color=SPIKING, ms=2.5, lw=0.5, alpha=0.5)
    right.set(xlabel="softmax weight", ylabel="spike share", title="Weights")
