"""Figures of match-and-control: calcium and its threshold, success; totals, hits and silence of the circuits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from scenarios.match_and_control.measures import Study
from scenarios.match_and_control.pool import POOLS
from scenarios.match_and_control.spines import PUBLISHED
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = {"pool": SPIKING, "cut": CONTROL}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, spines, competition)


@captioned(
    "(A) Calcium of the matched axon and of all others after a match of 1 s, over the threshold. (B) Part of the "
    "key's spikes that the cell follows, and part of the cell's spikes that are spurious; crosses are published, "
    "lines are theory, bars are standard errors. Grey: the same key spikes at other times."
)
def spines(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.3)
    matched = study.spines.windows[1000.0].matched
    over = matched.calcium / matched.threshold
    bins = np.linspace(0, 3, 40).tolist()
    ax["A"].hist(over[:, 1:].ravel(), bins, density=True, color=FLOOR, alpha=0.7, label="others")
    ax["A"].hist(over[:, 0].clip(max=3), bins, density=True, color=SPIKING, alpha=0.7, label="matched")
    ax["A"].axvline(1, color=INK, lw=1)
    ax["A"].set(xlabel="calcium / threshold", ylabel="density", yscale="log")
    ax["A"].legend()
    windows = study.spines.windows
    x = [w / 1000 for w in windows]
    for at, (name, colour) in enumerate((("success", SPIKING), ("spurious", SOFTMAX))):
        ax["B"].plot(x, [w.theory[at] for w in windows.values()], color=colour, lw=1, alpha=0.6)
        dots(ax["B"], x, [mean((w.controlled.success, w.controlled.spurious)[at]) for w in windows.values()],
             color=colour, label=name)  # fmt: skip
        ax["B"].plot(x, [PUBLISHED[w][at] for w in windows], "x", color=INK, ms=8, label="published")
    dots(ax["B"], x, [w.untimed for w in windows.values()], color=FLOOR, label="times redrawn")
    ax["B"].set(xlabel="match window (s)", ylabel="part of spikes", ylim=(0, 1.02))
    legend_below(figure, ax["B"])
    return figure


@captioned(
    "Matched by coincidence. (A) Spikes of all axons in a row against the log of the summed exp(score), rows with "
    "a match and without one. (B) Hits of potentiated axons by the number of others that pass the threshold; the "
    "line is an equal share. (C) Spikes in rows without a match, over those in rows with one."
)
def competition(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.3, width_ratios=[1.4, 1.2, 0.8])
    for place, (pool, label) in enumerate(POOLS.items()):
        of, colour = study.competed["coincidence", pool], COLOURS[pool]
        evidence = logsumexp(np.concatenate([of.scores, of.absent_scores]), axis=1)
        totals = np.concatenate([of.counts, of.absent_counts]).sum(axis=1)
        ax["A"].plot(
            evidence, np.maximum(totals, 0.5), "o", ms=3, mew=0, alpha=0.5, color=colour, label=label
        )
        hits = [of.hit[of.passed & (of.rivals == n)] for n in (0, 1)] + [of.hit[of.passed & (of.rivals > 1)]]
        dots(ax["B"], np.arange(3) + 0.12 * place - 0.06, [mean(hit) for hit in hits], color=colour)
        dots(ax["C"], [place], [of.without_match], color=colour)
    ax["A"].set(xlabel="log summed exp(score)", ylabel="spikes of a row", yscale="log")
    ax["B"].plot(range(3), [1, 1 / 2, 1 / 3], color=MUTED, lw=1, label="equal share")
    ax["B"].set_xticks(range(3), ["0", "1", "2 or more"])
    ax["B"].set(xlabel="other axons over threshold", ylabel="hits", ylim=(0, 1.05))
    ax["C"].set_xticks(range(2), ["pool", "no pool"])
    ax["C"].set(xlim=(-0.6, 1.6), ylim=(0, 1.05), ylabel="spikes without match / with")
    legend_below(figure, ax["A"], ax["B"])
    return figure
