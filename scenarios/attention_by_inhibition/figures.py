"""Figures of attention-by-inhibition: the rhythm and the rival, and the laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.attention_by_inhibition.laws import SHIPPED
from scenarios.attention_by_inhibition.measures import NAMES, Study
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING
from spiking import Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = {"attended": SPIKING, "unattended": CONTROL, "gain": INK, "smooth": FLOOR, SHIPPED: SOFTMAX}
SHOWN_ms = 250.0


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, rhythm, rivals, laws)


@captioned(
    "One row with two assemblies, unattended (A) and attended (B): spikes of the stronger (orange), the weaker "
    "(blue) and the I cells (purple). (C) Locking of the I cells to the rhythm of one driven assembly against "
    "their inhibition, and the same cells shifted in time. (D) Rates of the driven E cells and the I cells."
)
def rhythm(study: Study) -> Figure:
    figure, ax = panels("AB\nCD", height_in=5.0)
    for letter, name in (("A", "unattended"), ("B", "attended")):
        _raster(ax[letter], study.rivalry[name].shown, study.circuits[name].n_cells)
        ax[letter].set_title(NAMES[name])
    baths = study.params.baths
    dots(ax["C"], baths, [mean(c.locking) for c in study.coherent], color=INH, fmt="o-", label="I cells")
    dots(ax["C"], baths, [mean(c.by_chance) for c in study.coherent], color=FLOOR, fmt="o-", label="shifted")
    dots(ax["D"], baths, [mean(c.exc_Hz) for c in study.coherent], color=SPIKING, fmt="o-", label="E cells")
    dots(ax["D"], baths, [mean(c.inh_Hz) for c in study.coherent], color=INH, fmt="o-", label="I cells")
    for letter, label, top in (("C", "vector strength", 1.0), ("D", "rate (Hz)", None)):
        ax[letter].set(xlabel="inhibition of the I cells (µA/cm²)", ylabel=label, ylim=(0, top))
        ax[letter].legend(fontsize=8)
    return figure


def _raster(ax: Axes, shown: Selection, n_cells: int) -> None:
    """The first row: strongest assembly at the bottom, then the rival, then the I cells."""
    inh, exc = shown.other_spikes["inh"], shown.spikes.of_row(0)
    for assembly, colour in enumerate((SPIKING, SOFTMAX)):
        own = exc.key == assembly
        ax.plot(exc.time_ms[own], assembly * n_cells + exc.cell[own], ".", ms=2.5, color=colour)
    own = inh.row == 0
    ax.plot(inh.time_ms[own], 2 * n_cells + inh.cell[own], ".", ms=2.5, color=INH)
    ax.set(xlim=(0, min(SHOWN_ms, shown.duration_ms)), xlabel="time (ms)", ylabel="cell")


@captioned(
    "(A) Rate of the weaker assembly against its contrast to the stronger: next to it (full) and alone (dashed). "
    "(B) Part of its spikes that is lost to the stronger. Black line: part that theory expects of the attended "
    "circuit, from the lag of its I cells and the rheobase."
)
def rivals(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.4)
    contrasts = study.params.contrasts
    for name, rivalry in study.rivalry.items():
        look = {"color": COLOURS[name], "ms": 4}
        dots(ax["A"], contrasts, [mean(r) for r in rivalry.rival_Hz], fmt="o-", label=NAMES[name], **look)
        dots(ax["A"], contrasts, [mean(r) for r in rivalry.alone_Hz], fmt="o--", mfc="none", lw=0.9, **look)
        dots(ax["B"], contrasts, study.suppressed[name], fmt="o-", **look)
    ax["B"].plot(contrasts, 1 - study.theory.left, color=MUTED, lw=1.4, zorder=0)
    ax["A"].set(xlabel="contrast (scores)", ylabel="rate of the weaker (Hz)")
    ax["B"].set(xlabel="contrast (scores)", ylabel="part of spikes lost", ylim=(-0.25, 1.05))
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "(A) A key's spikes over those of its row's best key, against the score below it; means over equal parts of "
    "the keys, none where they have no spikes. A straight line is a softmax. (B) Nats per 1000 held-out spikes by "
    "which the softmax is behind the best law, named at the right."
)
def laws(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.2)
    for name, law in study.laws.items():
        below = law.scores.max(axis=1, keepdims=True) - law.scores
        best = np.take_along_axis(law.counts, law.scores.argmax(axis=1)[:, None], axis=1)
        known = (below > 0) & (best > 0)
        x, y = below[known], (law.counts / np.maximum(best, 1))[known]
        parts = np.array_split(np.argsort(x), min(8, len(x)))
        middle = [(np.median(x[part]), y[part].mean() or np.nan) for part in parts if len(part)]
        ax["A"].plot(*np.transpose(middle), "o-", ms=4, color=COLOURS[name], label=NAMES[name])
    ax["A"].set(yscale="log", xlabel="score below the best", ylabel="spikes / best key's")
    at = np.arange(len(study.laws))[::-1]
    for y_at, (name, law) in zip(at, study.laws.items(), strict=True):
        ax["B"].errorbar(law.behind.value, y_at, xerr=law.behind.error, fmt="o", color=COLOURS[name])
        ax["B"].annotate(
            law.fitted.best.law.name, (1, y_at), xycoords=("axes fraction", "data"), ha="right", va="bottom",
            color=MUTED, fontsize=8,
        )  # fmt: skip
    ax["B"].set_yticks(at, [NAMES[name] for name in study.laws], fontsize=8.5)
    ax["B"].set_xlim(right=1.4 * ax["B"].get_xlim()[1])  # room for the names
    ax["B"].set_xlabel("behind (nat / 1000 spikes)")
    legend_below(figure, ax["A"], ncols=3)
    return figure
