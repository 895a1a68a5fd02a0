"""Pictures of sparse objects: features held in the output, survivors outlined, and the law of survival."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from scenarios.vectors_through_spikes.plots import plain_ticks
from scenarios.vectors_through_spikes.sparse_objects import SparseObjects
from scenarios.workbench.statistics import fraction
from scenarios.workbench.style import FLOOR, SOFTMAX, SPIKING

__all__ = ["draw_features", "draw_survival", "draw_survivors"]

OUTLINE = "#f2f4f7"
LEAST = 0.01  # attention below which nothing is drawn


def draw_features(ax: Axes, features: np.ndarray, seen: np.ndarray) -> AxesImage:
    """Objects (down) by features (across, strong to weak) in an output; what is seen is outlined.

    Parameters
    ----------
    ax : Axes
    features : (n_objects, n_features) array
        How much of each the output holds.
    seen : array of bool, of the same shape
    """
    image = ax.imshow(np.sqrt(np.maximum(features, 0)), cmap="magma", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(seen):
        ax.add_patch(Rectangle((column - 0.4, row - 0.4), 0.8, 0.8, fill=False, ec=OUTLINE, lw=1.0))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    return image


def draw_survivors(ax: Axes, objects: SparseObjects) -> None:
    """Features seen against attention to the object: every object a dot, softmax a staircase."""
    attention, strengths = objects.scene.weights.ravel(), objects.scene.strengths
    low, high = max(attention.min(), LEAST), attention.max()
    fine = np.geomspace(low, high, 800)
    stairs = (fine[:, None] * strengths > objects.threshold).sum(axis=1)
    ax.step(fine, stairs, color=SOFTMAX, where="mid", label="softmax")
    seen = objects.seen(objects.spiking).sum(axis=-1).ravel()
    jitter = 0.12 * np.sin(np.arange(len(seen)) * 2.4)  # fixed, so that the same run gives the same figure
    ax.plot(attention, seen + jitter, "o", color=SPIKING, ms=3, alpha=0.45, mew=0, label="spikes")
    ax.set(xscale="log", xlim=(0.95 * low, 1.05 * high), xlabel="attention to the object")
    ax.set(ylabel="features seen", title="Weaker features go first")
    plain_ticks(ax, "x", [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if low <= t <= high])
    ax.set_yticks(range(len(strengths) + 1))
    ax.legend(loc="upper left")


def draw_survival(ax: Axes, objects: SparseObjects) -> None:
    """Fraction of features seen against what softmax holds of them, in thresholds."""
    edges = np.geomspace(0.5, 2.0, 13)
    which = np.digitize(objects.softmax / objects.threshold, edges) - 1
    there = [i for i in range(len(edges) - 1) if (which == i).any()]
    middle = np.sqrt(edges[1:] * edges[:-1])[there]
    sampled = objects.seen(objects.sampled).mean(axis=0)
    seen = objects.seen(objects.spiking)
    fractions = [fraction(seen[which == i]) for i in there]
    ax.plot([0.5, 1, 1, 2], [0, 0, 1, 1], color=SOFTMAX, lw=1.4, label="softmax")
    ax.plot(middle, [sampled[which == i].mean() for i in there], color=FLOOR, label="exact samples")
    ax.errorbar(
        middle,
        [f.value for f in fractions],
        [f.error for f in fractions],
        fmt="o",
        color=SPIKING,
        label="spikes",
    )
    ax.set(xscale="log", ylim=(-0.06, 1.06), xlabel="feature under softmax / threshold")
    ax.set(ylabel="fraction seen", title="How sharp the step is")
    plain_ticks(ax, "x", [0.5, 0.7, 1, 1.4, 2])
    ax.legend(loc="lower right")
