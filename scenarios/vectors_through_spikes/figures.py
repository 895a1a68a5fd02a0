"""Figures of vectors-through-spikes: sparse objects, output against time, one query in full, the query's price."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from scenarios.vectors_through_spikes.measures import Study, excess_of
from scenarios.vectors_through_spikes.sparse_objects import SparseObjects
from scenarios.vectors_through_spikes.whole_head import WholeHead
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import (
    captioned,
    dots,
    legend_below,
    panels,
    pictures,
    plain_ticks,
    weight_bar,
    weight_map,
)
from scenarios.workbench.rasters import draw_row, draw_shares
from scenarios.workbench.statistics import fraction, mean
from scenarios.workbench.style import CONTROL, FLOOR, INK, MUTED, SOFTMAX, SPIKING
from scenarios.workbench.tables import named

__all__ = ["figures"]

N_COMPONENTS = 6  # of the output that are drawn
OUTLINE = "#f2f4f7"
LEAST = 0.01  # attention below which nothing is drawn
WINDOW_ms = 250.0  # of the raster
TIMES_ms = (50, 100, 200, 500, 1000, 2000, 5000)


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    seen = pictures(study.objects, objects, survival, threshold=study.objects.threshold)
    return seen | pictures(data, output) | pictures(study.head, example) | pictures((study, data), price)


@captioned(
    "What the output holds of each object (down, from the most to the least attended) and each of its "
    "features (across, from strong to weak), under softmax attention (above) and in spikes (below), as "
    "attention goes from even (left) to focused (right). Outlined: above the threshold {threshold:g}, so "
    "seen. Colour: square-root scale."
)
def objects(shown: SparseObjects) -> Figure:
    n_focus = min(len(shown.scene.focus), 26)
    upper = "".join(chr(65 + i) for i in range(n_focus))
    figure, ax = panels(f"{upper}\n{upper.lower()}", height_in=4.8)
    first = shown.scene.by_rank(shown.scene.weights)[:, 0, 0]
    for name, each in ax.items():
        at, of = ord(name.upper()) - 65, shown.softmax if name.isupper() else shown.spiking
        features = shown.scene.by_rank(of)[at, 0]
        image = weight_map(each, features, aspect="auto")
        for row, column in np.argwhere(shown.seen(features)):
            box = Rectangle((column - 0.4, row - 0.4), 0.8, 0.8, fill=False, ec=OUTLINE, lw=1.0)
            each.add_patch(box)
        each.set(xticks=[], yticks=[])
        each.spines[:].set_visible(False)
        if name.isupper():
            each.set_title(f"attention\nto the first: {first[at]:.2f}", fontsize=8, fontweight="normal")
        else:
            each.set_xlabel("strong → weak", fontsize=8.5)
    ax["A"].set_ylabel("softmax", fontweight="bold")
    ax["a"].set_ylabel("spikes", fontweight="bold")
    weight_bar(figure, image, list(ax.values()), "feature in the output")
    return figure


@captioned(
    "(A) Features of an object that are seen against the attention to it, all objects, focuses and rotations; "
    "the staircase is attention × strength > threshold {threshold:g}. (B) The fraction of features seen "
    "against what softmax attention holds of them, in thresholds, with its standard error; the grey line is "
    "the blur of sampling alone."
)
def survival(shown: SparseObjects) -> Figure:
    figure, ax = panels("AB", height_in=3.6)
    _survivors(ax["A"], shown)
    _step(ax["B"], shown)
    legend_below(figure, ax["B"])
    return figure


def _survivors(ax: Axes, shown: SparseObjects) -> None:
    """Features seen against attention to the object: every object a dot, softmax a staircase."""
    attention, strengths = shown.scene.weights.ravel(), shown.scene.strengths
    low, high = max(attention.min(), LEAST), attention.max()
    fine = np.geomspace(low, high, 800)
    ax.step(fine, (fine[:, None] * strengths > shown.threshold).sum(axis=1), color=SOFTMAX, where="mid")
    seen = shown.seen(shown.spiking).sum(axis=-1).ravel()
    jitter = 0.12 * np.sin(np.arange(len(seen)) * 2.4)  # fixed, so that the same run gives the same figure
    ax.plot(attention, seen + jitter, "o", color=SPIKING, ms=3, alpha=0.45, mew=0)
    ax.set(xscale="log", xlim=(0.95 * low, 1.05 * high), xlabel="attention to the object")
    ax.set(ylabel="features seen", yticks=range(len(strengths) + 1))
    plain_ticks(ax, "x", [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if low <= t <= high])


def _step(ax: Axes, shown: SparseObjects) -> None:
    """Fraction of features seen against what softmax holds of them, in thresholds."""
    edges = np.geomspace(0.5, 2.0, 13)
    which = np.digitize(shown.softmax / shown.threshold, edges) - 1
    there = [i for i in range(len(edges) - 1) if (which == i).any()]
    middle = np.sqrt(edges[1:] * edges[:-1])[there]
    sampled, seen = shown.seen(shown.sampled).mean(axis=0), shown.seen(shown.spiking)
    ax.plot([0.5, 1, 1, 2], [0, 0, 1, 1], color=SOFTMAX, lw=1.4, label="softmax")
    ax.plot(middle, [sampled[which == i].mean() for i in there], color=FLOOR, label="exact samples")
    dots(ax, middle, [fraction(seen[which == i]) for i in there], capsize=0, label="spikes")
    ax.set(xscale="log", ylim=(-0.06, 1.06), xlabel="feature under softmax / threshold")
    ax.set_ylabel("fraction seen")
    plain_ticks(ax, "x", [0.5, 0.7, 1, 1.4, 2])


@captioned(
    "Distance between the head's output so far and the softmax head's, mean and standard error over queries: "
    "(A) direction, (B) direction and length. Grey: what exact samples of the softmax reach, as many as there "
    "were spikes. Green: equal weights (dashed) and the strongest key alone (dotted). In (B) the length "
    "counts too, which no sample gets wrong and the spiking head does, because nothing divides by its number "
    "of spikes."
)
def output(data: xr.Dataset) -> Figure:
    figure, ax = panels("AB", height_in=3.5)
    direction = 1 - data[[name for name in data if str(name).startswith("cosine")]]
    for each, curve, measure in ((ax["A"], direction, "cosine"), (ax["B"], data, "error")):
        floor, distance = curve[f"{measure}_floor"].mean("query"), curve[measure].values
        each.plot(data.time, floor, color=FLOOR, label="exact samples, as many")
        dots(each, data.time, [mean(row) for row in distance], fmt="o-", capsize=0, label="spiking head")
        for name, label, line in (("equal", "equal weights", "--"), ("strongest", "strongest key", ":")):
            level = float(curve[f"{measure}_{name}"].mean())
            each.axhline(level, color=CONTROL, lw=1.2, ls=line, label=label)
        each.set(xscale="log", yscale="log", xlabel=named(data.time))
        plain_ticks(each, "x", [t for t in TIMES_ms if t <= 1.01 * float(data.time[-1])])
    ax["A"].set_ylabel(f"1 − {named(data.cosine)}")
    ax["B"].set_ylabel(named(data.error))
    plain_ticks(ax["B"], "y", [0.05, 0.1, 0.2, 0.5, 1, 2])
    legend_below(figure, ax["B"])
    return figure


@captioned(
    "The query whose output is the median one in cosine. (A) Its components, which ON cells (dark) and OFF "
    "cells (grey) fire. (B) The spikes of the keys' populations, a line a cell, keys from the most to the "
    "least attended, and the field of the row (excitatory synaptic trace). (C) The weights that they add up "
    "to. (D) Six components of the output, from the lowest to the highest."
)
def example(head: WholeHead) -> Figure:
    figure, ax = panels(
        "ABC\nAbC\nDDD", height_in=5.8, width_ratios=(1, 1.5, 1), height_ratios=(1.1, 0.35, 1.2)
    )
    row, selection = head.typical, head.spiking.selection
    query, weights = head.vectors.query[row], head.vectors.weights[row]
    order = np.argsort(weights)
    labels = [f"{len(order) - i}" for i in range(len(order))]
    ax["A"].bar(np.arange(len(query)), query, color=np.where(query > 0, INK, FLOOR), width=0.75)
    ax["A"].axhline(0, color=MUTED, lw=0.8)
    ax["A"].set(xlabel="component", ylabel="query", title="In: a query")
    ax["A"].grid(axis="x", visible=False)
    look: dict[str, Any] = {"order": order, "labels": labels, "window_ms": WINDOW_ms, "colours": SPIKING}
    draw_row(ax["B"], ax["b"], selection, row, **look)
    ax["B"].set_title("The race of the keys")
    draw_shares(ax["C"], selection.weights[row][order], weights[order], labels)
    ax["C"].set_title("Attention")
    _components(ax["D"], head, row)
    legend_below(figure, ax["C"], ax["D"])
    return figure


def _components(ax: Axes, head: WholeHead, row: int) -> None:
    """Running means of output components of a row, and where softmax attention has them."""
    trace, reference = head.spiking.trace[row], head.vectors.reference[row]
    ranks = np.linspace(0, len(reference) - 1, min(N_COMPONENTS, len(reference)))
    time_ms = np.arange(1, trace.shape[1] + 1)
    running = np.cumsum(trace, axis=1, dtype=float) / time_ms
    chosen = np.argsort(reference)[np.round(ranks).astype(int)]
    for component in chosen:
        ax.plot(time_ms, trace[component], color=SPIKING, lw=0.5, alpha=0.25, label="readout unit")
        ax.axhline(reference[component], color=SOFTMAX, lw=1.1, ls="--")
        ax.plot(time_ms, running[component], color=SPIKING, lw=1.5, label="its mean so far")
    span = np.ptp(reference[chosen]) + 0.2
    ax.set_ylim(reference[chosen].min() - 0.35 * span, reference[chosen].max() + 0.35 * span)
    title = "Out: components of the output"
    ax.set(xlim=(0, time_ms[-1]), xlabel="time (ms)", ylabel="activity", title=title)


@captioned(
    "(A) Distance of the attention weights from softmax, in units of what as many exact samples have, against "
    "the rate of the query cells; standard error over queries. (B) Length of the output over the softmax "
    "output's, with the loop and with E to I cut at the same mean rate."
)
def price(results: tuple[Study, xr.Dataset]) -> Figure:
    study, data = results
    figure, ax = panels("AB", height_in=3.8)
    handed_in = excess_of(study.head.direct)
    low, high = handed_in.value - handed_in.error, handed_in.value + handed_in.error
    ax["A"].axhline(1, color=FLOOR, label="exact samples, as many")
    ax["A"].axhspan(low, high, color=CONTROL, alpha=0.35, lw=0, label="scores handed in")
    points(ax["A"], data, "query_rate", "excess", color=SPIKING, ms=5, label="query in spikes")
    ax["A"].set(xscale="log", ylim=(0, None))
    plain_ticks(ax["A"], "x", data.query_rate.values)
    held, loose = data.scale.values, data.scale_without_loop.values
    edges = np.linspace(min(held.min(), loose.min()), max(held.max(), loose.max()), 25).tolist()
    ax["B"].hist(held, edges, color=SPIKING, alpha=0.75, label="with the loop")
    ax["B"].hist(loose, edges, histtype="step", color=CONTROL, lw=1.8, label="E to I cut, same rate")
    ax["B"].axvline(1, color=SOFTMAX, ls="--", lw=1.3, label="softmax attention")
    ax["B"].set(xlabel=named(data.scale), ylabel="queries")
    legend_below(figure, *ax.values(), ncols=3)
    return figure
