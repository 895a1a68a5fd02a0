"""Figures of modulating-feedback: accuracy along a program, training, and reading through spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scenarios.modulating_feedback.learnt import KINDS, SPIKED
from scenarios.modulating_feedback.report import CELLS, Study
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import band, captioned, dots, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.statistics import mean_over_seeds
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["figures"]

COLOURS = dict(zip(KINDS, (SPIKING, SOFTMAX, SOFTMAX, SOFTMAX, CONTROL, INH, INK), strict=True))
LINES = {"longer": "--", "deeper": ":"}
SMOOTHED = 20  # iterations


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, learning, smoothed=SMOOTHED) | (
        pictures(study, spikes) if study.params.cells else {}
    )


@captioned(
    "(A) Printed values that are right, by the place of the print in the program: chains of steps get longer to "
    "the right. Grey: the most frequent value. (B) Loss while learning, mean over models and {smoothed} "
    "iterations, at equal steps."
)
def learning(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.9, width_ratios=[1.2, 1])
    places = np.arange(1, study.params.length + 1)
    for name, kind in KINDS.items():
        look: dict[str, Any] = {"color": COLOURS[name], "ls": LINES.get(name, "-")}
        right = [e.value for e in study.by_place(name)]
        thick = 2.4 if name in SPIKED else 1.2
        ax["A"].plot(places, _smooth(np.array(right)), lw=thick, label=kind.label, **look)
        losses = study.learnt[name].losses[:, : study.params.iterations]
        n = min(SMOOTHED, losses.shape[1])
        smooth = np.stack([np.convolve(of, np.full(n, 1 / n), "valid") for of in losses])
        band(ax["B"], np.arange(smooth.shape[1]) + n, smooth, axis=0, lw=thick, **look)
    ax["A"].axhline(study.guess, color=FLOOR, lw=1)
    ax["A"].set(xlabel="statement", ylabel="printed values right", ylim=(0, 1.03))
    ax["B"].set(xlabel="iteration", ylabel="loss (nat)", yscale="log")
    ax["A"].xaxis.set_major_locator(MaxNLocator(integer=True))
    plain_ticks(ax["B"], "y", [0.1, 0.2, 0.5, 1.0, 2.0])
    ax["B"].set_ylim(bottom=max(1e-3, ax["B"].dataLim.ymin))
    legend_below(figure, ax["A"], ncols=3)
    return figure


def _smooth(values: np.ndarray) -> np.ndarray:
    """Mean with both neighbours, of those that are known."""
    padded = np.concatenate([[np.nan], values, [np.nan]])
    around = np.stack([padded[:-2], padded[1:-1], padded[2:]])
    known = np.isfinite(around)
    total = np.where(known, around, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


@captioned(
    "Printed values that are right when the trained models attend through spikes; lines without points: exact "
    "attention."
)
def spikes(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.3, sharey=True)
    colours = dict(zip(CELLS, (SPIKING, SOFTMAX, FLOOR), strict=True))
    for letter, name in zip("AB", SPIKED, strict=True):
        for cells in study.params.cells:
            read = [mean_over_seeds(study.learnt[name].through((cells, n))) for n in study.params.spikes]
            dots(
                ax[letter],
                study.params.spikes,
                read,
                color=colours[cells],
                ls="-",
                lw=1.4,
                label=CELLS[cells],
            )
        ax[letter].axhline(study.right(name).value, color=MUTED, lw=1.2)
        ax[letter].set_title(KINDS[name].label)
        spikes_axis(ax[letter], study.params.spikes)
    ax["A"].set_ylabel("printed values right")
    legend_below(figure, ax["A"])
    return figure
