"""Figures of which-law: how far each circuit is from a softmax, and what its cells' rate predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.which_law.measures import BINS, Study
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

FAMILIES = {  # by how a circuit's name begins
    "exponential": SOFTMAX,
    "regular": SOFTMAX,
    "sigmoid": CONTROL,
    "power": CONTROL,
    "lif": SPIKING,
    "adex": INH,
    "traub": INK,
}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, laws, rates)


def _colour(name: str) -> str:
    return next(colour for start, colour in FAMILIES.items() if name.startswith(start))


@captioned(
    "(A) Total variation to the nearest softmax that infinitely many spikes would leave; bars are standard "
    "errors, uniform weights lie to the right. (B) Nats per 1000 spikes by which the softmax is behind the "
    "best law, named at the right. (C) Score below the row's best up to which keys get a softmax's spikes, to a "
    "fifth. Blue: cells whose rate is exponential."
)
def laws(study: Study) -> Figure:
    names = list(study.measured)
    measured = [study.measured[name] for name in names]
    figure, ax = panels("ABC", height_in=0.6 + 0.27 * len(names), sharey=True, width_ratios=[1, 1.15, 0.8])
    y = np.arange(len(names))[::-1]
    for name, m, at in zip(names, measured, y, strict=True):
        look: dict[str, Any] = {"color": _colour(name), "fmt": "o", "ms": 5}
        ax["A"].errorbar(m.left.value, at, xerr=m.left.error, **look)
        ax["B"].errorbar(max(m.behind.value, 0), at, xerr=m.behind.error, **look)
        ax["B"].annotate(
            m.fitted.best.law.name, (1, at), xycoords=("axes fraction", "data"), xytext=(-2, 0),
            textcoords="offset points", ha="right", va="center", color=MUTED, fontsize=8,
        )  # fmt: skip
        ax["C"].barh(at, m.holds, 0.6, color=_colour(name))
    ax["A"].set_yticks(y, [m.kind.label for m in measured], fontsize=8.5)
    ax["A"].axvline(0, color=MUTED, ls=":", lw=1)
    ax["A"].annotate(
        f"uniform {study.uniform:.2f} →", (1, 1.01), xycoords="axes fraction", ha="right", va="bottom",
        color=FLOOR, fontsize=8,
    )  # fmt: skip
    ax["A"].set_xlabel("total variation left")
    ax["B"].set_xscale("symlog", linthresh=1)
    ax["B"].set_xlim(-0.6, 3000)
    plain_ticks(ax["B"], "x", [0, 1, 10, 100])
    ax["B"].set_xlabel("behind (nat / 1000 spikes)")
    ax["C"].set_xlabel("holds to (scores)")
    return figure


@captioned(
    "(A) Rate of a lone key without the loop against its input, in scores; circles: the input that the loop leaves "
    "to a row's strongest key. A straight line is an exponential. (B) Spikes over a softmax's, by score below the "
    "row's best; within the grey band the softmax holds. (C) Beta at gain 1, as the slope of the log rates at the "
    "circles' inputs predicts it and as it is measured."
)
def rates(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.4)
    middle = (BINS[1:] + BINS[:-1]) / 2
    for name, m in study.measured.items():
        colour = _colour(name)
        if not m.kind.changed:
            assert m.curve is not None
            rate = np.where(m.curve.rate_Hz > m.curve.rate_Hz.min(), m.curve.rate_Hz, np.nan)
            ax["A"].plot(m.curve.x, rate, color=colour, lw=1.4, label=m.kind.label)
            ax["A"].plot(m.offset, m.curve.at(np.array([m.offset])), "o", color=colour, ms=5)
            ax["B"].errorbar(middle, m.ratio, yerr=m.ratio_error, color=colour, fmt="o-", ms=3, lw=1.1)
        ax["C"].errorbar(m.static, m.native.value, yerr=m.native.error, color=colour, fmt="o", ms=5)
    ax["A"].set(yscale="log", xlabel="input less the drive (scores)", ylabel="rate of a key (Hz)")
    ax["B"].axhspan(0.8, 1.2, color=FLOOR, alpha=0.2, lw=0)
    ax["B"].set(yscale="log", ylim=(0.2, 2.5), xlabel="score below the best", ylabel="spikes / softmax's")
    plain_ticks(ax["B"], "y", [0.25, 0.5, 1, 2])
    betas = [value for m in study.measured.values() for value in (m.static, m.native.value)]
    ends = np.nanmin(betas) * 0.8, np.nanmax(betas) * 1.15
    ax["C"].plot(ends, ends, color=MUTED, lw=0.8, zorder=0)
    ax["C"].set(xlabel="beta, predicted", ylabel="beta, measured", xlim=ends, ylim=ends)
    legend_below(figure, ax["A"], ncols=4)
    return figure
