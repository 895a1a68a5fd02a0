"""Figures of binding-by-synchrony: volleys in turn, how many stay apart, and what a reader makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.binding_by_synchrony.measures import HARMONICS, Study
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.rasters import key_colours
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

SHOWN_ms = 120.0


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, volleys, reading, apart)


@captioned(
    "The same cells at the same rate; colours are objects, each a colour and a shape. (A) The circuit. (B) All "
    "spikes of a feature moved together. (C) No inhibition. (D) No coupling."
)
def volleys(study: Study) -> Figure:
    figure, ax = panels("AB\nCD", height_in=4.6, sharex=True, sharey=True)
    names = ("bound", "permuted phases", "no inhibition", "no coupling")
    for letter, name in zip("ABCD", names, strict=True):
        _raster(ax[letter], study, name)
    for letter in "CD":
        ax[letter].set_xlabel("time (ms)")
    for letter in "AC":
        ax[letter].set_ylabel("cell")
    return figure


def _raster(ax: Axes, study: Study, name: str) -> None:
    ran = study.cases[name].ran
    here = (ran.spikes.row == 0) & (ran.spikes.time_ms < SHOWN_ms)
    cell = ran.spikes.cell[here]
    colours = key_colours(ran.gestalt.n_objects)[ran.gestalt.object_of_cell[cell]]
    ax.scatter(ran.spikes.time_ms[here], cell, s=7, c=colours, lw=0)
    ax.set(title="the circuit" if name == "bound" else name, xlim=(0, SHOWN_ms))
    ax.grid(False)


@captioned(
    "(A) Queries by a colour whose most attended shape is the bound one, by spike times and by rates, with "
    "standard errors over networks; grey: chance. (B) How well the cells that fire together are the objects, "
    "against the spread of the features' drives, for couplings within an object."
)
def reading(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.6, width_ratios=[1.5, 1])
    places = np.arange(len(study.cases))[::-1]
    for kind, colour, shift in (("times", SPIKING, 0.12), ("rates", SOFTMAX, -0.12)):
        found = [getattr(case, kind).accuracy for case in study.cases.values()]
        ax["A"].errorbar(
            [e.value for e in found], places + shift, xerr=[e.error for e in found], fmt="o", ms=5,
            capsize=2, color=colour, label=f"by {kind}",
        )  # fmt: skip
    ax["A"].axvline(1 / study.params.n_objects, color=FLOOR, lw=1.2)
    ax["A"].set_yticks(places, ["the circuit", *list(study.cases)[1:]])
    ax["A"].set(xlim=(0, 1.04), xlabel="shapes that belong")
    couplings, spreads = study.params.couplings, study.params.spreads
    for coupling, shade in zip(couplings, key_colours(len(couplings)), strict=True):
        rand = [study.spread[coupling, s][0] for s in spreads]
        dots(ax["B"], spreads, rand, fmt="o-", color=shade, label=f"coupling {coupling:g}")
    ax["B"].set(ylim=(-0.05, 1.05), xlabel="spread of drives", ylabel="adjusted Rand index")
    legend_below(figure, ax["A"], ax["B"], ncols=5)
    return figure


@captioned(
    "Against the number of objects: (A) Rand index of the cells that fire together, for delays of the inhibition. "
    "(B) Smallest gap between volleys over even spacing; phase models that repel by one harmonic and by four; "
    "grey: objects at random phases."
)
def apart(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.4)
    objects, delays = study.params.objects, study.params.delays
    for delay_ms, shade in zip(delays, key_colours(len(delays)), strict=True):
        of = [study.apart[delay_ms, k] for k in objects]
        label = f"inhibition after {delay_ms:g} ms"
        dots(ax["A"], objects, [a.rand for a in of], fmt="o-", color=shade, label=label)
        dots(ax["B"], objects, [a.gap for a in of], fmt="o-", color=shade)
    for h, colour in zip(HARMONICS, (SOFTMAX, CONTROL), strict=True):
        gaps = [mean(study.models[h, k][:, 2]) for k in objects]
        label = f"phase model, {h} harmonic{'s' if h > 1 else ''}"
        dots(ax["B"], objects, gaps, fmt="s--", color=colour, label=label)
    ax["B"].plot(objects, 1 / np.array(objects), color=MUTED, lw=1, ls=":", label="random phases")
    for each, label in (("A", "adjusted Rand index"), ("B", "smallest gap / even spacing")):
        ax[each].set(xlabel="objects", ylabel=label, ylim=(-0.05, 1.1))
        ax[each].set_xticks(objects)
    legend_below(figure, ax["A"], ax["B"], ncols=3)
    return figure
