"""Figures of one-head: both maps of the head, the row of the query, the next tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.one_head.reader import Read
from scenarios.workbench.head_rows import draw_head_row, token_label
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, panels, pictures, weight_bar, weight_map
from scenarios.workbench.style import SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

MOST_LABELS = 40  # tokens along a map; of a longer text every second, third ... is named
LABEL_pt = 6.5


def figures(read: Read) -> dict[str, Picture]:
    """In the report's order."""
    shown = read.params
    about = {"layer": shown.layer, "head": shown.head, "word": token_label(read.tokens[shown.query])}
    drawn = [maps, row, next_tokens] if read.words else [maps, row]
    return pictures(read, *drawn, **about)


@captioned(
    "Head {head} of layer {layer}: a row a query, a column a key, brighter for more. (A) Softmax attention of the "
    "plain model. (B) Spike shares, all heads of the model in spikes. The lines mark the query “{word}”."
)
def maps(read: Read) -> Figure:
    n = len(read.tokens)
    figure, ax = panels("AB", height_in=3.9, sharey=True)
    for name, weights, title in (("A", read.softmax, "softmax"), ("B", read.share, "spikes")):
        image = weight_map(ax[name], weights, title)
        for edge in (-0.5, 0.5):
            ax[name].axhline(read.params.query + edge, color=SPIKING, lw=1.0, ls="--")
        ax[name].set(xlabel="key")
        places = np.arange(0, n, 1 + n // MOST_LABELS)
        labels = [token_label(read.tokens[place]) for place in places]
        ax[name].set_xticks(places, labels, rotation=90, fontsize=LABEL_pt)
        ax[name].set_yticks(places, labels, fontsize=LABEL_pt)
    ax["A"].set_ylabel("query")
    weight_bar(figure, image, list(ax.values()))
    return figure


@captioned(
    "The row of “{word}” in head {head} of layer {layer}. (A) Its spikes, a line a cell: the keys with most of "
    "them in the order of the text, and the I cells; below, its field. (B) Shares, and the softmax of the scores."
)
def row(read: Read) -> Figure:
    return draw_head_row(read.row, read.tokens)


@captioned("The most probable tokens after “{word}”, by softmax and with all heads of the model in spikes.")
def next_tokens(read: Read) -> Figure:
    n = len(read.words)
    figure, ax = panels("A", height_in=0.9 + 0.26 * n, width=0.7)
    for values, colour, label, by in zip(
        read.probabilities, (SOFTMAX, SPIKING), ("softmax", "spikes"), (-0.19, 0.19), strict=True
    ):
        ax["A"].barh(np.arange(n) + by, values, 0.34, color=colour, label=label)
    ax["A"].set_yticks(np.arange(n), [token_label(word) for word in read.words])
    ax["A"].invert_yaxis()
    ax["A"].grid(axis="y", visible=False)
    ax["A"].set(xlabel="probability of the next token")
    ax["A"].legend(loc="lower right")
    return figure
