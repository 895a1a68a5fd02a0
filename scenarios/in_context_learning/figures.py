"""Figures of in-context-learning: one step by one layer, the pair in spikes, the decoder's curve and its tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.in_context_learning.numbers import LABELS, Study
from scenarios.in_context_learning.one_step import KINDS
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = {"sampled": FLOOR, "random": SPIKING, "regular": INH}
HEADS = {"softmax": SOFTMAX, "sampled": FLOOR, "spiking": SPIKING}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    words = {"n": study.params.n_examples, "d": study.params.d, "tuned": study.params.tune_spikes}
    return pictures(study, curve, step, **words)


@captioned(
    "(A) Squared error per component of a trained decoder after so many examples of an unknown linear "
    "map, with exact softmax and with simulated heads (darker: more spikes per row), against least "
    "squares and averaging. (B) The trained decoder and a fresh one learn on with the components of their "
    "tokens in another order: error of each batch, running mean; dashed, fresh. Heads that spike have "
    "{tuned} spikes a row and learn through them; dotted, the goal."
)
def curve(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.9)
    _examples(ax["A"], study)
    for tuning in study.toy.tunings:
        line, colour = ("-" if tuning.start == "pretrained" else "--"), HEADS[tuning.heads]
        label = tuning.heads if tuning.start == "pretrained" else None
        ax["B"].plot(tuning.smooth, ls=line, color=colour, lw=1.4, label=label)
    ax["B"].axhline(study.toy.goal, color=MUTED, lw=1, ls=":")
    ax["B"].set(
        xlabel="iterations of tuning", ylabel="squared error / d", title="learning again", ylim=(0, 1.3)
    )
    ax["B"].legend(loc="lower left", fontsize=8)
    return figure


def _examples(ax: Axes, study: Study) -> None:
    """The curve of Garg et al., with its two yardsticks."""
    import matplotlib as mpl

    toy, examples = study.toy, np.arange(study.toy.exact.shape[1])
    ax.plot(examples, toy.fitted.mean(axis=0), color=INK, lw=1.2, ls="--", label="least squares")
    ax.plot(examples[1:], toy.averaging()[1:], color=CONTROL, lw=1.2, ls="--", label="averaging")
    ax.axhline(1, color=MUTED, lw=0.8, ls=":")
    simulated = sorted(spikes for kind, spikes in toy.curves if kind == "spiking")
    shades = mpl.colormaps["YlOrRd"](np.linspace(0.35, 0.95, max(1, len(simulated))))
    for spikes, shade in zip(simulated, shades, strict=False):
        dots(
            ax, examples, toy.at(("spiking", spikes)), fmt="-", lw=1.3, color=shade, label=f"{spikes} spikes"
        )
    dots(ax, examples, toy.at(("softmax", 0)), fmt="o-", lw=1.6, color=SOFTMAX, ms=4, label="softmax")
    top = max(1.15, 1.1 * max(toy.curves[key].mean(axis=0).max() for key in toy.curves))
    ax.set(
        xlabel="examples in the context",
        ylabel="squared error / d",
        title="learning in context",
        ylim=(0, top),
    )
    ax.legend(fontsize=7.5, ncols=2)


@captioned(
    "{n} examples of a linear map of {d} components, half squared error of the answer. (A) A layer of "
    "linear attention in training; dashed, one step of gradient descent. (B) Two softmax heads of "
    "opposite sign against their inverse temperature, exact and with simulated random cells (darker: more "
    "spikes). (C) The pair at its best inverse temperature against spikes per row. Bars are standard "
    "errors."
)
def step(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.4)
    of, params = study.step, study.params
    ax["A"].plot(np.arange(1, 1 + len(of.curve)), of.curve, color=SOFTMAX, lw=1)
    ax["A"].set(xscale="log", xlabel="iterations", ylabel="half squared error", title="one layer")
    _temperatures(ax["B"], study)
    for kind in KINDS:
        best = [of.best(kind, n).loss for n in params.spikes]
        dots(ax["C"], params.spikes, best, fmt="o-", lw=1.3, color=COLOURS[kind], label=LABELS[kind])
    spikes_axis(ax["C"], params.spikes)
    ax["C"].set(title="two heads, spikes")
    for each in ax.values():
        each.axhline(of.law, color=INK, lw=1.2, ls="--", label="one step")
    for name in "BC":
        each = ax[name]
        each.axhline(of.exact.loss.value, color=SOFTMAX, lw=1.2, label="two exact heads")
        each.axhline(of.single.loss.value, color=CONTROL, lw=1.2, label="one exact head")
    legend_below(figure, ax["C"], ncols=3)
    return figure


def _temperatures(ax: Axes, study: Study) -> None:
    """Loss against beta."""
    import matplotlib as mpl

    of, params = study.step, study.params
    betas = sorted(params.betas)
    shades = mpl.colormaps["YlOrRd"](np.linspace(0.35, 0.95, len(params.spikes)))
    for n, shade in zip(sorted(params.spikes), shades, strict=True):
        losses = [of.spiking["random", n, beta].loss for beta in betas]
        dots(ax, betas, losses, fmt="o-", lw=1.2, ms=4, color=shade, label=f"{n} spikes")
    look: dict[str, Any] = {"fmt": "o-", "lw": 1.4, "ms": 4, "color": SOFTMAX}
    dots(ax, betas, [of.pairs[beta].loss for beta in betas], **look)
    ax.set(xscale="log", xlabel="inverse temperature", title="two heads")
    plain_ticks(ax, "x", betas)
    ax.minorticks_off()
