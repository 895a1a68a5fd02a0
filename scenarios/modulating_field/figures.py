"""Figures of modulating-field: the map of convergence, the price of a field, and fields from cycle to cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.modulating_field.measures import CYCLED, KINDS, SETTLED_nat
from scenarios.modulating_field.report import CELLS, SIGNS, Study
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, SOFTMAX, SPIKING

__all__ = ["figures"]

COLOURS = dict(zip(KINDS, (SPIKING, FLOOR, INH, CONTROL, SOFTMAX), strict=True))
FLOOR_nat = 1e-6  # changes below it are rounding


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    shown = pictures(study, convergence, help, passes=study.params.passes)
    return shown | (pictures(study, cycles) if study.cycled else {})


@captioned(
    "(A) Texts whose surprise no longer changes by more than a thousandth of a nat, for each strength and pass. "
    "(B) Median over texts of the largest change of any token's surprise, pass by pass; dashed: the strongest "
    "field, for as many passes as tokens."
)
def convergence(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.3, width_ratios=[1.15, 1])
    of = study.maps["surprise"]
    share = of.settled.mean(axis=2)  # (n_strengths, n_passes)
    image = ax["A"].imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto", origin="lower")
    for (row, at), value in np.ndenumerate(share):
        ax["A"].text(
            at,
            row,
            f"{value:.0%}".rstrip("%"),
            ha="center",
            va="center",
            fontsize=6,
            color="white" if value < 0.6 else INK,
        )
    ax["A"].set_yticks(range(len(of.strengths)), [f"{s:g}" for s in of.strengths])
    ax["A"].set_xticks(range(share.shape[1]), [str(k + 1) for k in range(share.shape[1])])
    ax["A"].set(xlabel="pass", ylabel="strength", title="texts at the fixed point (%)")
    ax["A"].grid(False)
    figure.colorbar(image, ax=ax["A"], pad=0.02)
    n = len(study.params.strengths)
    for i, strength in enumerate(study.params.strengths):
        change = np.median(of.change[of.at(strength)], axis=1)
        look: dict[str, Any] = {"color": SPIKING, "alpha": 0.25 + 0.75 * (i + 1) / n}
        ax["B"].plot(
            np.arange(1, len(change) + 1),
            np.maximum(change, FLOOR_nat),
            "o-",
            ms=3,
            label=f"{strength:g}",
            **look,
        )
    settling = np.median(study.settling, axis=1)
    ax["B"].plot(np.arange(1, len(settling) + 1), np.maximum(settling, FLOOR_nat), "--", color=INK, lw=1)
    ax["B"].axhline(SETTLED_nat, color=FLOOR, lw=1)
    ax["B"].set(yscale="log", xlabel="pass", ylabel="change of surprise (nat)", title="how fast")
    ax["B"].legend(fontsize=7, title="strength", title_fontsize=7)
    return figure


@captioned(
    "Rise of the loss over that without a field against the strength of the field, after {passes} passes; the "
    "right panel shows the weakest ones. Mean over texts with its standard error."
)
def help(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.4)
    near = study.params.strengths[: max(1, len(study.params.strengths) // 2)][-1]
    for kind, label in KINDS.items():
        of = study.maps[kind]
        rise = [mean(at) for at in of.rise[:, -1]]
        for name, inside in (("A", np.isfinite(of.strengths)), ("B", np.abs(of.strengths) <= near)):
            at = np.flatnonzero(inside)
            dots(
                ax[name],
                of.strengths[at],
                [rise[i] for i in at],
                color=COLOURS[kind],
                ls="-",
                lw=1.2,
                ms=3,
                label=label,
            )
    for each in ax.values():
        each.axhline(0, color=INK, lw=0.8)
        each.set(xlabel="strength", ylabel="rise in loss (nat)")
    legend_below(figure, ax["A"], ncols=3)
    return figure


@captioned(
    "Heads that spike for several cycles, with a field from the second cycle on. (A) Change of the loss, (B) of "
    "the overconfidence: probability of the choice less the share that is right. Filled: the field of the "
    "circuit's own noisy estimate; open: that of exact attention."
)
def cycles(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=4.4, sharey=True)
    _changes(ax["A"], study, "loss")
    _changes(ax["B"], study, "overconfidence")
    ax["A"].set_xlabel("change of loss (nat)")
    ax["B"].set_xlabel("change of overconfidence")
    legend_below(figure, ax["A"])
    return figure


def _changes(ax: Axes, study: Study, of: str) -> None:
    rows = [(kind, sign) for kind in CYCLED for sign in SIGNS]
    colours = dict(zip(CELLS, (SPIKING, SOFTMAX, FLOOR), strict=True))
    for shift, cells in enumerate(study.params.cells):
        for exact in (False, True):
            found = [study.apart(cells, kind, sign, exact, of) for kind, sign in rows]
            ax.errorbar(
                [e.value for e in found],
                np.arange(len(rows)) + 0.22 * (shift - 1) + 0.08 * exact,
                xerr=[e.error for e in found],
                fmt="o",
                ms=4.5,
                mfc="white" if exact else colours[cells],
                color=colours[cells],
                label=None if exact else CELLS[cells],
            )
    ax.axvline(0, color=INK, lw=0.8)
    ax.locator_params(axis="x", nbins=5)
    names = [f"{KINDS[kind]}\n{sign * study.params.cycle_strength:+g}" for kind, sign in rows]
    ax.set_yticks(range(len(rows)), names, fontsize=8)
