"""Pictures of vectors-through-spikes: output against time, one query in full, the query's price."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from bridge.comparison.agreement import Comparison
from bridge.comparison.metrics import cosine
from scenarios.vectors_through_spikes.whole_head import WholeHead, relative_error, scale
from scenarios.workbench.style import CONTROL, FLOOR, INK, MUTED, SOFTMAX, SPIKING

__all__ = [
    "draw_components",
    "draw_cosine",
    "draw_error",
    "draw_noise",
    "draw_query",
    "draw_raster",
    "draw_scale",
    "draw_weights",
]

N_COMPONENTS = 6  # of the output that are drawn


def draw_cosine(ax: Axes, head: WholeHead) -> None:
    """1 - cosine against time, beside exact sampling and two controls; both axes logarithmic."""
    curve, vectors = head.curve, head.vectors
    _curve(ax, curve.time_ms, 1 - curve.cosine, 1 - curve.cosine_floor)
    for output, dashes in ((vectors.equal, "--"), (vectors.strongest, ":")):
        ax.axhline(1 - cosine(output, vectors.reference).mean(), color=CONTROL, lw=1.2, ls=dashes)
    ax.set(ylabel="1 − cosine to softmax attention", title="Direction")


def draw_error(ax: Axes, head: WholeHead) -> None:
    """Relative error against time, beside exact sampling and the two controls."""
    curve, vectors = head.curve, head.vectors
    _curve(ax, curve.time_ms, curve.error, curve.error_floor)
    for output, dashes, name in (
        (vectors.equal, "--", "equal weights"),
        (vectors.strongest, ":", "strongest key"),
    ):
        ax.axhline(
            relative_error(output, vectors.reference).mean(), color=CONTROL, lw=1.2, ls=dashes, label=name
        )
    ax.set(ylabel="relative error of the output", title="Direction and length")
    plain_ticks(ax, "y", [0.05, 0.1, 0.2, 0.5, 1, 2])


def _curve(ax: Axes, time_ms: np.ndarray, distance: np.ndarray, floor: np.ndarray) -> None:
    ax.plot(time_ms, floor.mean(axis=1), color=FLOOR, label="exact samples, as many")
    error = distance.std(axis=1, ddof=1) / np.sqrt(distance.shape[1])
    ax.errorbar(time_ms, distance.mean(axis=1), error, fmt="o-", color=SPIKING, label="spiking head")
    ax.set(xscale="log", yscale="log", xlabel="time (ms)")
    plain_ticks(ax, "x", [t for t in (50, 100, 200, 500, 1000, 2000, 5000) if t <= 1.01 * time_ms[-1]])


def plain_ticks(ax: Axes, axis: str, ticks: list[float]) -> None:
    """Ticks of a logarithmic axis in plain numbers."""
    which = ax.xaxis if axis == "x" else ax.yaxis
    which.set_major_formatter(StrMethodFormatter("{x:g}"))
    which.set_minor_formatter(NullFormatter())
    which.set_ticks(ticks)


def draw_query(ax: Axes, query: np.ndarray) -> None:
    """Components of a query: ON cells carry those above 0, OFF cells those below."""
    colours = np.where(query > 0, INK, FLOOR)
    ax.bar(np.arange(len(query)), query, color=colours, width=0.75)
    ax.axhline(0, color=MUTED, lw=0.8)
    ax.set(xlabel="component", ylabel="query", title="In: a query")
    ax.grid(axis="x", visible=False)


def draw_raster(ax: Axes, head: WholeHead, row: int, window_ms: float) -> None:
    """Spikes of a row, a line a cell, keys from the most to the least attended."""
    spikes, weights = head.spiking.selection.spikes.of_row(row), head.vectors.weights[row]
    rank = np.argsort(np.argsort(-weights))
    early = spikes.time_ms < window_ms
    line = rank[spikes.key[early]] * spikes.n_cells + spikes.cell[early]
    ax.plot(spikes.time_ms[early], line, "|", color=SPIKING, markersize=2.6, markeredgewidth=0.9)
    ax.set_yticks((np.arange(len(weights)) + 0.5) * spikes.n_cells, [f"{i + 1}" for i in range(len(weights))])
    ax.tick_params(axis="y", length=0)
    for edge in np.arange(1, len(weights)) * spikes.n_cells:
        ax.axhline(edge - 0.5, color=MUTED, lw=0.4, alpha=0.5)
    ax.set(xlim=(0, window_ms), ylim=(len(weights) * spikes.n_cells - 0.5, -0.5), xlabel="time (ms)")
    ax.set(ylabel="key", title="The race of the keys")
    ax.grid(False)


def draw_weights(ax: Axes, head: WholeHead, row: int) -> None:
    """Attention weights of a row, keys as in the raster: spike share and softmax."""
    weights, share = head.vectors.weights[row], head.spiking.selection.weights[row]
    order = np.argsort(-weights)
    height = np.arange(len(weights))
    ax.barh(height, share[order], color=SPIKING, height=0.6, label="spike share")
    ax.plot(weights[order], height, "|", color=SOFTMAX, markersize=10, markeredgewidth=2.2, label="softmax")
    ax.set_yticks([])
    ax.set(ylim=(len(weights) - 0.5, -0.5), xlabel="weight", title="Attention")
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower right", handlelength=1.0, labelspacing=0.8, borderaxespad=0.8)


def draw_components(ax: Axes, head: WholeHead, row: int) -> None:
    """Running means of output components of a row, and where softmax attention has them."""
    trace, reference = head.spiking.trace[row], head.vectors.reference[row]
    ranks = np.linspace(0, len(reference) - 1, min(N_COMPONENTS, len(reference)))
    time_ms = np.arange(1, trace.shape[1] + 1)
    running = np.cumsum(trace, axis=1, dtype=float) / time_ms
    chosen = np.argsort(reference)[np.round(ranks).astype(int)]
    for component in chosen:
        ax.plot(time_ms, trace[component], color=SPIKING, lw=0.5, alpha=0.22)
        ax.axhline(reference[component], color=SOFTMAX, lw=1.1, ls="--")
        ax.plot(time_ms, running[component], color=SPIKING, lw=1.5)
    ax.plot([], [], color=SPIKING, lw=0.6, alpha=0.4, label="readout unit")
    ax.plot([], [], color=SPIKING, label="its mean so far")
    ax.plot([], [], color=SOFTMAX, lw=1.1, ls="--", label="softmax attention")
    span = np.ptp(reference[chosen]) + 0.2
    ax.set_ylim(reference[chosen].min() - 0.35 * span, reference[chosen].max() + 0.6 * span)
    ax.set(
        xlim=(0, time_ms[-1]), xlabel="time (ms)", ylabel="activity", title="Out: components of the output"
    )
    ax.legend(loc="upper right", ncols=3)


def draw_noise(ax: Axes, rates_Hz: tuple[float, ...], noise: list[Comparison], direct: Comparison) -> None:
    """Distance of the weights in floors against the rate of the query cells."""
    rows = [compared["total_variation"].summary() for compared in noise]
    handed_in = direct["total_variation"].summary()
    low, high = handed_in.ratio - handed_in.ratio_se, handed_in.ratio + handed_in.ratio_se
    ax.axhline(1, color=FLOOR, label="exact samples, as many")
    ax.axhspan(low, high, color=CONTROL, alpha=0.35, lw=0, label="scores handed in")
    ax.errorbar(
        rates_Hz,
        [row.ratio for row in rows],
        [row.ratio_se for row in rows],
        fmt="o-",
        color=SPIKING,
        label="query in spikes",
    )
    ax.set(xscale="log", ylim=(0, None), xlabel="rate of a query cell at component 1 (Hz)")
    ax.set(ylabel="total variation / floor", title="The price of a query in spikes")
    plain_ticks(ax, "x", list(rates_Hz))
    ax.legend()


def draw_scale(ax: Axes, head: WholeHead) -> None:
    """Length of each output over the softmax output's, with the loop and without."""
    reference = head.vectors.reference
    held, loose = (scale(attended.output, reference) for attended in (head.spiking, head.off))
    edges = np.linspace(min(held.min(), loose.min()), max(held.max(), loose.max()), 31).tolist()
    ax.hist(held, edges, color=SPIKING, alpha=0.75, label="with the loop")
    ax.hist(loose, edges, color=CONTROL, alpha=0.75, label="E to I cut, same rate")
    ax.axvline(1, color=SOFTMAX, ls="--", lw=1.3, label="softmax attention")
    ax.set(
        xlabel="length of the output / softmax's", ylabel="queries", title="Nothing divides, the loop holds"
    )
    ax.legend(loc="upper right")
