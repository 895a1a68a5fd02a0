"""Figures of what-gamma-buys: totals and their spread, error against spikes, decisions, and the onset."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import logsumexp

from bridge.comparison.sampling import total_variation_floor
from scenarios.what_gamma_buys.measures import LABELS, Study
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import (
    captioned,
    headroom,
    legend_below,
    panels,
    percent_axis,
    pictures,
    plain_ticks,
)
from scenarios.workbench.style import CONTROL, FLOOR, INH, MUTED, SPIKING
from scenarios.workbench.tables import named

__all__ = ["figures"]

COLOURS = {"loop": SPIKING, "matched": CONTROL, "slow": INH}
LOOKS: dict[str, dict[str, Any]] = {name: {"color": COLOURS[name], "label": LABELS[name]} for name in LABELS}
MARKERS = {"loop": "o", "matched": "^", "slow": "s"}
ONSET_BIN_ms = 5


def figures(study: Study, dataset: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    return pictures((study, dataset), gain, selection) | pictures(study, decision) | pictures(dataset, onset)


@captioned(
    "(A) Spikes of every row against the strength of its input, without feedforward inhibition. (B) Spread of the "
    "rows' totals against the spread of scores; dashed, open symbols: with feedforward inhibition that takes out "
    "each row's largest score. Bars are standard errors."
)
def gain(results: tuple[Study, xr.Dataset]) -> Figure:
    study, dataset = results
    figure, ax = panels("AB", height_in=3.7)
    for name, of in study.main.items():
        ax["A"].plot(logsumexp(of.scores, axis=1), of.totals, MARKERS[name], ms=3.5, mew=0, **LOOKS[name])
    ax["A"].set(yscale="log", xlabel="input of the row, log Σ exp(score)", ylabel="spikes of the row")
    _over_spreads(ax["B"], dataset, "sweep_cv", "none")
    _over_spreads(ax["B"], dataset, "sweep_cv", "max", ls="--", mfc="white")
    ax["B"].plot([], [], color=MUTED, ls="--", label="with feedforward inhibition")
    fed = _settings(dataset, "max").sel(circuit="loop")
    ax["B"].plot(fed.spread, fed.sweep_poisson, color=FLOOR, lw=2, zorder=0, label="Poisson counts")
    ax["B"].set(yscale="log")
    plain_ticks(ax["B"], "y", [0.05, 0.1, 0.2, 0.5, 1.0, 2.0])
    legend_below(figure, *ax.values(), ncols=3)
    return figure


def _settings(dataset: xr.Dataset, feedforward: str) -> xr.Dataset:
    return dataset.isel(setting=np.flatnonzero(dataset.feedforward.values == feedforward))


def _over_spreads(ax: Axes, dataset: xr.Dataset, measure: str, feedforward: str, **look: Any) -> None:
    """A measure of each circuit against the spread of scores."""
    for name, colour in COLOURS.items():
        at, shape = _settings(dataset, feedforward).sel(circuit=name), {"marker": MARKERS[name], "ms": 4}
        points(ax, at, "spread", measure, color=colour, lw=1.5, capsize=2, **shape, **look)


@captioned(
    "(A) Total variation to the softmax against the mean number of spikes read; a row without a spike so far "
    "counts as 1. Grey: as many softmax samples in every row. (B) Error of weights read as counts over one number "
    "for all rows, that is without a division row by row; dotted: after it. No feedforward inhibition."
)
def selection(results: tuple[Study, xr.Dataset]) -> Figure:
    study, dataset = results
    figure, ax = panels("AB", height_in=3.7)
    target = study.main["loop"].target
    grid = np.unique(np.geomspace(1, 2000, 60).astype(int))
    floor = [total_variation_floor(target, np.full(len(target), n)).mean() for n in grid]
    ax["A"].plot(grid, floor, color=FLOOR, lw=2.5, label="softmax samples")
    for name, reading in study.readings.items():
        ax["A"].plot(reading.n_spikes.mean(axis=1), reading.error.mean(axis=1), **LOOKS[name])
    ax["A"].axhline(study.tv_goal, color=MUTED, lw=0.8, ls=":")
    ax["A"].set(xscale="log", yscale="log", xlim=(1, 2000), ylim=(0.02, 1.1))
    ax["A"].set(xlabel="spikes read, mean over rows", ylabel=named(dataset.total_variation))
    plain_ticks(ax["A"], "xy")
    _over_spreads(ax["B"], dataset, "sweep_undivided", "none")
    part = _settings(dataset, "none")
    for name, colour in COLOURS.items():
        ax["B"].plot(part.spread, part.sweep_divided.sel(circuit=name), color=colour, ls=":", lw=1.5)
    ax["B"].plot([], [], color=MUTED, ls=":", lw=1.5, label="after division")
    ax["B"].set_ylim(bottom=0)
    legend_below(figure, *ax.values(), ncols=3)
    return figure


@captioned(
    "(A) Rows in which the strongest stimulus leads alone, against the time that spikes have been counted, with "
    "the standard error. (B) Rows decided: the leader has come the margin of spikes ahead. Both start at a "
    "random moment of the running rhythm; no feedforward inhibition."
)
def decision(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.5)
    for name, reading in study.readings.items():
        right, colour = reading.right.mean(axis=1), COLOURS[name]
        error = np.sqrt(right * (1 - right) / reading.right.shape[1])
        ax["A"].fill_between(reading.edges_ms, right - error, right + error, color=colour, alpha=0.18, lw=0)
        ax["A"].plot(reading.edges_ms, right, **LOOKS[name])
        time_ms = study.decisions[name].time_ms
        first = np.sort(time_ms[np.isfinite(time_ms)])
        ax["B"].step(first, np.arange(1, len(first) + 1) / len(time_ms), where="post", color=colour)
    ax["A"].set(xscale="log", xlabel="time counted (ms)", ylabel="strongest stimulus leads")
    ax["B"].set(xscale="log", xlabel=f"time to a lead of {study.margin} spikes (ms)", ylabel="rows decided")
    for each in ax.values():
        percent_axis(each)
        plain_ticks(each, "x")
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "Mean rate of a row after all of its cells start from rest, in bins of 5 ms. The slow loop holds the rate "
    "once it runs, but the onset passes before its inhibition has built up."
)
def onset(dataset: xr.Dataset) -> Figure:
    figure, axes = panels("A", height_in=3.1, width=0.75)
    ax, rate = axes["A"], dataset.onset_rate.coarsen(onset_time=ONSET_BIN_ms, boundary="trim").mean()
    for name, look in LOOKS.items():
        centre = rate.sel(circuit=name).mean("row")
        ax.step(rate.onset_time, centre.where(centre > 0), where="mid", **look)
    ax.set(yscale="log", xlim=(0, float(dataset.onset_time.max()) + 1))
    ax.set(xlabel=named(dataset.onset_time), ylabel=named(dataset.onset_rate))
    plain_ticks(ax, "y", pattern="{x:,.0f}")
    headroom(ax, 0.1)
    ax.legend(loc="upper right", fontsize=8.5)
    return figure
