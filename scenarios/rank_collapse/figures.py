"""Figures of rank-collapse: residual by layer, the law, what the residual says, and what is learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from scenarios.rank_collapse.circle import RADIUS, arcs
from scenarios.rank_collapse.initial import PUBLISHED
from scenarios.rank_collapse.law import sampled_factor
from scenarios.rank_collapse.measures import VARIANT_LABELS, Study
from scenarios.rank_collapse.pretrained import PUBLISHED as PUBLISHED_TRAINED
from scenarios.rank_collapse.probe import N_TOKEN_KINDS
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import band, captioned, dots, legend_below, panels, percent_axis, pictures
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = {"pure": SOFTMAX, "mlp": INH, "skip": CONTROL, "both": INK, "spikes": SPIKING}
KINDS = {  # kind -> colour, line, label
    "softmax": (SOFTMAX, "-", "softmax"),
    "spiking": (SPIKING, "-", "spikes"),
    "regular": (INH, "-", "regular spikes"),
    "sampled": (FLOOR, "-", "samples"),
    "shared": (SPIKING, ":", "spikes, noise shared by rows"),
    "skip": (CONTROL, "-", "with skips"),
    "skip, spiking": (CONTROL, "--", "spikes, with skips"),
}
LEAST = 1e-16  # of an axis of residuals


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, collapse, law, information, circles, budget=study.params.budget, shown=study.shown)


@captioned(
    "Residual, relative to all that the tokens hold, by layer: 1 where tokens differ in everything, 0 where they "
    "are one vector. First panel: BERT's sizes and initial values, mean and standard error over draws; crosses are "
    "published. Others: pretrained models, their skips or MLPs left out; crosses are BERT's published ones without "
    "both. Spikes: {budget} a row. Lines end where rounding begins."
)
def collapse(study: Study) -> Figure:
    reached = {"at the start": {v: r.T for v, r in study.initial.items()}, **study.pretrained}
    figure, ax = panels("ABC"[: len(reached)], height_in=3.6)
    for each, (title, variants) in zip(ax.values(), reached.items(), strict=True):
        for variant, values in variants.items():
            look: dict[str, Any] = {"color": COLOURS[variant], "label": VARIANT_LABELS[variant], "lw": 1.6}
            known = np.isfinite(values).all(axis=1)
            band(each, np.flatnonzero(known), values[known], **look)
        _layers(each, title)
        each.set(yscale="log", ylim=(LEAST, 3))
    for variant, points in PUBLISHED.items():
        places = {layer: value for layer, value in points.items() if layer <= study.params.bert_layers}
        ax["A"].plot(
            list(places), list(places.values()), "x", color=COLOURS[variant], ms=7, mew=1.8, zorder=5
        )
    if "B" in ax:
        ax["B"].plot(range(len(PUBLISHED_TRAINED)), PUBLISHED_TRAINED, "x", color=SOFTMAX, ms=5)
    ax["A"].set_ylabel("relative residual")
    legend_below(figure, ax["A"], ncols=3)
    return figure


@captioned(
    "(A) Residual by layer of small networks without skips, {shown} spikes a row: independent noise keeps it from "
    "vanishing as fast as softmax's, shared noise does not. (B) The factor of one layer once rows agree, against "
    "spikes per row. Lines: theory, sqrt((1 - 1/n)/N) for independent samples, and for regular cells sqrt(n f (1 - "
    "f))/N, f the fraction of N/n, here at the totals that rows had (triangles) and at all whole N (thin line)."
)
def law(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.8)
    for kind in ("softmax", "spiking", "regular", "sampled", "shared"):
        key = (kind, 0 if kind == "softmax" else study.shown)
        if key in study.law.residual:
            _line(ax["A"], study.law.residual[key], kind)
    ax["A"].set(yscale="log", ylim=(LEAST, 3), ylabel="relative residual")
    _layers(ax["A"], f"{study.shown} spikes a row")
    _factors(ax["B"], study)
    legend_below(figure, ax["A"], ax["B"], ncols=4)
    return figure


def _factors(ax: Axes, study: Study) -> None:
    spikes, n = np.array(study.params.spikes), study.params.n_tokens
    fine = np.unique(np.geomspace(spikes[0], spikes[-1], 4000).astype(int))
    part = (fine / n) % 1
    ax.plot(fine, np.sqrt(n * part * (1 - part)) / fine, color=INH, lw=0.6, alpha=0.6)
    ax.plot(fine, sampled_factor(fine, n), color=FLOOR, lw=1.2, label="theory, samples")
    regular = [study.law.dispersion["regular", s].regular for s in spikes]
    ax.plot(spikes, regular, "^", color=INH, ms=8, mfc="none", label="theory, regular")
    for kind in reversed(study.circuits):
        factors = [study.law.factor[kind, s] for s in spikes]
        dots(ax, spikes, factors, color=KINDS[kind][0], label=KINDS[kind][2], ms=4)
    spikes_axis(ax, spikes)
    ax.set(yscale="log", ylim=(1e-4, 1), ylabel="factor of a layer", title="once rows agree")


@captioned(
    "(A) Tokens that a linear probe reads from the residual, scaled to one size, at every layer; dotted: chance. "
    "The lines end where rounding begins. (B) Gradient at queries and keys of each layer of a network about "
    "to learn to sort, and (C) its cosine between two draws of spikes. (D) Places sorted right after training; "
    "dotted: the best constant guess. (E) The network with skips split by path length: what paths up to a length "
    "sort right, and the residual of the paths of that length."
)
def information(study: Study) -> Figure:
    figure, ax = panels("AAABBB\nCCDDEE", height_in=6.0)
    for kind, probed in study.probe.items():
        _line(ax["A"], probed.accuracy, kind)
    ax["A"].axhline(1 / N_TOKEN_KINDS, color=MUTED, ls=":", lw=1)
    percent_axis(ax["A"])
    _layers(ax["A"], "token read from the residual")
    for kind, slopes in study.sorting.gradients.items():
        colour, line, label = KINDS[kind]
        layer = np.arange(len(slopes.size)) + 1
        ax["B"].plot(layer, slopes.size, line, color=colour, label=label)
        if kind not in ("softmax", "skip"):
            ax["C"].plot(layer, slopes.agreement, line, color=colour)
    ax["B"].set_yscale("log")
    _layers(ax["B"], "gradient of queries and keys")
    _layers(ax["C"], "cosine of two draws")
    ax["C"].set_ylim(-0.1, 1.05)
    _sorted(ax["D"], study)
    _paths(ax["E"], study)
    legend_below(figure, ax["A"], ax["B"], ncols=4)
    return figure


def _sorted(ax: Axes, study: Study) -> None:
    accuracy = study.sorting.accuracy
    for place, (kind, values) in enumerate(accuracy.items()):
        dots(ax, [place], [mean(values)], color=KINDS[kind][0], ms=6)
    ax.axhline(study.sorting.chance.mean(), color=MUTED, ls=":", lw=1)
    labels = [KINDS[kind][2].replace(", ", ",\n") for kind in accuracy]
    ax.set_xticks(range(len(accuracy)), labels, rotation=60, fontsize=7)
    percent_axis(ax)
    ax.set_title("sorted right")


def _paths(ax: Axes, study: Study) -> None:
    split = study.sorting.paths
    length = np.arange(len(split.residual))
    dots(ax, length, [mean(values) for values in split.up_to], color=CONTROL, fmt="o-", ms=4)
    ax.plot(length, split.residual, "s--", color=INK, ms=4)
    ax.annotate(
        "sorted right,\npaths up to it", (length[-1], 0.72), ha="right", va="top", fontsize=7, color=CONTROL
    )
    ax.annotate(
        "residual", (length[0], split.residual[0]), xytext=(6, -2), textcoords="offset points", fontsize=7
    )
    ax.set(ylim=(0, 1.05), xlabel="path length", title="by path length")


@captioned(
    "Two points driven along half a circle each by one layer of attention that was trained on single steps and is "
    "applied again and again: (A) by softmax and (B) by spikes without skips, (C) by softmax with skips; (D, E) "
    "taught as published, with weights that hardly leave their small initial values. Grey: the wanted tracks. "
    "Every training has its own shade; dots are the ends."
)
def circles(study: Study) -> Figure:
    figure, ax = panels("ABC\nDE.", height_in=5.4)
    titles = {
        "softmax": "softmax, no skip",
        "spiking": "spikes, no skip",
        "skip": "softmax, skip",
        "published": "as published, no skip",
        "published, skip": "as published, skip",
    }
    wanted = arcs().numpy()
    for each, (kind, tracks) in zip(ax.values(), study.circles.items(), strict=True):
        each.plot(wanted[..., 0], wanted[..., 1], color=FLOOR, lw=5, alpha=0.35, solid_capstyle="round")
        for seed, track in enumerate(tracks):
            for point, colour in enumerate((SOFTMAX, SPIKING)):
                shade = 1 - 0.6 * seed / len(tracks)
                each.plot(*track[:, point].T, color=colour, lw=1.2, alpha=shade)
                each.plot(*track[-1, point], "o", color=colour, ms=4, alpha=shade)
        limit = 1.5 * RADIUS
        each.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", title=titles[kind])
        each.set(xticks=[], yticks=[])
    return figure


def _line(ax: Axes, values: np.ndarray, kind: str) -> None:
    """Mean over nets or sequences by layer, as far as it is known; a residual of 0 is drawn at the axis."""
    colour, line, label = KINDS[kind]
    known = np.isfinite(values).all(axis=1)
    band(
        ax,
        np.flatnonzero(known),
        np.maximum(values[known], LEAST),
        color=colour,
        ls=line,
        label=label,
        lw=1.6,
    )


def _layers(ax: Axes, title: str) -> None:
    ax.set(xlabel="layer", title=title)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
