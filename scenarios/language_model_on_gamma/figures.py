"""Figures of language-model-on-gamma: what is lost against spikes and by layer, and what two models write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.language_model_on_gamma.measures import KINDS, Study
from scenarios.workbench.axes import layer_ticks, spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, percent_axis, pictures
from scenarios.workbench.reading import KL, SAME
from scenarios.workbench.style import CONTROL, FLOOR, INH, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

LOOKS = {"spikes": (SPIKING, "o-"), "random": (INH, "s-"), "samples": (CONTROL, "^--")}
COLUMNS, LINE = 96, 1.0  # letters in a line of the text, and its height


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    about = {"chosen": study.chosen, "shown": study.params.shown, "layer": study.params.layer_spikes}
    drawn = pictures(study, loss, **about) if study.kinds else {}
    drawn |= pictures(study, layers, **about) if study.layers else {}
    return drawn | (pictures(study, text, **about) if study.written is not None else {})


@captioned(
    "Simulated: {chosen}. (A) Perplexity over softmax's, less 1, against spikes per row; the line: uniform "
    "attention. (B) KL from softmax of the next token. (C) Places with the same most probable token. Means over "
    "windows with their paired standard errors."
)
def loss(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.4)
    spikes = np.array(study.params.spikes)
    for kind in study.kinds:
        colour, line = LOOKS[kind]
        look = {"color": colour, "fmt": line, "label": KINDS[kind], "ms": 5}
        ratios = [study.ratio(kind, int(n)) for n in spikes]
        dots(ax["A"], spikes, [type(r)(value=r.value - 1, error=r.error) for r in ratios], **look)
        dots(ax["B"], spikes, [study.of(KL, kind, int(n)) for n in spikes], **look)
        dots(ax["C"], spikes, [study.of(SAME, kind, int(n)) for n in spikes], **look)
    uniform = study.ratio("uniform").value - 1
    positive = [study.ratio(kind, int(n)).value > 1 for kind in study.kinds for n in spikes]
    if all(positive):
        ax["A"].set_yscale("log")
        ax["A"].axhline(uniform, color=FLOOR, ls=":", lw=1.2, label="uniform attention")
    ax["B"].set_yscale("log")
    percent_axis(ax["C"])
    ax["A"].set_ylabel("perplexity / softmax's − 1")
    ax["B"].set_ylabel("KL of the next token (nat)")
    ax["C"].set_ylabel("same token")
    for each in ax.values():
        spikes_axis(each, spikes)
    legend_below(figure, ax["A"], ncols=4)
    return figure


@captioned(
    "KL from softmax of the next token with the heads of one layer alone simulated, {layer} spikes a row, on a few "
    "windows."
)
def layers(study: Study) -> Figure:
    figure, ax = panels("A", height_in=2.8)
    alone = [study.alone(layer) for layer in study.layers]
    values, errors = [kl.value for kl in alone], [kl.error for kl in alone]
    ax["A"].bar(study.layers, values, 0.65, yerr=errors, color=SPIKING, ecolor=MUTED, capsize=2)
    ax["A"].set(xlabel="layer", ylabel="KL of the next token (nat)", ylim=(0, None))
    layer_ticks(ax["A"], study.layers)
    return figure


@captioned(
    "The prompt (grey) and how the model goes on: by softmax (A) and with {chosen} simulated at {shown} spikes a "
    "row (B), always the most probable token. Faint: until the two part."
)
def text(study: Study) -> Figure:
    written = study.written
    assert written is not None
    figure, ax = panels("A\nB", height_in=2.8)
    lines = (("A", "softmax", written.softmax, SOFTMAX), ("B", "spikes", written.spikes, SPIKING))
    for name, title, tokens, colour in lines:
        pieces = [(written.prompt, FLOOR, 1.0)]
        pieces += [(token, colour, 0.45 if at < written.common else 1.0) for at, token in enumerate(tokens)]
        ax[name].axis("off")
        x, y = 0, 0.0
        for piece, shade, alpha in pieces:
            for word in _broken(piece.replace("\n", "↵")):
                if x and x + len(word) > COLUMNS:
                    x, y = 0, y - LINE
                style: dict[str, Any] = {
                    "color": shade,
                    "alpha": alpha,
                    "family": "monospace",
                    "fontsize": 8.5,
                }
                ax[name].text(x, y, word, va="top", **style)
                x += len(word)
        ax[name].set(xlim=(0, COLUMNS), ylim=(min(y - LINE, -4 * LINE), 0.3), title=title)
    return figure


def _broken(piece: str) -> list[str]:
    """Words with the space before them."""
    words: list[str] = []
    for word in piece.split(" "):
        words.append(f" {word}" if words or (piece.startswith(" ") and word) else word)
    return [word for word in words if word]
