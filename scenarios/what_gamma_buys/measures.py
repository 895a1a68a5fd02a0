"""What is measured on the three circuits of what-gamma-buys: as numbers of the report, and as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from bridge import fit_softmax
from bridge.comparison.sampling import total_variation_floor
from scenarios.what_gamma_buys.decisions import Decisions, Reading, decide, read_against_time
from scenarios.workbench.competition import Competition
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, bootstrap, fraction, mean, metric, ratio
from scenarios.workbench.tables import Conditions, column, columns, estimate_column
from spiking import Selection

__all__ = ["LABELS", "Study", "in_data", "in_numbers", "spikes_for", "spread_of", "undivided_error"]

LABELS = {"loop": "gamma loop", "matched": "no loop, same rate", "slow": "slow loop, no gamma"}
N_EDGES = 60  # times at which a reading is made
EARLY_ms = 50.0

Circuits = Mapping[str, Competition]  # loop, matched, slow, on the same rows


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was simulated, and the readings that several numbers and figures share."""

    spread: float  # of the scores of the main rows
    main: Circuits  # without feedforward inhibition
    onset: Mapping[str, Selection]  # the main rows, all cells from rest
    sweep: Mapping[tuple[str, float], Circuits]  # feedforward inhibition, spread of scores
    margin: int
    tv_goal: float

    @cached_property
    def decisions(self) -> dict[str, Decisions]:
        """Of the main rows."""
        return {name: decide(c.selection.spikes, self.margin) for name, c in self.main.items()}

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """Of the main rows, at logarithmic times."""
        edges_ms = np.geomspace(2.0, self.main["loop"].selection.duration_ms, N_EDGES)
        return {n: read_against_time(c.selection.spikes, c.target, edges_ms) for n, c in self.main.items()}


def spread_of(totals: np.ndarray) -> float:
    """Coefficient of variation over rows; nan if none spiked."""
    return ratio(float(totals.std(ddof=1)), float(totals.mean()))


def poisson_spread(competition: Competition) -> float:
    """The coefficient of variation of Poisson counts of the same mean; nan if none spiked."""
    return ratio(1.0, float(competition.totals.mean()) ** 0.5)


def undivided_error(competition: Competition) -> np.ndarray:
    """Half the absolute error of counts over one number for all rows, the mean total; (n_rows,).

    What a reader gets who adds spikes up and cannot divide by each row's total.
    """
    totals = competition.totals
    read = competition.selection.counts / (totals.mean() if totals.sum() else np.nan)
    return 0.5 * np.abs(read - competition.target).sum(axis=1)


def in_numbers(study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report."""
    note = f"control: {LABELS['matched']}"
    table = Conditions(runs=study.main, labels=LABELS, control="matched", note=note)
    return (
        _selection(table)
        | _gain(table, study, rng)
        | _decisions(table, study, rng)
        | _spikes(table, study, rng)
        | _rhythm(table, study)
    )


def _selection(table: Conditions[Competition]) -> dict[str, Metric]:
    def beta(competition: Competition) -> Estimate:
        fit = fit_softmax(competition.selection.counts, competition.scores)
        return Estimate(value=fit.beta, error=fit.beta_se_quasi)

    distance = {name: c.distance() for name, c in table.runs.items()}
    tv = {name: mean(d.total_variation) for name, d in distance.items()}
    excess = {name: mean(d.ratio) for name, d in distance.items()}
    return (
        table.lines("tv", "total variation to softmax", tv, floor=mean(distance["loop"].floor))
        | table.lines("excess", "total variation / its floor", excess, floor=1.0)
        | table.lines("beta", "fitted beta x temperature", beta)
    )


def _spread(competition: Competition, rng: np.random.Generator) -> Estimate:
    return bootstrap(lambda rows: spread_of(competition.totals[rows]), competition.n_rows, rng)


def _gain(table: Conditions[Competition], study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    loop, matched, _ = study.main.values()
    fed = study.sweep["max", study.spread]
    times = bootstrap(
        lambda rows: ratio(spread_of(matched.totals[rows]), spread_of(loop.totals[rows])), loop.n_rows, rng
    )
    held = {name: _spread(competition, rng) for name, competition in fed.items()}
    cv = table.each(lambda c: _spread(c, rng))
    off, held_label = table.each(lambda c: mean(undivided_error(c))), "CV with feedforward inhibition as well"
    divided = mean(loop.distance().total_variation)
    return (
        table.lines("cv", "spread of total spikes over rows (CV)", cv, floor=poisson_spread(loop))
        | {"cv_ratio": metric("CV without the loop / with it", times)}
        | table.lines("cv_feedforward", held_label, held, floor=poisson_spread(fed["loop"]))
        | table.lines("undivided", "error of weights read without division", off, floor=divided)
    )


def _decisions(table: Conditions[Competition], study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    made = study.decisions
    best = {name: competition.target.argmax(axis=1) for name, competition in study.main.items()}

    def quantile(field: str, at: float) -> dict[str, Estimate]:
        return {name: _quantile(getattr(d, field), at, rng) for name, d in made.items()}

    right = {name: fraction((d.key == best[name])[d.decided]) for name, d in made.items()}
    decided = {name: fraction(d.decided) for name, d in made.items()}
    median, slow = quantile("time_ms", 0.5), quantile("time_ms", 0.9)
    return (
        table.lines("decision", "decision time, median row", median, unit="ms")
        | table.lines("decision_slow_rows", "decision time, slowest tenth from", slow, unit="ms")
        | table.lines("decision_spikes", "spikes per decision, median row", quantile("n_spikes", 0.5))
        | table.lines("decision_right", "decisions for the strongest stimulus", right)
        | table.lines("decided", "rows decided in the measured time", decided)
    )


def _quantile(values: np.ndarray, at: float, rng: np.random.Generator) -> Estimate:
    """Of all rows, the undecided (inf) included, so never between two of them."""
    return bootstrap(lambda rows: float(np.quantile(values[rows], at, method="higher")), len(values), rng)


def _spikes(table: Conditions[Competition], study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    def needed(reading: Reading) -> Estimate:
        def of(rows: np.ndarray) -> float:
            n_spikes, error = reading.n_spikes[:, rows].mean(axis=1), reading.error[:, rows].mean(axis=1)
            return spikes_for(study.tv_goal, n_spikes, error)

        return bootstrap(of, reading.error.shape[1], rng)

    target, grid = study.main["loop"].target, np.unique(np.geomspace(1, 5000, 200).astype(int))
    ideal = np.array([total_variation_floor(target, np.full(len(target), n)).mean() for n in grid])
    label = f"spikes per row for a total variation of {study.tv_goal:g}"
    reached = {name: needed(reading) for name, reading in study.readings.items()}
    floor = spikes_for(study.tv_goal, grid.astype(float), ideal)
    return table.lines("spikes_for_goal", label, reached, floor=floor)


def _rhythm(table: Conditions[Competition], study: Study) -> dict[str, Metric]:
    def early(selection: Selection) -> Estimate:
        spikes = selection.spikes
        return mean(np.bincount(spikes.row[spikes.time_ms < EARLY_ms], minlength=spikes.n_rows))

    onset = {name: early(selection) for name, selection in study.onset.items()}
    return (
        table.lines("rhythmic", "rows with a significant 30-80 Hz peak", lambda c: fraction(c.rhythmic))
        | {"f_gamma": metric("gamma peak", mean(study.main["loop"].selection.f_gamma_Hz), unit="Hz")}
        | table.lines("rate", "spikes per row and second", lambda c: mean(c.rate_Hz), unit="1/s")
        | table.lines("onset_spikes", f"spikes per row in the first {EARLY_ms:g} ms from rest", onset)
    )


def spikes_for(goal: float, n_spikes: np.ndarray, error: np.ndarray) -> float:
    """Mean spikes per row at which the mean error falls to `goal`; nan if it never does.

    Both curves (n_edges,); read between the edges on logarithmic scales.
    """
    below = np.flatnonzero(error <= goal)
    if not len(below) or below[0] == 0:
        return np.nan
    i = below[0]
    part = np.log(error[i - 1] / goal) / np.log(error[i - 1] / error[i])
    return float(np.exp((1 - part) * np.log(n_spikes[i - 1]) + part * np.log(n_spikes[i])))


def in_data(study: Study, rng: np.random.Generator) -> xr.Dataset:
    """The main rows in full, and of every other setting its summary."""
    main, decisions, readings = study.main.values(), study.decisions.values(), study.readings.values()
    onset_Hz = np.stack([s.spikes.binned(1.0).T * 1e3 for s in study.onset.values()])
    per_row, in_time, swept = ("circuit", "row"), ("circuit", "time", "row"), ("setting", "circuit")
    feedforward, spreads = zip(*study.sweep, strict=True)

    def each(measure: Callable[[Competition], Any]) -> list[list[Any]]:
        return [[measure(c) for c in circuits.values()] for circuits in study.sweep.values()]

    cv, error = "spread of total spikes (CV)", "total variation to softmax"
    return xr.Dataset(
        {
            **columns(("row", "key"), scores=study.main["loop"].scores),
            **columns((*per_row, "key"), "spikes", counts=[c.selection.counts for c in main]),
            **columns(per_row, "Hz", f_gamma=[c.selection.f_gamma_Hz for c in main]),
            **columns(per_row, "ms", decision_time=[d.time_ms for d in decisions]),
            **columns(per_row, "spikes", decision_spikes=[d.n_spikes for d in decisions]),
            "total_variation": column(in_time, [r.error for r in readings], error),
            **columns(in_time, "spikes", n_spikes=[r.n_spikes for r in readings]),
            "onset_rate": column(("circuit", "onset_time", "row"), onset_Hz, "spikes per row", "1/s"),
            **estimate_column("sweep_cv", swept, each(lambda c: _spread(c, rng)), cv),
            **estimate_column(
                "sweep_undivided", swept, each(lambda c: mean(undivided_error(c))), "error without division"
            ),
            **estimate_column(
                "sweep_divided", swept, each(lambda c: mean(c.distance().total_variation)), error
            ),
            **estimate_column(
                "sweep_excess", swept, each(lambda c: mean(c.distance().ratio)), f"{error} / floor"
            ),
            "sweep_poisson": column(swept, each(poisson_spread), f"{cv}, Poisson counts"),
        },
        {
            "circuit": list(LABELS),
            "feedforward": ("setting", list(feedforward)),
            "spread": column("setting", spreads, "spread of scores (s.d.)"),
            "time": column("time", study.readings["loop"].edges_ms, "time counted", "ms"),
            "onset_time": column("onset_time", np.arange(float(onset_Hz.shape[1])), "time from onset", "ms"),
        },
        {"duration_ms": study.main["loop"].selection.duration_ms, "spread_of_scores": study.spread},
    )
