"""Estimates with their standard errors, and which differences among several are clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from scenarios.workbench.outcome import Metric, number_text

__all__ = [
    "LEVEL",
    "UNKNOWN",
    "Estimate",
    "bootstrap",
    "clear",
    "difference",
    "estimate_of",
    "fraction",
    "holm",
    "mean",
    "mean_over_seeds",
    "metric",
    "rank_correlation",
    "ratio",
    "sign",
]

LEVEL = 0.05  # of a family of comparisons: the chance that any of them is called clear by accident


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number and its standard error; nan where the data do not determine it."""

    value: float
    error: float

    def __format__(self, spec: str) -> str:
        """In a sentence: ``f"{estimate}"`` has its error, ``f"{estimate:.2f}"`` is the value in that format."""
        return format(self.value, spec) if spec else number_text(self.value, self.error)


UNKNOWN = Estimate(value=np.nan, error=np.nan)


def mean(values: np.ndarray) -> Estimate:
    """Mean over rows and its standard error, of the values that are not nan."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    value = float(known.mean()) if len(known) else np.nan
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else np.nan
    return Estimate(value=value, error=error)


def mean_over_seeds(values: np.ndarray) -> Estimate:
    """Mean of (n_seeds, n_windows), the same windows for every seed; nan where a window is missing.

    Seeds and windows both are samples, so the variances of both means add. The spread over seeds already has
    some of the windows' in it, as far as seeds differ in them: this errs towards too large.
    """
    whole = values[:, ~np.isnan(values).any(axis=0)]
    seeds, windows = mean(whole.mean(axis=1)), mean(whole.mean(axis=0))
    return Estimate(value=seeds.value, error=float(np.hypot(np.nan_to_num(seeds.error), windows.error)))


def fraction(flags: np.ndarray) -> Estimate:
    """Fraction of True, with the standard deviation of its Jeffreys posterior (Brown, Cai and DasGupta 2001).

    Unlike sqrt(p (1 - p) / n) that error is not 0 when all rows agree. Of no rows it is nan.
    """
    flags = np.asarray(flags, dtype=bool)
    n, n_true = len(flags), int(flags.sum())
    if n == 0:
        return UNKNOWN
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


def ratio(over: float, under: float) -> float:
    """One number over another, nan where the second is 0 or unknown: as a resample of equal rows gives it."""
    return float(over / under) if under else np.nan


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a - b of independent estimates."""
    return Estimate(value=a.value - b.value, error=float(np.hypot(a.error, b.error)))


def clear(differences: Mapping[str, Estimate], level: float = LEVEL) -> dict[str, int]:
    """Which of several differences from 0 are clear: 1 above, -1 below, 0 for those that are not.

    Two-sided normal tests, corrected together by Holm's step-down procedure (Holm 1979, Scand. J. Stat. 6:65), so
    that `level` bounds the chance of any false claim among all of them. A difference of unknown error is not
    clear, and counts as a comparison made.
    """
    apart = {name: np.divide(d.value, d.error) if d.error else np.nan for name, d in differences.items()}
    rejected = holm({name: 2 * float(stats.norm.sf(abs(z))) for name, z in apart.items()}, level)
    return {name: int(np.sign(apart[name])) if name in rejected else 0 for name in differences}


def holm(p_values: Mapping[str, float], level: float = LEVEL) -> list[str]:
    """Names whose hypotheses are rejected by Holm's procedure, smallest p first; an unknown p counts as 1."""
    known = {name: p if np.isfinite(p) else 1.0 for name, p in p_values.items()}
    rejected: list[str] = []
    for name in sorted(known, key=lambda name: known[name]):
        if known[name] > level / (len(known) - len(rejected)):
            break
        rejected.append(name)
    return rejected


def estimate_of(metric: Metric) -> Estimate:
    """The value of a line of the report and its error, nan where it has none."""
    return Estimate(
        value=metric.value, error=np.nan if metric.standard_error is None else metric.standard_error
    )


def sign(estimate: Estimate | Metric) -> int:
    """1 or -1 where a number is more than two standard errors above or below 0, otherwise 0."""
    known = estimate_of(estimate) if isinstance(estimate, Metric) else estimate
    return int(np.sign(known.value)) if abs(known.value) > 2.0 * known.error else 0


def metric(
    label: str,
    estimate: Estimate,
    *,
    floor: float | Estimate | None = None,
    control: float | Estimate | None = None,
    unit: str = "",
    note: str = "",
) -> Metric:
    """An estimate as a line of the report; of floor and control the value counts."""
    return Metric(
        label=label,
        value=estimate.value,
        standard_error=estimate.error,
        floor=_value(floor),
        control=_value(control),
        unit=unit,
        note=note,
    )


def _value(number: float | Estimate | None) -> float | None:
    return number.value if isinstance(number, Estimate) else number


def rank_correlation(
    x: np.ndarray, y: np.ndarray, rng: np.random.Generator, n_permutations: int = 9999
) -> tuple[Estimate, float]:
    """Spearman's rank correlation with its bootstrap error, and its two-sided p-value by permutation.

    Parameters
    ----------
    x, y : (n,) arrays
        At least 4 pairs, and neither constant; otherwise all is nan.
    rng : numpy.random.Generator
    n_permutations : int
        The p-value is exact where all orders are fewer.
    """
    if len(x) < 4 or not (np.ptp(x) and np.ptp(y)):
        return UNKNOWN, np.nan

    def rho(rows: np.ndarray) -> float:
        constant = not (np.ptp(x[rows]) and np.ptp(y[rows]))
        return np.nan if constant else float(stats.spearmanr(x[rows], y[rows]).statistic)

    ranks = stats.rankdata(x), stats.rankdata(y)
    tested = stats.permutation_test(
        ranks[:1],
        lambda order, axis: np.mean((order - order.mean(axis=axis, keepdims=True)) * ranks[1], axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=n_permutations,
        rng=rng,
    )
    return bootstrap(rho, len(x), rng), float(tested.pvalue)
