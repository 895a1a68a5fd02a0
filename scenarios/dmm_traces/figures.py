"""Figures of dmm-traces: a program and its trace, the row that rewrites itself, and lives against spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.dmm_traces.measures import Study, expected_life
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.machine_plots import link_graph, signed_map
from scenarios.workbench.panels import captioned, dots, legend_below, panels, percent_axis
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.style import CONTROL, FLOOR, MUTED, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["lives", "own", "rewriting"]

MOST_ROWS = 18
LOOKS = {"circuit": (SPIKING, "o"), "sampled": (FLOOR, "s"), "regular": (CONTROL, "^")}


@captioned(
    "The program {name}, exactly. (A) Its links at the start: an arrow leads from a neuron to one that hears it, "
    "orange with a weight above 0, blue below; a ring is a link to itself. (B) What changes: the weights of links "
    "that the program rewrites, or the largest leaf of each output where it rewrites none."
)
def own(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.6, width_ratios=(1, 1.15))
    link_graph(ax["A"], study.own.links)
    shown = study.own.weights[:MOST_ROWS]
    names = [_short(name) for name in study.own.names[:MOST_ROWS]]
    image = signed_map(ax["B"], shown if len(shown) else np.zeros((1, 1)), names or [""])
    figure.colorbar(image, ax=ax["B"], pad=0.01, label="weight" if study.own.rewrites else "largest leaf")
    return figure


@captioned(
    "Weights in Self's row where the active update of {updates} stands with Self's own link. Above, exactly: the "
    "row names one update after another. Below, drawn by {n} spikes of random cells: Self's link is no longer 1, "
    "and its errors double, until the row fades, or grows and is cut off (white)."
)
def rewriting(study: Study) -> Figure:
    figure, ax = panels("A\nB", height_in=3.6, sharex=True)
    names = ["Self", *(f"update {k}" for k in range(1, study.params.n_updates + 1))]
    for name, weights, title in (
        ("A", study.drawn.exact, "exact"),
        ("B", study.drawn.spiking, f"{study.drawn_spikes} spikes a row"),
    ):
        image = signed_map(ax[name], weights, names, title)
        image.set_clim(-1.5, 1.5)
        figure.colorbar(image, ax=ax[name], pad=0.01)
    ax["A"].set_xlabel("")
    return figure


@captioned(
    "(A) Cycles until Self's row is wrong when it is drawn by spikes, of at most {cycles}; mean over machines with "
    "its standard error. Dashed: linear theory for independent samples, half a cycle for each doubling. (B) Cycles "
    "of the counting program with both counts right, when its accumulator's own link is drawn."
)
def lives(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.2)
    n = np.array(study.params.spikes, dtype=float)
    for shift, (source, label) in zip((0.93, 1.0, 1.07), SOURCES.items(), strict=True):
        colour, marker = LOOKS[source]
        of = study.lives[source]
        budgets = range(len(n))
        look = {"color": colour, "fmt": marker, "ls": "-", "lw": 1}
        dots(ax["A"], shift * n, [of.life(i) for i in budgets], label=label, **look)
        dots(ax["B"], shift * n, [of.right(i) for i in budgets], **look)
    ax["A"].plot(n, expected_life(n), "--", color=MUTED, lw=1.2, label="linear theory")
    for each in ax.values():
        spikes_axis(each, study.params.spikes)
    ax["A"].set(ylabel="cycles", title="a program in Self's row", ylim=(0, None))
    ax["B"].set(ylabel="cycles with right counts", title="a drawn accumulator")
    percent_axis(ax["B"])
    legend_below(figure, ax["A"])
    return figure


def _short(name: str) -> str:
    """ "update-1 > self delta" of "identity.update-1.single > accum.self.delta"."""
    ends = [part.split(".") for part in name.split(" > ")]
    return " > ".join(" ".join(each[1:]).removesuffix(" single") for each in ends)
