"""Figures of parse-geometry: a sentence with its trees, scores by layer, attention, and random directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.patches import Arc

from pragmatic.trees import Tree, spanning
from scenarios.parse_geometry.measures import Study, title
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.sentences import listed
from scenarios.workbench.statistics import fraction, mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

LOOKS = {"softmax": SOFTMAX, "untrained": FLOOR, "regular": INH, "samples": CONTROL, "spikes": SPIKING}
SMALL = {"fresh": "before training", "softmax": "learnt with softmax", "spikes": "learnt with spikes"}
WORDS = 11  # of the sentence that is drawn, about


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    drawn = [title(key) for key in _drawn(study)]
    words = {"best": study.best, "drawn": listed(drawn)}
    return pictures((study, data), trees, layers, more, grammar, **words)


def _drawn(study: Study) -> list[tuple[str, int]]:
    """Whose trees the first figure shows: softmax, the shown budget where there are spikes, fresh weights."""
    keys = (("softmax", 0), ("spikes", study.params.shown), ("untrained", 0))
    return [key for key in keys if key in study.conditions]


@captioned(
    "A held-out sentence: its tree above the words, and below them the tree that spans the probe's distances at "
    "layer {best}, for {drawn}. Light: edges that the sentence does not have."
)
def trees(both: tuple[Study, xr.Dataset]) -> Figure:
    study, _ = both
    drawn = _drawn(study)
    figure, ax = panels("\n".join("ABC"[: len(drawn)]), height_in=1.8 * len(drawn))
    at = min(range(len(study.trees)), key=lambda i: abs(int(study.trees[i].counted.sum()) - WORDS))
    for each, key in zip(ax.values(), drawn, strict=True):
        distances = study.conditions[key].layers[study.best].distances[at]
        _arcs(each, study.trees[at], distances, LOOKS[key[0]])
        each.set_title(title(key))
    return figure


def _arcs(ax: Axes, tree: Tree, distances: np.ndarray, colour: str) -> None:
    kept = np.flatnonzero(tree.counted)
    within = np.ix_(kept, kept)
    wanted, found = spanning(tree.distances[within]), spanning(distances[within])
    for edge in wanted:
        _arc(ax, edge, INK, above=True)
    for edge in found:
        _arc(ax, edge, colour, above=False, alpha=1.0 if edge in wanted else 0.3)
    for place, word in enumerate(kept):
        ax.text(place, 0, tree.words[word], ha="center", va="center", fontsize=7.5)
    ax.set(xlim=(-0.7, len(kept) - 0.3), ylim=(-2.1, 2.1))
    ax.axis("off")


def _arc(ax: Axes, edge: tuple[int, int], colour: str, *, above: bool, alpha: float = 1.0) -> None:
    first, second = edge
    side = 1 if above else -1
    height = 2 * min(1.7, 0.45 + 0.22 * (second - first))
    angles = (0, 180) if above else (180, 360)
    ax.add_patch(
        Arc(
            ((first + second) / 2, 0.22 * side),
            second - first,
            height,
            theta1=angles[0],
            theta2=angles[1],
            color=colour,
            alpha=alpha,
            lw=1.5,
        )
    )


@captioned(
    "(A) Edges of the tree among those that span the probe's distances, and (B) rank correlation of these "
    "distances with the tree's, by layer (0: embeddings), on held-out sentences with standard errors. Dashed: the "
    "distance in the sentence. Lighter lines of spikes: fewer a row."
)
def layers(both: tuple[Study, xr.Dataset]) -> Figure:
    study, data = both
    figure, ax = panels("AB", height_in=3.8)
    for name, score in (("A", "uuas"), ("B", "dspr")):
        for key in study.conditions:
            look = {
                "color": LOOKS[key[0]],
                "label": title(key),
                "ms": 4,
                "lw": 1.4,
                "alpha": _shade(study, key),
            }
            points(ax[name], data.sel(condition=title(key)), "layer", score, **look)
        ax[name].axhline(
            float(data[f"{score}_linear"]), color=MUTED, ls="--", lw=1, label="distance in the sentence"
        )
    legend_below(figure, ax["A"], ncols=3)
    return figure


def _shade(study: Study, key: tuple[str, int]) -> float:
    if key[0] != "spikes":
        return 1.0
    budgets = study.params.spikes
    return 0.4 + 0.6 * (budgets.index(key[1]) + 1) / len(budgets)


@captioned(
    "(A) Pairs of words whose dependency, or its absence, a linear classifier sees in the weights of all heads; "
    "dashed: chance. (B) Edges of random trees of 20 words that the spanning tree recovers when every edge is a "
    "random direction, against dimensions."
)
def more(both: tuple[Study, xr.Dataset]) -> Figure:
    study, data = both
    figure, ax = panels("AB", height_in=3.3)
    for place, (key, condition) in enumerate(study.conditions.items()):
        dots(ax["A"], [place], [fraction(condition.attention)], color=LOOKS[key[0]])
    labels = [title(key).replace(", ", ",\n") for key in study.conditions]
    ax["A"].set_xticks(range(len(labels)), labels, rotation=60, fontsize=7)
    ax["A"].axhline(0.5, color=MUTED, ls="--", lw=1)
    ax["A"].set_ylabel("pairs right")
    dots(ax["B"], data.dimension, [mean(row) for row in study.geometry.right], color=INK, fmt="o-")
    ax["B"].set(xscale="log", xlabel="dimensions", ylabel="edges recovered")
    ax["B"].set_xticks(list(study.geometry.dimensions), [str(d) for d in study.geometry.dimensions])
    ax["B"].minorticks_off()
    return figure


@captioned(
    "Edges of the grammar's trees in small models of the same first weights, by layer (0: embeddings): before "
    "training, trained with softmax, and trained with spikes in every head, which then read too. Dashed: the "
    "distance in the sentence."
)
def grammar(both: tuple[Study, xr.Dataset]) -> Figure:
    _, data = both
    figure, ax = panels("A", height_in=3.2)
    for small in data.small.values:
        look = {"color": LOOKS["untrained" if small == "fresh" else small], "label": SMALL[small]}
        points(ax["A"], data.sel(small=small), "depth", "grammar", **look)
    ax["A"].axhline(float(data.grammar_linear), color=MUTED, ls="--", lw=1, label="distance in the sentence")
    ax["A"].set_xticks(data.depth.values)
    legend_below(figure, ax["A"], ncols=2)
    return figure
