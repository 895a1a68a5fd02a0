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
from scenarios.workbench.tables import Conditions, columns, estimate_columns
from spiking import Selection

__all__ = [
    "LABELS",
    "Setting",
    "Study",
    "in_data",
    "in_numbers",
    "spikes_for",
    "spread_of",
    "undivided_error",
]

LABELS = {"loop": "gamma loop", "matched": "no loop, same rate", "slow": "slow loop, no gamma"}
N_EDGES = 60  # times at which a reading is made
EARLY_ms = 50.0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Three circuits on the same rows."""

    spread: float  # standard deviation of the scores
    feedforward: str
    circuits: Mapping[str, Competition]  # loop, matched, slow


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was simulated, and the readings that several numbers and figures share."""

    spread: float  # of the main rows
    main: Mapping[str, Competition]  # loop, matched, slow, without feedforward inhibition
    onset: Mapping[str, Selection]  # the main rows, all cells from rest
    sweep: list[Setting]  # over spreads of scores, without feedforward inhibition and with it
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

    def with_feedforward(self) -> Mapping[str, Competition]:
        """The circuits with feedforward inhibition at the spread of the main rows."""
        return next(s.circuits for s in self.sweep if s.feedforward == "max" and s.spread == self.spread)


def spread_of(totals: np.ndarray) -> float:
    """Coefficient of variation over rows; nan if none spiked."""
    return ratio(float(totals.std(ddof=1)), float(totals.mean()))


def poisson_spread(totals: np.ndarray) -> float:
    """The coefficient of variation of Poisson counts of the same mean; nan if none spiked."""
    return ratio(1.0, float(totals.mean()) ** 0.5)


def undivided_error(competition: Competition) -> np.ndarray:
    """Half the absolute error of counts over one number for all rows, the mean total; (n_rows,).

    What a reader gets who adds spikes up and cannot divide by each row's total.
    """
    totals = competition.totals
    read = competition.selection.counts / (totals.mean() if totals.sum() else np.nan)
    return 0.5 * np.abs(read - competition.target).sum(axis=1)


def in_numbers(study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report."""
    table = Conditions(
        runs=study.main, labels=LABELS, control="matched", note=f"control: {LABELS['matched']}"
    )
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


def _gain(table: Conditions[Competition], study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    def cv(competition: Competition) -> Estimate:
        return bootstrap(lambda rows: spread_of(competition.totals[rows]), competition.n_rows, rng)

    loop, matched, _ = (competition.totals for competition in study.main.values())
    times = bootstrap(lambda rows: ratio(spread_of(matched[rows]), spread_of(loop[rows])), len(loop), rng)
    fed = study.with_feedforward()
    held = {name: cv(competition) for name, competition in fed.items()}
    divided = mean(study.main["loop"].distance().total_variation).value
    return (
        table.lines("cv", "spread of total spikes over rows (CV)", cv, floor=poisson_spread(loop))
        | {"cv_ratio": metric("CV without the loop / with it", times)}
        | table.lines(
            "cv_feedforward",
            "CV with feedforward inhibition as well",
            held,
            floor=poisson_spread(fed["loop"].totals),
        )
        | table.lines(
            "undivided",
            "error of weights read without division",
            lambda c: mean(undivided_error(c)),
            floor=divided,
        )
    )


def _decisions(table: Conditions[Competition], study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    decisions = study.decisions

    def quantile(field: str, at: float) -> dict[str, Estimate]:
        return {name: _quantile(getattr(d, field), at, rng) for name, d in decisions.items()}

    def right(name: str) -> Estimate:
        best, made = study.main[name].target.argmax(axis=1), decisions[name].decided
        return fraction((decisions[name].key == best)[made])

    return (
        table.lines("decision", "decision time, median row", quantile("time_ms", 0.5), unit="ms")
        | table.lines(
            "decision_slow_rows", "decision time, slowest tenth from", quantile("time_ms", 0.9), unit="ms"
        )
        | table.lines("decision_spikes", "spikes per decision, median row", quantile("n_spikes", 0.5))
        | table.lines("decision_right", "decisions for the strongest stimulus", {n: right(n) for n in LABELS})
        | table.lines(
            "decided",
            "rows decided in the measured time",
            {name: fraction(d.decided) for name, d in decisions.items()},
        )
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

    target = study.main["loop"].target
    grid = np.unique(np.geomspace(1, 5000, 200).astype(int))
    ideal = np.array([total_variation_floor(target, np.full(len(target), n)).mean() for n in grid])
    return table.lines(
        "spikes_for_goal",
        f"spikes per row for a total variation of {study.tv_goal:g}",
        {name: needed(reading) for name, reading in study.readings.items()},
        floor=spikes_for(study.tv_goal, grid.astype(float), ideal),
    )


def _rhythm(table: Conditions[Competition], study: Study) -> dict[str, Metric]:
    def early(name: str) -> Estimate:
        spikes = study.onset[name].spikes
        return mean(np.bincount(spikes.row[spikes.time_ms < EARLY_ms], minlength=spikes.n_rows))

    return (
        table.lines("rhythmic", "rows with a significant 30-80 Hz peak", lambda c: fraction(c.rhythmic))
        | {"f_gamma": metric("gamma peak", mean(study.main["loop"].selection.f_gamma_Hz), unit="Hz")}
        | table.lines("rate", "spikes per row and second", lambda c: mean(c.rate_Hz), unit="1/s")
        | table.lines(
            "onset_spikes",
            f"spikes per row in the first {EARLY_ms:g} ms from rest",
            {name: early(name) for name in LABELS},
        )
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

    def over_settings(measure: Callable[[Competition], Any]) -> list[list[Any]]:
        return [[measure(c) for c in setting.circuits.values()] for setting in study.sweep]

    return xr.Dataset(
        {
            **columns(("row", "key"), scores=study.main["loop"].scores),
            **columns((*per_row, "key"), "spikes", counts=[c.selection.counts for c in main]),
            **columns(per_row, "Hz", f_gamma=[c.selection.f_gamma_Hz for c in main]),
            **columns(per_row, "ms", decision_time=[d.time_ms for d in decisions]),
            **columns(per_row, "spikes", decision_spikes=[d.n_spikes for d in decisions]),
            **columns(in_time, total_variation=[r.error for r in readings]),
            **columns(in_time, "spikes", n_spikes=[r.n_spikes for r in readings]),
            **columns(("circuit", "onset_time", "row"), "1/s", onset_rate=onset_Hz),
            **estimate_columns(
                swept,
                sweep_cv=over_settings(lambda c: bootstrap(lambda r: spread_of(c.totals[r]), c.n_rows, rng)),
                sweep_undivided=over_settings(lambda c: mean(undivided_error(c))),
                sweep_divided=over_settings(lambda c: mean(c.distance().total_variation)),
                sweep_excess=over_settings(lambda c: mean(c.distance().ratio)),
            ),
            **columns(swept, sweep_poisson=over_settings(lambda c: poisson_spread(c.totals))),
        },
        {
            "circuit": list(LABELS),
            "feedforward": ("setting", [s.feedforward for s in study.sweep]),
            **columns("setting", spread=[s.spread for s in study.sweep]),
            **columns("time", "ms", time=study.readings["loop"].edges_ms),
            **columns("onset_time", "ms", onset_time=np.arange(onset_Hz.shape[1], dtype=float)),
        },
        {"duration_ms": study.main["loop"].selection.duration_ms, "spread_of_scores": study.spread},
    )
