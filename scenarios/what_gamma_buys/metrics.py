"""The numbers of what-gamma-buys: the gamma loop beside no loop and beside a loop without gamma."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bridge import fit_softmax
from bridge.comparison.sampling import total_variation_floor
from scenarios.what_gamma_buys.decisions import Decisions, Reading
from scenarios.what_gamma_buys.findings import (
    LABELS,
    Findings,
    Setting,
    poisson_spread,
    spread_of,
    undivided_error,
)
from scenarios.workbench.competition import Competition
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, bootstrap, fraction, mean, metric

__all__ = ["findings_metrics", "spikes_for"]

EARLY_ms = 50.0
NO_LOOP = "control: no loop, same rate"


def findings_metrics(found: Findings, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report."""
    return (
        _selection_metrics(found)
        | _gain_metrics(found, rng)
        | _decision_metrics(found, rng)
        | _spike_metrics(found, rng)
        | _rhythm_metrics(found)
    )


def _pair(
    name: str, label: str, found: dict[str, Estimate], *, floor: float | None = None, unit: str = ""
) -> dict[str, Metric]:
    """The gamma loop beside no loop, and a line of its own for each control with its error."""
    return {
        name: metric(
            label, found["loop"], floor=floor, control=found["matched"].value, unit=unit, note=NO_LOOP
        ),
        f"{name}_matched": metric("– no loop, same rate", found["matched"], unit=unit),
        f"{name}_slow": metric("– slow loop, no gamma", found["slow"], unit=unit),
    }


def _each(found: Findings, measure: Callable[[Competition], Estimate]) -> dict[str, Estimate]:
    return {name: measure(competition) for name, competition in found.main.circuits.items()}


def _selection_metrics(found: Findings) -> dict[str, Metric]:
    def beta(competition: Competition) -> Estimate:
        fit = fit_softmax(competition.selection.counts, competition.scores)
        return Estimate(value=fit.beta, error=fit.beta_se_quasi)

    tv = _each(found, lambda c: mean(c.distance().total_variation))
    floor = mean(found.main.circuits["loop"].distance().floor).value
    return (
        _pair("tv", "total variation to softmax", tv, floor=floor)
        | _pair(
            "excess",
            "total variation / its floor",
            _each(found, lambda c: mean(c.distance().ratio)),
            floor=1.0,
        )
        | _pair("beta", "fitted beta x temperature", _each(found, beta))
    )


def _gain_metrics(found: Findings, rng: np.random.Generator) -> dict[str, Metric]:
    def cv(competition: Competition) -> Estimate:
        return bootstrap(lambda rows: spread_of(competition.totals[rows]), competition.n_rows, rng)

    loop, matched = found.main.circuits["loop"], found.main.circuits["matched"]
    ratio = bootstrap(
        lambda rows: spread_of(matched.totals[rows]) / spread_of(loop.totals[rows]), loop.n_rows, rng
    )
    feedforward = _with_feedforward(found).circuits
    besides = {name: cv(competition) for name, competition in feedforward.items()}
    return (
        _pair(
            "cv", "spread of total spikes over rows (CV)", _each(found, cv), floor=poisson_spread(loop.totals)
        )
        | {"cv_ratio": metric("CV without the loop / with it", ratio)}
        | _pair(
            "cv_feedforward",
            "CV with feedforward inhibition besides",
            besides,
            floor=poisson_spread(feedforward["loop"].totals),
        )
        | _pair(
            "undivided",
            "error of weights read without division",
            _each(found, lambda c: mean(undivided_error(c))),
            floor=mean(loop.distance().total_variation).value,
        )
    )


def _with_feedforward(found: Findings) -> Setting:
    return next(s for s in found.sweep if s.feedforward == "max" and s.spread == found.main.spread)


def _decision_metrics(found: Findings, rng: np.random.Generator) -> dict[str, Metric]:
    time_ms = {name: d.time_ms for name, d in found.decisions.items()}
    n_spikes = {name: d.n_spikes for name, d in found.decisions.items()}

    def quantile(values: dict[str, np.ndarray], at: float) -> dict[str, Estimate]:
        return {name: _quantile(of, at, rng) for name, of in values.items()}

    def right(name: str, decisions: Decisions) -> Estimate:
        best = found.main.circuits[name].target.argmax(axis=1)
        decided = decisions.decided
        return fraction((decisions.key == best)[decided]) if decided.any() else mean(np.array([]))

    accuracy = {name: right(name, d) for name, d in found.decisions.items()}
    decided = {name: fraction(d.decided) for name, d in found.decisions.items()}
    return (
        _pair("decision", "decision time, median row", quantile(time_ms, 0.5), unit="ms")
        | _pair(
            "decision_slow_rows",
            "decision time, slowest tenth from",
            quantile(time_ms, 0.9),
            unit="ms",
        )
        | _pair("decision_spikes", "spikes per decision, median row", quantile(n_spikes, 0.5))
        | _pair("decision_right", "decisions for the strongest stimulus", accuracy)
        | _pair("decided", "rows decided in the measured time", decided)
    )


def _quantile(values: np.ndarray, at: float, rng: np.random.Generator) -> Estimate:
    """Of all rows, the undecided (inf) included, so never between two of them."""
    return bootstrap(lambda rows: float(np.quantile(values[rows], at, method="higher")), len(values), rng)


def _spike_metrics(found: Findings, rng: np.random.Generator) -> dict[str, Metric]:
    def needed(reading: Reading) -> Estimate:
        return bootstrap(
            lambda rows: spikes_for(
                found.tv_goal, reading.n_spikes[:, rows].mean(axis=1), reading.error[:, rows].mean(axis=1)
            ),
            reading.error.shape[1],
            rng,
        )

    target = found.main.circuits["loop"].target
    grid = np.unique(np.geomspace(1, 5000, 200).astype(int))
    ideal = np.array([total_variation_floor(target, np.full(len(target), n)).mean() for n in grid])
    return _pair(
        "spikes_for_goal",
        f"spikes per row for a total variation of {found.tv_goal:g}",
        {name: needed(reading) for name, reading in found.readings.items()},
        floor=spikes_for(found.tv_goal, grid.astype(float), ideal),
    )


def _rhythm_metrics(found: Findings) -> dict[str, Metric]:
    def early(name: str) -> Estimate:
        spikes = found.onset[name].spikes
        at = spikes.row[spikes.time_ms < EARLY_ms]
        return mean(np.bincount(at, minlength=spikes.n_rows))

    return (
        _pair(
            "rhythmic", "rows with a significant 30-80 Hz peak", _each(found, lambda c: fraction(c.rhythmic))
        )
        | {"f_gamma": metric("gamma peak", mean(found.main.circuits["loop"].selection.f_gamma_Hz), unit="Hz")}
        | _pair("rate", "spikes per row and second", _each(found, lambda c: mean(c.rate_Hz)), unit="1/s")
        | _pair(
            "onset_spikes",
            f"spikes per row in the first {EARLY_ms:g} ms from rest",
            {n: early(n) for n in LABELS},
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
