"""Figures of regular-or-random: turns to look at, the error along each curve, and the rhythm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import NullLocator
from scipy.special import softmax

from scenarios.regular_or_random.measures import CURVES, Study
from scenarios.workbench.competition import Competition
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
from scenarios.workbench.rasters import draw_raster
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = {"regular": SPIKING, "own phases": CONTROL, "random": FLOOR, "one cell": INH}
LABELS = {
    "regular": "regular, a key's cells in turn",
    "own phases": "regular, each cell at its own phase",
    "random": "random",
    "one cell": "one cell a key",
}
LOG = ("spikes", "keys", "spread", "cells")


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, turns, error, rhythm)


@captioned(
    "The same scores, one row each: cells that fire at random and cells that fire in turn, under the same loop. "
    "Colours are keys, the strongest below; the I cells' spikes are in the band at the bottom. (C) Spikes of "
    "each key against what the softmax expects."
)
def turns(study: Study) -> Figure:
    figure, ax = panels("AC\nBC", height_in=4.6, width_ratios=[2.3, 1], sharex=False)
    for name, (kind, (scores, selection)) in zip("AB", study.watched.items(), strict=True):
        order = np.arange(scores.shape[1])
        labels = [f"{score:.1f}" for score in scores[0]]
        draw_raster(ax[name], selection, 0, order=order, labels=labels, window_ms=selection.duration_ms)
        ax[name].set(title=f"{kind} cells", ylabel="score of the key")
        expected = softmax(scores, axis=1)[0] * selection.counts[0].sum()
        ax["C"].plot(expected, selection.counts[0], "o", color=COLOURS[kind], ms=6, label=f"{kind} cells")
    top = 1.1 * ax["C"].get_xlim()[1]
    ax["A"].set_xlabel("")
    ax["C"].plot([0, top], [0, top], color=MUTED, lw=0.8, zorder=0)
    ax["C"].set(xlabel="expected spikes", ylabel="spikes", title="counts")
    ax["C"].legend(loc="upper left")
    return figure


@captioned(
    "Squared error of the spike shares over that of as many independent samples of the softmax (1: dotted), each "
    "panel varying one thing: (A) the budget, (B) keys, (C) spread of scores, (D) cells a key, (E) regularity of "
    "the thresholds, (F) unequal rates and jittered phases of a key's cells. Dashed: systematic sampling, which "
    "no unbiased whole counts can beat. Bars are standard errors."
)
def error(study: Study) -> Figure:
    figure, ax = panels("ABC\nDEF", height_in=5.2)
    for name, curve, kinds in (
        ("A", "spikes", ("regular", "own phases", "random")),
        ("B", "keys", ("regular", "random")),
        ("C", "spread", ("regular", "random")),
        ("D", "cells", ("regular", "own phases")),
        ("E", "shape", ("regular", "one cell")),
    ):
        for kind in kinds:
            _along(ax[name], study, curve, kind)
        least = study.along(curve)
        ax[name].plot(
            _places(least),
            [p.least for p in least],
            color=INK,
            lw=1.2,
            ls="--",
            zorder=3,
            label="systematic sampling",
        )
        ax[name].set_xlabel(CURVES[curve])
    _along(ax["F"], study, "rate_spread", "regular", label="unequal rates (s.d. of log)", color=SOFTMAX)
    _along(ax["F"], study, "jitter", "regular", label="jittered phases (spacings)", color=INK)
    ax["F"].set_xscale("symlog", linthresh=0.05)
    ax["F"].set_xlim(-0.005, 3)
    plain_ticks(ax["F"], "x", [0, 0.1, 0.3, 1, 2])
    ax["F"].xaxis.set_minor_locator(NullLocator())
    ax["F"].set_xlabel("size of the disturbance")
    shapes = [f"{p.case.x:g}".replace("inf", "∞") for p in study.along("shape")]
    ax["E"].set_xticks(_places(study.along("shape")), shapes)
    for each in ax.values():
        each.axhline(1, color=MUTED, lw=1, ls=":")
        each.set(yscale="log")
        plain_ticks(each, "y", [0.01, 0.03, 0.1, 0.3, 1])
        each.yaxis.set_minor_locator(NullLocator())
    for name in "AD":
        ax[name].set_ylabel("error / sampling error")
    legend_below(figure, *ax.values(), ncols=3)
    return figure


def _along(ax: Axes, study: Study, curve: str, kind: str, **look: Any) -> None:
    points = study.along(curve, kind)
    settings = {"color": COLOURS[kind], "label": LABELS[kind], "fmt": "o-", "lw": 1.3} | look
    dots(ax, _places(points), [p.error for p in points], **settings)
    if curve in LOG:
        ax.set_xscale("log")
        plain_ticks(ax, "x", sorted({p.case.x for p in points}))
        ax.xaxis.set_minor_locator(NullLocator())


def _places(points: list[Any]) -> list[float]:
    """Where points stand; shapes one after another, since the last is infinite."""
    if points[0].case.curve == "shape":
        return [float(n) for n in range(len(points))]
    return [p.case.x for p in points]


@captioned(
    "(A) Power of the row's spikes over that of random ones at the same rate, mean over rows; regular cells, with "
    "the loop and without it at the same rate. (B) Rows with a peak of that spectrum, and rows whose keys and I "
    "cells share a rhythm: a key whose cells take turns has a beat, but no other key shares it. (C) Spread of the "
    "rows' totals. No feedforward inhibition; bars are standard errors."
)
def rhythm(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.1, width_ratios=[1.3, 1.2, 1])
    looks = {"loop": (SPIKING, "loop"), "matched": (CONTROL, "no loop, same rate")}
    for name, (colour, label) in looks.items():
        frequency_Hz, power = _spectrum(study, name)
        ax["A"].plot(frequency_Hz, power, color=colour, label=label)
    ax["A"].set(
        xlim=(5, 120), ylim=(0.02, 60), yscale="log", xlabel="frequency (Hz)", ylabel="power / random spikes'"
    )
    plain_ticks(ax["A"], "y", [0.1, 1, 10])
    rng = np.random.default_rng(0)  # of the bars in C
    for shift, (name, (colour, label)) in zip((-0.15, 0.15), looks.items(), strict=True):
        rows = [getattr(study.beats[k], m)(name) for m in ("peaked", "shared") for k in ("regular", "random")]
        dots(ax["B"], np.arange(4) + shift, rows, color=colour, label=label)
        held = [study.beats[kind].unsteady(name, rng) for kind in ("regular", "random")]
        dots(ax["C"], np.arange(2) + shift, held, color=colour)
    ax["B"].set_xticks(
        range(4), ["peak,\nregular", "peak,\nrandom", "shared,\nregular", "shared,\nrandom"], fontsize=8
    )
    ax["B"].set_ylabel("rows")
    percent_axis(ax["B"])
    ax["B"].set_ylim(-0.04, 1.04)
    ax["C"].set_xticks(range(2), ["regular", "random"])
    ax["C"].set(xlim=(-0.5, 1.5), yscale="log", ylabel="spread of totals (CV)")
    plain_ticks(ax["C"], "y", [0.05, 0.1, 0.2, 0.5, 1])
    legend_below(figure, ax["A"])
    return figure


def _spectrum(study: Study, name: str) -> tuple[np.ndarray, np.ndarray]:
    beat = study.beats["regular"]
    frequency_Hz, power = Competition(
        selection=beat.ran[name], scores=beat.scores, reference_Hz=np.nan
    ).relative_spectrum()
    return frequency_Hz, np.nanmean(power, axis=0)
