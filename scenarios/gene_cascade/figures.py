"""Figures of gene-cascade: stripes in layers, the ring, and one promoter against one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.gene_cascade.networks import PLACES, SHAPES
from scenarios.gene_cascade.numbers import SHAPE_LABELS, Study
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

SOURCES = {
    "molecules": (SOFTMAX, "promoters"),
    "random": (SPIKING, "random cells"),
    "regular": (INH, "regular cells"),
}
GENES = (SOFTMAX, SPIKING, CONTROL)
SHOWN = 200.0  # lifetimes of the ring that are drawn


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    params = study.params
    words = {"spikes": params.ring_spikes, "n": params.spikes, "stripes": params.stripes}
    return pictures(study, cascade, ring, promoter, **words)


@captioned(
    "{stripes} stripes along an egg, from two maternal gradients, by layers of promoters that attend to "
    "the layer before. (A) What is wanted and what the best cascade learnt; points, two readings of it in "
    "spikes, few and many. (B) Part of the variance that is left against layers: single factors or pairs, "
    "with and without a strength of each factor. (C) How far readings in spikes are off, against spikes "
    "per promoter; lines are powers -1/2 and -1."
)
def cascade(study: Study) -> Figure:
    figure, ax = panels("AA\nBC", height_in=5.6)
    of, params, at = study.cascade, study.params, (np.arange(PLACES) + 0.5) / PLACES
    few, many = min(params.numbers), max(params.numbers)
    ax["A"].fill_between(at, of.wanted, color=FLOOR, alpha=0.35, lw=0, label="wanted")
    ax["A"].plot(at, of.learnt[of.best], color=SOFTMAX, lw=2, label=f"{of.best[1]} layers, exact")
    for spikes, colour, marker in ((few, SPIKING, "o"), (many, INH, "s")):
        ax["A"].plot(
            at, of.spiking["random", spikes][0], marker, ms=3, color=colour, label=f"{spikes} spikes"
        )
    ax["A"].set(xlabel="place, head to tail", ylabel="expression", xlim=(0, 1), title="stripes")
    ax["A"].legend(ncols=4, loc="upper center", bbox_to_anchor=(0.6, 1.22), fontsize=8)
    colours = dict(zip(SHAPES, (FLOOR, CONTROL, SPIKING, SOFTMAX), strict=True))
    layers = sorted(set(params.layers))
    for name, colour in colours.items():
        ax["B"].plot(layers, [of.left[name, n] for n in layers], "o-", color=colour, label=SHAPE_LABELS[name])
    ax["B"].set(xlabel="layers", ylabel="variance left", xticks=layers, ylim=(-0.03, None))
    ax["B"].legend(fontsize=7.5)
    _errors(
        ax["C"],
        params.numbers,
        {kind: [of.error(kind, n) for n in params.numbers] for kind in ("random", "regular")},
    )
    ax["C"].set(xlabel="spikes per promoter", ylabel="rms off the exact pattern")
    ax["C"].legend(fontsize=8)
    return figure


def _errors(ax: Axes, numbers: tuple[int, ...], errors: dict[str, list[object]]) -> None:
    """Errors against numbers on logarithmic axes, with lines of two powers through the first random one."""
    x = np.array(sorted(numbers), dtype=float)
    for source, estimates in errors.items():
        colour, label = SOURCES[source]
        dots(ax, list(numbers), estimates, color=colour, label=label)  # type: ignore[arg-type]
    first = next(iter(errors.values()))[0].value  # type: ignore[attr-defined]
    ax.plot(x, first * (x / x[0]) ** -0.5, color=MUTED, lw=1, ls="--")
    ax.plot(x, first * (x / x[0]) ** -1.0, color=MUTED, lw=1, ls=":")
    ax.set(xscale="log", yscale="log")
    plain_ticks(ax, "xy")
    plain_ticks(ax, "x", x)
    ax.minorticks_off()


@captioned(
    "The repressilator of Elowitz and Leibler: three promoters in a ring, each repressing the next. "
    "Proteins (A) integrated exactly, (B) with every promoter a row of two keys, repressor and null, "
    "whose share is read off {spikes} spikes. Logarithmic scale."
)
def ring(study: Study) -> Figure:
    figure, ax = panels("A\nB", height_in=4.4, sharex=True)
    of = study.ring
    for name, times, proteins in (("A", of.exact_times, of.exact), ("B", of.times, of.shown)):
        for gene, colour in enumerate(GENES):
            ax[name].plot(times, np.maximum(proteins[:, gene], 1e-2), color=colour, lw=1.6)
        ax[name].set(yscale="log", ylabel="protein", xlim=(0, min(SHOWN, study.params.ring_time)))
    ax["A"].set_title("exact")
    ax["B"].set(title="in spikes", xlabel="time (lifetimes of the mRNA)")
    return figure


@captioned(
    "Factors that compete for one promoter, and keys that compete with a sink. (A) Shares of time and of "
    "{n} spikes against the law. (B) Inverse temperature fitted by one function to both, over that "
    "wanted. (C) Fano factor of the molecules against the speed of binding and unbinding; line, the law; "
    "points at the right, of spikes; dotted, of independent spikes. (D) Error of the first share against "
    "the number of spikes or bindings; lines are powers -1/2 and -1. Bars are standard errors."
)
def promoter(study: Study) -> Figure:
    figure, ax = panels("AB\nCD", height_in=5.4)
    of, params = study.promoter, study.params
    shares = {"molecules": of.molecules, **of.spikes}
    for i, (source, (colour, label)) in enumerate(SOURCES.items()):
        dots(ax["A"], of.law * (1 + 0.04 * (i - 1)), list(shares[source]), color=colour, label=label)
        dots(ax["B"], np.array(params.kT) * (1 + 0.05 * (i - 1)), list(of.beta[source]), color=colour)
    top = 1.15 * float(of.law.max())
    ax["A"].plot([0, top], [0, top], color=INK, lw=1)
    ax["A"].set(xlabel="w / (1 + sum of w)", ylabel="share")
    ax["B"].axhline(1, color=INK, lw=1)
    ax["B"].set(xscale="log", xlabel="kT", ylabel="fitted / wanted")
    plain_ticks(ax["B"], "x", params.kT)
    ax["B"].minorticks_off()
    speeds, fanos, laws = zip(*sorted(of.fano, key=lambda each: each[0]), strict=True)
    ax["C"].plot(speeds, laws, color=INK, lw=1.2)
    dots(ax["C"], speeds, fanos, color=SOFTMAX)
    for kind, estimate in of.counted.items():
        dots(ax["C"], [4 * max(speeds)], [estimate], color=SOURCES[kind][0])
    ax["C"].axhline(of.binomial, color=MUTED, lw=1, ls=":")
    ax["C"].set(xscale="log", yscale="log", xlabel="speed of the promoter", ylabel="Fano factor")
    plain_ticks(ax["C"], "xy")
    _errors(
        ax["D"],
        params.numbers,
        {source: [e for _, e in of.errors[source]] for source in ("random", "regular", "molecules")},
    )
    ax["D"].set(xlabel="spikes, or bindings", ylabel="rms error of a share")
    legend_below(figure, ax["A"])
    return figure
