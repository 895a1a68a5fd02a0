"""The figure that shows the whole at once: a row in spikes, the loss against spikes, and the text written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from scenarios.language_model_on_gamma.looking import Looked, SHOWN_ms
from scenarios.language_model_on_gamma.measures import Study
from scenarios.language_model_on_gamma.typeset import COLUMNS, LINE_in, draw_text, placed
from scenarios.workbench.axes import SMALL, spikes_axis
from scenarios.workbench.panels import captioned, dots, panels, plain_ticks
from scenarios.workbench.rasters import draw_raster, key_colours
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LOOKS", "overview"]

LOOKS = {"spikes": (SPIKING, "o-"), "random": (INH, "s-"), "samples": (CONTROL, "^--")}
NAMES = {"spikes": "circuit", "random": "random cells", "samples": "samples"}
MOST_KEYS, TOKENS = 7, 60  # of the raster, and of each text
LOSSES = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)


@captioned(
    "A language model, {chosen} simulated as 40 Hz circuits. (A) One of them at the last token of the prompt: each "
    "dot a spike, each band the cells of one earlier token, above them the field. A row of the model ends with its "
    "spike {shown} (dashed). (B) Shares of these spikes, and the softmax of the same scores. (C) Perplexity "
    "over softmax's, less 1, against spikes per row; dotted: uniform attention. (D) How the model goes on with the "
    "prompt; boxed: where the texts part."
)
def overview(study: Study) -> Figure:
    written, looked = study.written, study.looked
    assert written is not None
    assert looked is not None
    texts = [[(f"prompt: {written.prompt}", INK, 1.0, False)]]
    for title, tokens, colour in (("softmax", written.softmax, SOFTMAX), ("spikes", written.spikes, SPIKING)):
        own = [(token, colour, 1.0, at == written.common) for at, token in enumerate(tokens[:TOKENS])]
        texts.append([(f"{title}: ", MUTED, 1.0, False), *own])
    set_out = [list(placed(pieces)) for pieces in texts]
    lines = [1 + max(word.line for word in words) for words in set_out]
    below = LINE_in * (sum(lines) + 1)
    figure, ax = panels(
        "ABC\nDDD", height_in=3.2 + below, height_ratios=(2.9, below), width_ratios=(2.3, 0.75, 1.5)
    )
    order = np.sort(np.argsort(looked.weights)[-MOST_KEYS:])[::-1]
    draw_spikes(ax["A"], looked, order)
    draw_weights(ax["B"], looked, order)
    bottom, top = (edge / looked.selection.spikes.n_cells - 0.5 for edge in ax["A"].get_ylim())
    ax["B"].set_ylim(bottom, top)
    draw_loss(ax["C"], study)
    ax["D"].axis("off")
    for words, first in zip(set_out, np.cumsum([0, *lines]).tolist(), strict=False):
        draw_text(ax["D"], words, first, SMALL)
    ax["D"].set(xlim=(0, COLUMNS), ylim=(-sum(lines), 0.3))
    return figure


def draw_spikes(ax: Axes, looked: Looked, order: np.ndarray) -> None:
    """The strongest keys in the order of the text, the first on top, and the field above them."""
    labels = [looked.tokens[key].strip() or "↵" for key in order]
    draw_raster(ax, looked.selection, 0, order=order, labels=labels, window_ms=SHOWN_ms)
    top = len(order) * looked.selection.spikes.n_cells
    time_ms = np.arange(looked.selection.field.shape[1]) * looked.selection.field_dt_ms
    field = looked.selection.field[0] / looked.selection.field[0].max(initial=1e-9)
    shown = time_ms < SHOWN_ms
    ax.plot(time_ms[shown], top * (1.05 + 0.22 * field[shown]), color=MUTED, lw=1.0)
    ax.axvline(looked.ends_ms, color=INK, lw=0.9, ls=(0, (3, 2)))
    ax.set_ylim(ax.get_ylim()[0], 1.3 * top)
    ax.set_title(f"layer {looked.layer}, head {looked.head}")


def draw_weights(ax: Axes, looked: Looked, order: np.ndarray) -> None:
    """Shares and softmax of the same keys, on lines as high as theirs in the raster."""
    places = np.arange(len(order))
    ax.barh(places, looked.shares[order], color=key_colours(len(order)), height=0.62)
    ax.plot(looked.weights[order], places, "D", color=SOFTMAX, ms=5, label="softmax")
    ax.set_yticks(places, [""] * len(order))
    ax.set_xlabel("share of spikes")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.legend(loc="upper right", handletextpad=0.1, borderaxespad=0.1)


def draw_loss(ax: Axes, study: Study) -> None:
    """Perplexity over softmax's, less 1; what is not above 0 by its mean has no place on the axis."""
    spikes = np.array(study.params.spikes)
    for kind in study.kinds:
        colour, line = LOOKS[kind]
        ratios = [study.ratio(kind, int(n)) for n in spikes]
        above = [r.value > 1 for r in ratios]
        less = [Estimate(value=r.value - 1, error=r.error) for r in ratios if r.value > 1]
        if less:
            dots(ax, spikes[above], less, fmt=line, color=colour, label=NAMES[kind], ms=4.5)
    ax.set_yscale("log")
    spikes_axis(ax, spikes)
    ax.set_ylabel("perplexity / softmax's − 1")
    ax.legend(loc="lower left", handlelength=1.4, fontsize=SMALL, borderaxespad=0.1)
    ax.axhline(study.ratio("uniform").value - 1, color=FLOOR, ls=":", lw=1.2)
    bottom, top = ax.get_ylim()
    plain_ticks(ax, "y", [loss for loss in LOSSES if bottom < loss < top])
