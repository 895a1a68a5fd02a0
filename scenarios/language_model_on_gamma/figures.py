"""Figures of language-model-on-gamma: what is lost against spikes and by layer, and what two models write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.language_model_on_gamma.judging import CHANCE
from scenarios.language_model_on_gamma.measures import KINDS, Study, in_numbers
from scenarios.language_model_on_gamma.overview import LOOKS, overview
from scenarios.language_model_on_gamma.trials import Kind
from scenarios.language_model_on_gamma.typeset import COLUMNS, LINE_in, draw_text, placed
from scenarios.workbench.axes import layer_ticks, spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, percent_axis, pictures
from scenarios.workbench.reading import KL, SAME
from scenarios.workbench.style import CONTROL, FLOOR, INH, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    about = {"chosen": study.chosen, "shown": study.params.shown, "layer": study.params.layer_spikes}
    drawings = {
        overview: bool(study.kinds) and study.written is not None,
        loss: bool(study.kinds),
        layers: bool(study.layers),
        minimal_pairs: study.judged is not None,
        bill: bool(study.bills),
        text: study.written is not None,
    }
    return pictures(study, *(drawing for drawing, measured in drawings.items() if measured), **about)


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
    "Minimal pairs judged right. (A) By field of linguistics, all of them above, with standard errors; dotted: "
    "chance. (B) Each paradigm at {shown} spikes a row against softmax; on the diagonal nothing is lost."
)
def minimal_pairs(study: Study) -> Figure:
    judged = study.judged
    assert judged is not None
    figure, ax = panels("AB", height_in=3.6, width_ratios=(1.25, 1))
    groups = ["", *judged.fields]
    looks = {"softmax": (SOFTMAX, "s"), "spikes": (SPIKING, "o"), "samples": (CONTROL, "^")}
    for place, kind in enumerate(judged.kinds):
        colour, marker = looks[kind.name]
        aside = np.arange(len(groups)) + 0.6 * (place / max(1, len(judged.kinds) - 1) - 0.5)
        each = [judged.accuracy(kind, field=group) for group in groups]
        faint = 1.0 if kind.spikes in (0, study.params.shown) else 0.5
        look: dict[str, Any] = {"fmt": marker, "ms": 4.5, "capsize": 2, "color": colour, "alpha": faint}
        ax["A"].errorbar(
            [e.value for e in each], aside, xerr=[e.error for e in each], label=kind.label, **look
        )
    ax["A"].axvline(CHANCE, color=FLOOR, ls=":", lw=1.2)
    ax["A"].set_yticks(range(len(groups)), ["all", *judged.fields])
    ax["A"].invert_yaxis()
    ax["A"].set_xlabel("judged right")
    shown = Kind(name="spikes", spikes=study.params.shown)
    other = shown if shown in judged.kinds else judged.kinds[0]
    softmax, own = (
        [judged.accuracy(kind, paradigm=name).value for name in judged.paradigms]
        for kind in (judged.kinds[0], other)
    )
    ax["B"].plot([0, 1], [0, 1], color=FLOOR, lw=1)
    ax["B"].plot(softmax, own, "o", color=SPIKING, ms=4.5, mew=0, alpha=0.6)
    ax["B"].set(xlabel="softmax", ylabel=other.label, aspect="equal", xlim=(0, 1.03), ylim=(0, 1.03))
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "What the whole model computes on one window, over softmax's, counted in the run: operations of a digital "
    "machine that computes what the engine computed; joules in FP32 arithmetic (45 nm); joules on neuromorphic "
    "hardware, where each update of a cell has its price."
)
def bill(study: Study) -> Figure:
    figure, ax = panels("A", height_in=2.6, width=0.62)
    numbers, spikes = in_numbers(study), study.params.spikes
    endings = ["" if n == study.params.shown else f"_spikes_{n}" for n in spikes]
    for name, label, colour, line in (
        ("operations", "operations", SPIKING, "o-"),
        ("energy", "joules, FP32", SOFTMAX, "s-"),
        ("hardware", "joules, Loihi", INH, "^-"),
    ):
        over = [numbers[f"{name}{ending}"].value for ending in endings]
        ax["A"].plot(spikes, over, line, color=colour, label=label, ms=5)
    ax["A"].axhline(1, color=FLOOR, ls=":", lw=1.2)
    ax["A"].set_ylabel("over softmax's")
    spikes_axis(ax["A"], spikes)
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "The prompt (grey) and how the model goes on: by softmax (A) and with {chosen} simulated at {shown} spikes a "
    "row (B), always the most probable token. Boxed: the token at which the two part. Faint: tokens that stand in "
    "both texts in the same order."
)
def text(study: Study) -> Figure:
    written = study.written
    assert written is not None
    texts = (("A", "softmax", written.softmax, SOFTMAX), ("B", "spikes", written.spikes, SPIKING))
    set_out = {}
    for (name, _, tokens, colour), shared in zip(texts, written.shared(), strict=True):
        pieces = [(written.prompt, FLOOR, 1.0, False)]
        for at, (token, common) in enumerate(zip(tokens, shared, strict=True)):
            pieces.append((token, colour, 0.45 if common else 1.0, at == written.common))
        set_out[name] = list(placed(pieces))
    heights = [max(2, 1 + max(word.line for word in words)) for words in set_out.values()]
    figure, ax = panels("A\nB", height_in=0.9 + LINE_in * sum(heights), height_ratios=heights)
    for (name, title, _, _), height in zip(texts, heights, strict=True):
        ax[name].axis("off")
        draw_text(ax[name], set_out[name])
        ax[name].set(xlim=(0, COLUMNS), ylim=(-height, 0.3), title=title)
    return figure
