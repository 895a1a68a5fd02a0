"""Pictures of vectors-through-spikes: cosine against time, components in time, features under attention."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter, ScalarFormatter

from scenarios.sparse_objects import STRENGTHS, SparseObjects
from scenarios.style import CONTROL, FLOOR, MUTED, SOFTMAX, SPIKING

__all__ = ["draw_components", "draw_cosine", "draw_features", "draw_survivors"]


def draw_cosine(ax: Axes, attended: Any) -> None:
    """1 - cosine against time, beside exact sampling and two controls; both axes logarithmic."""
    far, n = 1 - attended.cosine, np.sqrt(attended.cosine.shape[1])
    ax.plot(attended.time_ms, 1 - attended.floor.mean(axis=1), color=FLOOR, lw=1.4, label="exact sampling")
    ax.errorbar(
        attended.time_ms,
        far.mean(axis=1),
        far.std(axis=1, ddof=1) / n,
        fmt="o-",
        color=SPIKING,
        label="spiking head",
    )
    for values, name, style in (
        (attended.uniform, "equal weights", "--"),
        (attended.hardest, "strongest key", ":"),
    ):
        ax.axhline(1 - values.mean(), color=CONTROL, lw=1.2, ls=style, label=name)
    ax.set(xscale="log", yscale="log", xlabel="time (ms)", ylabel="1 − cosine to softmax attention")
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xticks([50, 100, 200, 500, 1000])
    ax.set_xlim(right=1.1 * attended.time_ms[-1])
    ax.set_title("The output comes into line")
    ax.legend(fontsize=7.5)


def draw_components(ax: Axes, trace: np.ndarray, reference: np.ndarray) -> None:
    """Running means of the components that vary most, and where softmax attention has them."""
    chosen = np.argsort(reference)[
        np.round(np.linspace(0, len(reference) - 1, min(8, len(reference)))).astype(int)
    ]
    time_ms = np.arange(1, trace.shape[1] + 1)
    running = np.cumsum(trace, axis=1, dtype=float) / time_ms
    for component in chosen:
        ax.plot(time_ms, running[component], color=SPIKING, lw=1, alpha=0.85)
        ax.axhline(reference[component], color=SOFTMAX, lw=1, ls="--")
    ax.plot([], [], color=SPIKING, lw=1, label="readout units, running mean")
    ax.plot([], [], color=SOFTMAX, lw=1, ls="--", label="softmax attention")
    low, high = reference.min(), reference.max()
    ax.set(xlabel="time (ms)", ylabel="output component", title="One query", ylim=(low - 0.6, high + 1.0))
    ax.legend(fontsize=7.5, loc="upper right")


def draw_features(
    ax: Axes, output: np.ndarray, attention: np.ndarray, threshold: float, title: str
) -> AxesImage:
    """Features (across, strong to weak) held in the output at each attention (downwards); seen ones outlined."""
    image = ax.imshow(np.sqrt(np.maximum(output, 0)), cmap="magma", vmin=0, vmax=1, aspect="auto")
    for level, feature in np.argwhere(output > threshold):
        ax.add_patch(Rectangle((feature - 0.42, level - 0.42), 0.84, 0.84, fill=False, ec="#7fd3ff", lw=1.1))
    ax.set_yticks(range(len(attention)), [f"{a:g}" for a in attention])
    ax.set_xticks(range(0, len(STRENGTHS), 2), [f"{s:g}" for s in STRENGTHS[::2]])
    ax.set(xlabel="strength of the feature", ylabel="attention to the object", title=title)
    ax.grid(False)
    return image


def draw_survivors(ax: Axes, objects: SparseObjects, threshold: float) -> None:
    """Number of features seen against attention: a staircase for softmax, means for spikes."""
    fine = np.geomspace(objects.attention.min(), objects.attention.max(), 400)
    stairs = (fine[:, None] * np.array(STRENGTHS) > threshold).sum(axis=1)
    seen = objects.seen(threshold).sum(axis=2)
    ax.plot(fine, stairs, color=SOFTMAX, lw=1.4, label="softmax")
    error = seen.std(axis=1, ddof=1) / np.sqrt(seen.shape[1])
    ax.errorbar(objects.attention, seen.mean(axis=1), error, fmt="o", color=SPIKING, label="spikes")
    ax.set(xscale="log", xlabel="attention to the object", ylabel="features seen", title="What stays visible")
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xticks([0.05, 0.1, 0.2, 0.5])
    ax.axhline(len(STRENGTHS), color=MUTED, lw=0.6, ls=":")
    ax.legend(loc="lower right")
