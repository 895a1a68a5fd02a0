"""Figures of spikes-while-writing: all circuits at one token, one head from close by, and layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.spikes_while_writing.measures import Study
from scenarios.workbench.head_rows import draw_head_row, token_label
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, panels, pictures
from scenarios.workbench.rasters import key_colours
from scenarios.workbench.style import GRID, INK, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

MOST_NAMES = 12  # of layers, so that labels do not touch
MARGIN = 0.06  # of a cell of the wall, on each side
LINE = 108  # letters of the text


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    layer, head = study.shown
    about = {"layer": layer, "head": head, "n": len(study.rows), "word": token_label(study.tokens[-1])}
    return pictures(study, wall, row, layers, **about)


@captioned(
    "All {n} circuits at the token before “{word}”, a box each: time to the right until the row has its spikes, "
    "the tokens of the text from the first one at the bottom upwards, a dot a spike. Colours are those of the text "
    "above; framed, the head of the next figure."
)
def wall(study: Study) -> Figure:
    n_layers, n_heads, _ = study.spikes.shape
    height = max(2.6, 0.75 + 0.48 * n_heads)
    figure, ax = panels("a\nA", height_in=height, height_ratios=(0.5, height - 0.5))
    shades = key_colours(len(study.read))
    _text(ax["a"], study, shades)
    for (layer, head), row in study.rows.items():
        spikes, whole_ms = row.selection.spikes.of_row(0), row.selection.row_ms[0]
        inside = spikes.time_ms <= whole_ms
        x, y = spikes.time_ms[inside] / whole_ms, (spikes.key[inside] + 0.5) / len(study.read)
        at = layer + MARGIN + (1 - 2 * MARGIN) * x, head + MARGIN + (1 - 2 * MARGIN) * y
        ax["A"].scatter(*at, s=1.1, lw=0, c=shades[spikes.key[inside]], rasterized=True)
    ax["A"].hlines(np.arange(n_heads + 1), 0, n_layers, color=GRID, lw=0.5, zorder=0)
    ax["A"].vlines(np.arange(n_layers + 1), 0, n_heads, color=GRID, lw=0.5, zorder=0)
    frame = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]) + study.shown
    ax["A"].plot(*frame.T, color=INK, lw=1.0)
    ax["A"].set(xlim=(0, n_layers), ylim=(0, n_heads), xlabel="layer", ylabel="head")
    named = range(0, n_layers, -(-n_layers // MOST_NAMES))
    ax["A"].set_xticks([layer + 0.5 for layer in named], [str(layer) for layer in named])
    ax["A"].set_yticks(np.arange(n_heads) + 0.5, [str(head) for head in range(n_heads)])
    ax["A"].tick_params(length=0)
    ax["A"].grid(False)
    return figure


def _text(ax: Axes, study: Study, shades: np.ndarray) -> None:
    """The tokens in their colours, and in bold the one that follows."""
    ax.axis("off")
    x, y = 0, 0
    looks = [*((colour, "normal") for colour in shades), (INK, "bold")]
    for token, (colour, weight) in zip(study.tokens, looks, strict=True):
        shown = token.replace("\n", "↵")
        if x + len(shown) > LINE:
            x, y = 0, y - 1
        ax.text(x, y, shown, color=colour, fontweight=weight, va="top", family="monospace", fontsize=8.0)
        x += len(shown)
    ax.set(xlim=(0, LINE), ylim=(y - 1, 0.2))


@captioned(
    "Head {head} of layer {layer} at the token before “{word}”. (A) Its spikes, a line a cell: the tokens with "
    "most of them in the order of the text, and the I cells; below, its field. (B) Shares, and the softmax of the "
    "same scores."
)
def row(study: Study) -> Figure:
    return draw_head_row(study.rows[study.shown], study.read)


@captioned(
    "By layer, at the same token: dots are heads. (A) Share of a row's spikes on the first token; the line is "
    "their mean. (B) Simulated time until a row has its spikes; the line is the slowest, for which others wait."
)
def layers(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=2.9)
    layer = np.array([place[0] for place in study.rows])
    each = np.unique(layer)
    for name, of, label, most in (
        ("A", "first", "share on the first token", np.mean),
        ("B", "row_ms", "time (ms)", np.max),
    ):
        values = study.of_rows(of)
        ax[name].plot(layer, values, "o", color=SPIKING, ms=2.5, mew=0, alpha=0.5)
        ax[name].plot(each, [most(values[layer == one]) for one in each], color=SPIKING)
        ax[name].set(xlabel="layer", ylabel=label, ylim=(0, None))
    return figure
