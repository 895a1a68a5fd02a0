"""Estimates with their standard errors: means and fractions over rows, and the bootstrap for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from scenarios.outcome import Metric

__all__ = ["Estimate", "bootstrap", "fraction", "mean", "metric", "standard_errors_apart"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number and its standard error; nan where the data tell nothing."""

    value: float
    error: float


def mean(values: np.ndarray) -> Estimate:
    """Mean over rows and its standard error, of the values that are not nan."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    value = float(known.mean()) if len(known) else np.nan
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else np.nan
    return Estimate(value=value, error=error)


def fraction(flags: np.ndarray) -> Estimate:
    """Fraction of True, with the standard deviation of its Jeffreys posterior (Brown, Cai and DasGupta 2001).

    Unlike sqrt(p (1 - p) / n) that error is not 0 when all rows agree.
    """
    flags = np.asarray(flags, dtype=bool)
    n, n_true = len(flags), int(flags.sum())
    return Estimate(value=n_true / n, error=float(stats.beta(n_true + 0.5, n - n_true + 0.5).std()))


def bootstrap(
    statistic: Callable[[np.ndarray], float], n_rows: int, rng: np.random.Generator, n_resamples: int = 300
) -> Estimate:
    """A statistic of the rows, and its standard deviation over resampled rows (Efron 1979).

    Parameters
    ----------
    statistic : callable
        Takes row indices, of any multiplicity, to a number.
    n_rows : int
    rng : numpy.random.Generator
    n_resamples : int
        300 give the error to about 4 %.
    """
    samples = np.array([statistic(rng.integers(n_rows, size=n_rows)) for _ in range(n_resamples)])
    known = samples[np.isfinite(samples)]
    error = float(known.std(ddof=1)) if len(known) > 1 else np.nan
    return Estimate(value=float(statistic(np.arange(n_rows))), error=error)


def standard_errors_apart(a: Estimate, b: Estimate) -> float:
    """How far a lies above b, in standard errors of their difference; nan where one of them is unknown."""
    return float((a.value - b.value) / np.hypot(a.error, b.error))


def metric(
    label: str,
    estimate: Estimate,
    *,
    floor: float | None = None,
    control: float | None = None,
    unit: str = "",
    note: str = "",
) -> Metric:
    """An estimate as a line of the report."""
    return Metric(
        label=label,
        value=estimate.value,
        standard_error=estimate.error,
        floor=floor,
        control=control,
        unit=unit,
        note=note,
    )
