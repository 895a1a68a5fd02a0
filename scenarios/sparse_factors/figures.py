"""Figures of sparse-factors: accuracy and edges by samples, circuits put in, and what heads read of one graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from scenarios.sparse_factors.measures import KINDS, Study
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures, plain_ticks, weight_map
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["figures"]

Shown = tuple[Study, xr.Dataset]

LOOKS: dict[str, dict[str, Any]] = {
    "all": {"color": SOFTMAX, "lw": 2.2},
    "top": {"color": CONTROL, "lw": 2.2},
    "at once": {"color": CONTROL, "ls": ":"},
    "random": {"color": FLOOR, "ls": ":"},
    "true": {"color": INK, "ls": "--"},
    "first": {"color": INH},
    "counts": {"color": SPIKING},
    "sampled": {"color": FLOOR, "ls": "--"},
}
MAPS = ("all", "top", "counts")


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    k = study.params.top
    return pictures((study, data), samples, k=k) | pictures((study, data), graph, n=study.params.samples[-1])


@captioned(
    "Each variable is predicted from the others by heads that read {k} of them. (A) Predictions right against the "
    "number of samples; dotted, black: who knows the graph. (B) Of the pairs that are read, those that share a "
    "factor. (C) Selections put in place of the {k} best after training. Mean over graphs with its standard error."
)
def samples(shown: Shown) -> Figure:
    study, data = shown
    swapped = "swapped" in data
    figure, ax = panels("ABC" if swapped else "AB", height_in=3.8)
    for kind in study.results.kinds:
        for name, y in (("A", "accuracy"), ("B", "precision")):
            look = {"lw": 1.3, "ms": 3.5} | LOOKS[kind]
            points(ax[name], data.sel(kind=KINDS[kind]), "samples", y, label=KINDS[kind], **look)
    ax["A"].axhline(study.best.value, color=INK, ls=":", lw=1)
    for name in "AB":
        ax[name].set(xscale="log")
        plain_ticks(ax[name], "x", study.params.samples[::2])
    ax["B"].set(ylim=(0, 1.04))
    if swapped:
        _put_in(ax["C"], study)
    legend_below(figure, ax["A"], *([ax["C"]] if swapped else []), ncols=3)
    return figure


def _put_in(ax: Any, study: Study) -> None:
    """By number of spikes; the first distinct keys as levels, darker for a colder race."""
    for selection, colour in (("spiking", SPIKING), ("sampled", FLOOR)):
        some = [(n, mean(right)) for (of, n), right in study.results.swapped.items() if of == selection]
        if some:
            x, right = zip(*some, strict=True)
            ax.errorbar(x, [r.value for r in right], [r.error for r in right], fmt="o-", color=colour, lw=1.3)
    firsts = [(n, mean(right)) for (of, n), right in study.results.swapped.items() if of == "first"]
    for n, level in firsts:
        label = f"first k, {n} times colder" if n > 1 else "first k"
        ax.axhline(level.value, color=INH, lw=1.4, ls="--", alpha=0.4 + 0.6 * n / firsts[-1][0], label=label)
    ax.axhline(study.accuracy("top").value, color=CONTROL, lw=1.4)
    ax.set(xscale="log", xlabel="spikes of a row", ylabel="predictions right")
    plain_ticks(ax, "x", study.params.budgets)


@captioned(
    "One graph: what each variable (row) reads of the others after {n} samples, the larger weight of its heads. "
    "Squares: pairs that share a factor."
)
def graph(shown: Shown) -> Figure:
    study, _ = shown
    drawn = [kind for kind in MAPS if kind in study.results.kinds]
    figure, ax = panels("ABC"[: len(drawn)], height_in=2.9)
    true = np.argwhere(study.results.graph.edges)
    for name, kind in zip(ax, drawn, strict=True):
        weight_map(ax[name], study.results.weights[kind], KINDS[kind])
        ax[name].plot(true[:, 1], true[:, 0], "s", ms=9, mfc="none", mec=CONTROL, mew=1.2)
        ax[name].set(xlabel="read", xticks=[], yticks=[])
    ax["A"].set_ylabel("variable")
    ax["A"].spines[:].set_color(MUTED)
    return figure
