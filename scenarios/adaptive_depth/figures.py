"""Figures of adaptive-depth: walks to a lead, choices and spikes against theory, many keys, thinking time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from scenarios.adaptive_depth.lead import Walk, wald_choice, wald_spikes
from scenarios.adaptive_depth.numbers import NAMES, Study
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import (
    captioned,
    dots,
    legend_below,
    panels,
    percent_axis,
    pictures,
    plain_ticks,
)
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

HEADS = {
    "softmax": (SOFTMAX, "softmax"),
    "sampled": (FLOOR, "samples"),
    "spiking": (SPIKING, "spikes"),
    "lead": (INH, "until one key leads"),
    "equal": (CONTROL, "as many in the mean"),
}
HALTINGS = {"ponder": (SPIKING, "o-"), "act": (INK, "s--")}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    drawn = pictures(study, decisions, lead=study.params.lead, trained=study.params.most_signs)
    drawn |= pictures(study, thinking, trained=study.params.most_signs)
    return drawn | pictures(study, crowds, lead=study.params.lead)


@captioned(
    "(A) Two keys race in the circuit: the better key's spikes minus the other's, a line a row, until one "
    "leads by {lead}; blue, scores far apart; red, close. (B) Choices of the better key and (C) spikes "
    "until then against the lead, for each difference of scores; lines are Wald's law. (D) Right choices "
    "over all these rows against spikes per row: until one key leads, and the same number for every row; "
    "cells that fire at random and in turn. Bars are standard errors."
)
def decisions(study: Study) -> Figure:
    figure, ax = panels("AB\nCD", height_in=5.6)
    _walks(ax["A"], study.races.walks, study.params.lead)
    _law(ax["B"], ax["C"], study)
    for kind, colour in (("random", SPIKING), ("regular", SOFTMAX)):
        _price(ax["D"], study, kind, colour)
    ax["D"].set(ylabel="right choices")
    ax["D"].legend(loc="lower right", fontsize=8)
    return figure


def _walks(ax: Axes, walks: Sequence[Walk], lead: int) -> None:
    """The lead after each spike; lines are moved apart a little, so that those on top of each other show."""
    for number, walk in enumerate(walks):
        colour = SOFTMAX if walk.gap == max(each.gap for each in walks) else SPIKING
        shift = 0.04 * (number % 7 - 3)
        ax.plot(walk.lead + shift, color=colour, lw=1.1, alpha=0.7)
        ax.plot(len(walk.lead) - 1, walk.lead[-1] + shift, "o", color=colour, ms=3.5)
    for side in (-lead, lead):
        ax.axhline(side, color=INK, lw=1)
    for gap, colour in zip(sorted({w.gap for w in walks}), (SPIKING, SOFTMAX), strict=False):
        ax.plot([], [], color=colour, label=f"scores {gap:g} apart")
    ax.axhline(0, color=MUTED, lw=0.8, ls=":")
    ax.set(xlabel="spikes of the row", ylabel="lead of the better key", title="spikes as thought")
    ax.legend(loc="lower right", fontsize=8)


def _law(choice: Axes, spent: Axes, study: Study) -> None:
    """Choices and spikes of random cells against the lead."""
    races, gaps = study.races, sorted(study.params.gaps)
    leads = sorted({lead for _, lead in races.led})
    shades = [SOFTMAX, CONTROL, SPIKING, INH, INK, FLOOR]
    for gap, colour in zip(gaps, shades * len(gaps), strict=False):
        led = [races.at(races.led["random", lead], gap) for lead in leads]
        choice.plot(leads, [wald_choice(gap, lead) for lead in leads], color=colour, lw=1.2)
        dots(choice, leads, [each.accuracy for each in led], color=colour, label=f"{gap:g} apart")
        spent.plot(leads, [wald_spikes(gap, lead) for lead in leads], color=colour, lw=1.2)
        dots(spent, leads, [mean(each.spikes) for each in led], color=colour, label=f"{gap:g} apart")
    for ax in (choice, spent):
        ax.set_xticks(leads)
        ax.set_xlabel("lead at which a row stops (spikes)")
    choice.set(ylabel="choices of the better key")
    spent.set(ylabel="spikes of the row", yscale="log")
    plain_ticks(spent, "y", [1, 2, 5, 10, 20, 50, 100])
    choice.legend(loc="lower right", fontsize=8)


def _price(ax: Axes, study: Study, kind: str, colour: str) -> None:
    """Accuracy against spikes of both ways to spend them."""
    races = study.races
    led = [each for (k, _), each in sorted(races.led.items()) if k == kind]
    fixed = [(n, each) for (k, n), each in sorted(races.fixed.items()) if k == kind]
    leads, budgets = [float(each.spikes.mean()) for each in led], [n for n, _ in fixed]
    cells = "at random" if kind == "random" else "in turn"
    dots(ax, leads, [e.accuracy for e in led], fmt="o-", color=colour, label=f"until one leads, {cells}")
    look = {"fmt": "s--", "mfc": "none", "lw": 1.2, "color": colour}
    dots(ax, budgets, [e.accuracy for _, e in fixed], label=f"fixed number, {cells}", **look)
    spikes_axis(ax, [n for n in study.params.budgets if n < 4096])


@captioned(
    "A transformer applies one block until it halts; it is asked for the parity of 1, 2, ... signs. (A) "
    "Steps that it takes. (B) Probability of a right answer, with exact softmax. (C) The same with other "
    "heads, in the machine that was trained first. Right of the dotted line are more signs than training "
    "showed (at most {trained}); bars are standard errors."
)
def thinking(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.4)
    signs = np.arange(1, study.params.n_places + 1)
    for ponder in study.ponders:
        colour, fmt = HALTINGS[ponder.halting]
        look = {"color": colour, "fmt": fmt, "lw": 1.4, "label": NAMES[ponder.halting]}
        dots(ax["A"], signs, ponder.softmax.along("steps"), **look)
        dots(ax["B"], signs, ponder.softmax.along("right"), **look)
    for kind, thought in study.ponders[0].thoughts.items():
        colour, label = HEADS[kind]
        dots(ax["C"], signs, thought.along("right"), color=colour, fmt="o-", lw=1.2, label=label)
    for name in "ABC":
        if study.params.most_signs < study.params.n_places:
            ax[name].axvline(study.params.most_signs + 0.5, color=MUTED, lw=1, ls=":")
        ax[name].set_xlabel("signs in the sequence")
    for name in "BC":
        percent_axis(ax[name])
        ax[name].axhline(0.5, color=FLOOR, lw=1)
        ax[name].set_ylim(0.4, 1.03)
    ax["A"].set(ylabel="steps", title="thinking time")
    ax["B"].set_title("right answers")
    ax["C"].set_title("with other heads")
    legend_below(figure, ax["A"], ax["C"], ncols=4)
    return figure


@captioned(
    "(A) More than two keys, until one leads the runner-up by {lead}: inverse temperature of the softmax "
    "that fits the choices, over the lead (1: the law of two keys). (B) Distance of the choices to the "
    "softmax at temperature 1/{lead}: in the circuit, of leads of independent samples, of as many exact "
    "choices. (C) Rows of MiniLM's attention: spikes until one key leads against the entropy of the "
    "softmax; darker, more rows; line, the mean."
)
def crowds(study: Study) -> Figure:
    attention, races = study.attention, study.races
    figure, ax = panels("AB" if attention is None else "ABC", height_in=3.2)
    n_keys = [crowd.n_keys for crowd in races.crowds]
    dots(ax["A"], n_keys, [crowd.beta for crowd in races.crowds], fmt="o-")
    ax["A"].axhline(1, color=SOFTMAX, lw=1.2)
    ax["A"].set(ylabel="fitted inverse temperature / lead")
    for name, label, colour in (
        ("distance", "circuit", SPIKING),
        ("twin", "independent samples", CONTROL),
        ("floor", "exact choices", FLOOR),
    ):
        ax["B"].plot(
            n_keys, [getattr(crowd, name) for crowd in races.crowds], "o-", color=colour, label=label
        )
    ax["B"].set(ylabel="total variation to softmax", ylim=(0, None))
    ax["B"].legend(fontsize=8)
    for name in "AB":
        ax[name].set(xscale="log", xlabel="keys")
        plain_ticks(ax[name], "x", n_keys)
        ax[name].minorticks_off()
    if attention is not None:
        _entropy(ax["C"], attention.entropy, attention.spikes)
    return figure


def _entropy(ax: Axes, entropy: np.ndarray, spikes: np.ndarray) -> None:
    """A cloud of rows and its mean in ten bins of as many rows."""
    ax.hexbin(entropy, spikes, gridsize=28, yscale="log", bins="log", cmap="Oranges", mincnt=1, lw=0)
    bins = [part for part in np.array_split(np.argsort(entropy), 10) if len(part)]
    ax.plot(
        [entropy[b].mean() for b in bins], [spikes[b].mean() for b in bins], "o-", color=INK, lw=1.4, ms=3.5
    )
    ax.set(xlabel="entropy (nat)", ylabel="spikes until one key leads")
    plain_ticks(ax, "y", [t for t in (4, 8, 16, 32, 64, 128, 256, 512) if t <= 1.2 * spikes.max()])
