"""Figures of gamma-filter: what the network passes, and the law of phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.gamma_filter.laws import LAWS
from scenarios.gamma_filter.measures import Study
from scenarios.gamma_filter.passing import CONDITIONS
from scenarios.gamma_filter.phases import RECEIVERS
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.rasters import key_colours
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

N_BINS = 18  # of lags
TITLES = {"filter": "input-driven inhibition", "steady": "constant inhibition", "without": "no inhibition"}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, passing, phases)


@captioned(
    "Rate of E cells against the amplitude of the input's rhythm, for each mean rate, (A) with the inhibition that "
    "the input drives, (B) with constant inhibition in proportion to its mean, (C) without; (D) with all of the "
    "input modulated, against its frequency. Means and standard errors over networks."
)
def passing(study: Study) -> Figure:
    figure, ax = panels("AB\nCD", height_in=5.0)
    params = study.params
    colours = key_colours(len(params.dcs))
    for name, at in zip(CONDITIONS, "ABC", strict=True):
        for dc, rates, colour in zip(params.dcs, study.passed.rate_Hz[name], colours, strict=True):
            dots(ax[at], params.acs, [mean(r) for r in rates], color=colour, fmt="o-", label=f"DC {dc:g} Hz")
        ax[at].set(xlabel="AC (Hz)", ylabel="E rate (Hz)", ylim=(0, None), title=TITLES[name])
    dots(ax["D"], params.frequencies, [mean(r) for r in study.passed.tuning_Hz], fmt="o-")
    ax["D"].set(xlabel="frequency of the input (Hz)", ylabel="E rate (Hz)", ylim=(0, None))
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "(A) Spikes of a sender's cells over the mean sender's, against its lag after the query's rhythm, and what "
    "three fitted laws make of the same rows. (B) Concentration against that of the query's rhythm. (C) The same "
    "against the senders' concentration, (D) and against the decay of inhibition. Bars are standard errors."
)
def phases(study: Study) -> Figure:
    figure, ax = panels("AAB\nCDB", height_in=5.2, width_ratios=[1, 1, 1.4])
    _law(ax["A"], study)
    looks = dict(zip(RECEIVERS, (SPIKING, INH, CONTROL), strict=True))
    for name, colour in looks.items():
        dots(
            ax["B"],
            study.params.queries,
            study.kappas(name),
            color=colour,
            fmt="o-",
            label=RECEIVERS[name][1],
        )
    ax["B"].set(xlabel="concentration of the query's rhythm", ylabel="concentration over lags")
    dots(ax["C"], study.params.senders, [s.kappa for s in study.heard.by_sender.values()], fmt="o-")
    ax["C"].set(xlabel="senders' concentration", ylabel="concentration over lags", ylim=(0, None))
    dots(ax["D"], study.params.taus, [s.kappa for s in study.heard.by_tau.values()], fmt="o-")
    ax["D"].set(xlabel="decay of inhibition (ms)", ylim=(0, None))
    legend_below(figure, ax["A"], ax["B"], ncols=3)
    return figure


def _law(ax: Axes, study: Study) -> None:
    """Laws as they share out the same rows' spikes, since a key's share depends on the other keys of its row."""
    shown, fitted = study.heard.shown, study.heard.laws.fitted
    edges = np.linspace(-np.pi, np.pi, N_BINS + 1)
    bins = np.digitize(shown.lag_rad.ravel(), edges[1:-1])
    middle = np.degrees(edges[:-1] + edges[1:]) / 2
    spikes = shown.counts.sum(axis=1, keepdims=True)

    def by_lag(counts: np.ndarray) -> list[Estimate]:
        times = (counts / shown.counts.mean()).ravel()
        return [mean(times[bins == b]) for b in range(N_BINS)]

    dots(ax, middle, by_lag(shown.counts), color=INK, ms=4, label="spikes")
    for name, colour in zip(("von_mises", "cosine", "box"), (SPIKING, SOFTMAX, FLOOR), strict=True):
        expected = spikes * LAWS[name].share(shown.lag_rad, *fitted[name])
        ax.plot(middle, [e.value for e in by_lag(expected)], color=colour, label=LAWS[name].words)
    ax.axhline(1, color=MUTED, lw=0.8, zorder=0)
    ax.set(xlabel="lag after the query (degrees)", ylabel="spikes over mean", xticks=range(-180, 181, 90))
