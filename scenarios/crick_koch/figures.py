"""Figures of crick-koch: the spotlight's path, and what is left when I cells are knocked down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, panels, percent_axis, pictures
from scenarios.workbench.style import CONTROL, FLOOR, INH, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from scenarios.crick_koch.measures import Study

__all__ = ["figures"]


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, proposals)


@captioned(
    "(A) The spotlight on one saliency map: bars are scores, the line the places that volley after volley selects, "
    "under inhibition of return. (B) Rows whose attended item is told: from the burst's spikes, and from "
    "facilitation after the delay, with the loop and without it at the same rate; dotted: chance. (C) I cells "
    "knocked down: rows with a gamma rhythm, and spread of totals. (D) Colours that call up their shape, against "
    "how often every pair was shown: learnt with the loop and asked with it or without, learnt and asked without; "
    "dotted: chance."
)
def proposals(study: Study) -> Figure:
    figure, ax = panels("AABB\nCCDD", height_in=6.0)
    visits, memory = study.visits, study.memory
    row = int(np.argmax(np.ptp(visits.scores, axis=1)))
    order = np.argsort(-visits.scores[row])
    place_of = np.argsort(order)
    n = len(order)
    ax["A"].bar(range(n), visits.scores[row][order], 0.7, color=FLOOR, alpha=0.35, lw=0)
    path = place_of[visits.visited[row]]
    top = float(visits.scores[row].max())
    height = top + 0.5 + 0.35 * np.arange(len(path))
    ax["A"].plot(path, height, "o-", color=SPIKING, lw=1, ms=5)
    ax["A"].set(xlabel="place, by saliency", ylabel="score; above: visits upwards")
    ax["A"].set_xticks(range(n), [str(i + 1) for i in range(n)])
    for shift, (name, colour, label) in zip(
        (-0.12, 0.12), (("gamma", SPIKING, "loop"), ("off", CONTROL, "no loop, same rate")), strict=True
    ):
        told = [memory.at_once(name), memory.success(name)]
        dots(ax["B"], np.arange(2) + shift, told, color=colour, label=label)
    ax["B"].axhline(1 / study.params.n_keys, color=MUTED, ls=":", lw=1)
    ax["B"].set_xticks([0, 1], ["burst", "after\nthe delay"])
    ax["B"].set(xlim=(-0.5, 1.5), ylabel="item told")
    percent_axis(ax["B"])
    ax["B"].legend(loc="center left", fontsize=8)
    left = [k.left for k in study.knocked]
    dots(ax["C"], left, [k.rhythmic for k in study.knocked], color=SOFTMAX, fmt="o-", label="rhythm")
    dots(ax["C"], left, [k.unsteady for k in study.knocked], color=INH, fmt="s-", label="spread of totals")
    ax["C"].set(xlabel="I cells left", ylabel="rows; CV", ylim=(-0.03, None))
    ax["C"].legend(loc="center right", fontsize=8)
    lessons = study.lessons
    arms = (
        ("loop", "loop", "loop", SPIKING),
        ("loop", "off", "asked without", CONTROL),
        ("off", "off", "learnt without", SOFTMAX),
        ("in turn", "off", "all shapes in turn", FLOOR),
    )
    for taught, asked, label, colour in arms:
        each = [lessons.success(taught, asked, at) for at in range(len(lessons.showings))]
        dots(ax["D"], lessons.showings, each, color=colour, fmt="o-", label=label)
    ax["D"].axhline(1 / lessons.n_pairs, color=MUTED, ls=":", lw=1)
    ax["D"].set(xlabel="showings of every pair", ylabel="shapes called up", ylim=(0, 1.05))
    ax["D"].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)
    return figure
