"""One query of a head of a pretrained model: its raster, its field, and its shares with their softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.panels import legend_below, panels
from scenarios.workbench.rasters import draw_row, draw_shares, key_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bridge.huggingface import RecordedRow

__all__ = ["draw_head_row", "token_label"]

MOST_KEYS = 8  # in the raster


def token_label(token: str) -> str:
    """A token as a label: without the space before it, and seen where it is only white space."""
    return token.strip() or token.replace("\n", "↵").replace(" ", "␣")


def draw_head_row(row: RecordedRow, tokens: Sequence[str]) -> Figure:
    """Draw the keys with most spikes, in the order of the text.

    Parameters
    ----------
    row : RecordedRow
    tokens : sequence of str
        Of the keys, from the first one; colours run from dark to light over all of them.
    """
    order = np.sort(np.argsort(-row.counts[: len(tokens)], kind="stable")[:MOST_KEYS])
    labels = [token_label(tokens[key]) for key in order]
    figure, ax = panels("AB\naB", height_in=4.0, width_ratios=(1.9, 1), height_ratios=(3, 1))
    window_ms = float(row.selection.row_ms[0])
    colours = key_colours(len(tokens))[order]
    draw_row(
        ax["A"], ax["a"], row.selection, 0,
        order=order, labels=labels, window_ms=window_ms, colours=colours,
    )  # fmt: skip
    ax["A"].set_ylabel("")
    draw_shares(ax["B"], row.weights[order], row.softmax[order], labels)
    legend_below(figure, ax["B"])
    return figure
