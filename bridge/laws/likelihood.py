"""Maximum likelihood for any selection law on spike counts: the search, the errors, each row's likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from bridge.laws.counted import CountedRows
from bridge.laws.families import Range, Scale, SelectionLaw
from bridge.laws.softmax_fit import newton_beta

__all__ = ["Maximum", "maximise", "refine", "row_log_likelihood", "scale_of", "standard_errors"]

LAPSE_RANGE = Range(lower=1e-6, upper=0.5, starts=(0.01,))
COARSE_CELLS = 20_000  # enough keys to rank the starting points
SPREADS = (1e-5, 1e5)  # standard deviations of scores within rows that the searches are made for
SERIES_BELOW = 1e-3  # relative distance of count and expectation below which the deviance is a series


@dataclass(frozen=True, kw_only=True)
class Maximum:
    """Where the likelihood of a law is largest."""

    parameters: np.ndarray  # (n_parameters,) float64, in the law's order
    log_likelihood: float  # nats, without the multinomial coefficients


def scale_of(rows: CountedRows) -> Scale:
    """Measure the scale of scores and counts that sets bounds and starting points."""
    present = rows.scores[rows.mask]
    n_present = rows.mask.sum(axis=1, keepdims=True)
    from_mean = np.where(rows.mask, rows.scores - rows.scores.sum(axis=1, keepdims=True) / n_present, 0.0)
    largest = float(np.abs(from_mean).max()) or 1.0  # whose square may be beyond a double
    sd = largest * float(np.sqrt(np.sum((from_mean / largest) ** 2) / rows.mask.sum()))
    low, high = SPREADS
    if sd and not low <= sd <= high:
        raise ValueError(
            f"scores must spread by {low:g} to {high:g} within rows for laws to be told apart, got {sd:.3g}; "
            "multiply them by a constant."
        )
    beta = newton_beta(rows)
    return Scale(
        beta=beta if np.isfinite(beta) else 10.0 * np.nan_to_num(np.sign(beta)) / (sd or 1.0),
        lowest=float(present.min()),
        highest=float(present.max()) + (0.0 if sd else 1.0),
        sd=sd or 1.0,
        n_keys=int(n_present.max()),
    )


def row_log_likelihood(law: SelectionLaw, parameters: np.ndarray, rows: CountedRows) -> np.ndarray:
    """Log-likelihood of each row's counts in nats, without the multinomial coefficient, shape (n_rows,)."""
    logs = law.log_probability(parameters, rows.scores, rows.mask)
    return np.sum(rows.counts * np.where(rows.counts > 0, logs, 0.0), axis=1)


def maximise(law: SelectionLaw, rows: CountedRows, scale: Scale) -> Maximum:
    """The law's parameters of largest likelihood, from all its starts.

    The starts run on some of the rows when there are many; the best of them is finished on all.
    """
    if not law.parameters:
        return _at(law, np.empty(0), rows)
    ranges = (*law.ranges(scale), LAPSE_RANGE)
    coarse = _thinned(rows)
    starts = zip(*(r.starts for r in ranges[:-1]), strict=True)
    maxima = [_climb(law, np.array([*start, *LAPSE_RANGE.starts]), coarse, ranges) for start in starts]
    best = max(maxima, key=lambda maximum: maximum.log_likelihood)
    if law.whole:
        best = _search_whole(law, best, coarse, ranges, step=max(scale.n_keys // 8, 1))
    return _refined(law, best.parameters, rows, ranges)


def refine(law: SelectionLaw, start: np.ndarray, rows: CountedRows, scale: Scale) -> Maximum:
    """The maximum near `start`."""
    if not law.parameters:
        return _at(law, start, rows)
    return _refined(law, start, rows, (*law.ranges(scale), LAPSE_RANGE))


def standard_errors(law: SelectionLaw, parameters: np.ndarray, rows: CountedRows) -> np.ndarray:
    """Standard errors of the parameters under multinomial counts, shape (n_parameters,).

    From the Fisher information sum N p (d log p)(d log p)^T, derivatives by central differences. It equals
    the observed information for softmax and, unlike it, stays positive at the kinks of sparse laws. nan for a
    whole number and for a parameter on which the probabilities do not depend.
    """
    slopes = np.stack([_slope(law, parameters, rows, i) for i in range(len(parameters))])
    probability = law.probability(parameters, rows.scores, rows.mask)
    weight = np.divide(
        rows.n_spikes[:, None], probability, out=np.zeros_like(probability), where=probability > 0
    )
    information = np.einsum("irk,rk,jrk->ij", slopes, weight, slopes)
    return _root_of_inverse_diagonal(information)


def _thinned(rows: CountedRows) -> CountedRows:
    step = int(np.ceil(rows.mask.size / COARSE_CELLS))
    return rows.take(np.arange(0, len(rows), step))


def _at(law: SelectionLaw, parameters: np.ndarray, rows: CountedRows) -> Maximum:
    return Maximum(
        parameters=parameters, log_likelihood=float(row_log_likelihood(law, parameters, rows).sum())
    )


def _refined(law: SelectionLaw, start: np.ndarray, rows: CountedRows, ranges: tuple[Range, ...]) -> Maximum:
    best = _climb(law, start, rows, ranges)
    return _search_whole(law, best, rows, ranges, step=1) if law.whole else best


def _search_whole(
    law: SelectionLaw, best: Maximum, rows: CountedRows, ranges: tuple[Range, ...], *, step: int
) -> Maximum:
    """Pattern search over the whole number, the other parameters fitted at each of its values."""
    which = law.parameters.index(law.whole)
    while step >= 1:
        tried = [_climb(law, start, rows, ranges) for start in _neighbours(best, which, step, ranges[which])]
        better = max(tried, key=lambda maximum: maximum.log_likelihood, default=best)
        if better.log_likelihood > best.log_likelihood:
            best = better
        else:
            step //= 2
    return best


def _neighbours(best: Maximum, which: int, step: int, allowed: Range) -> list[np.ndarray]:
    starts = []
    for value in (best.parameters[which] - step, best.parameters[which] + step):
        if allowed.lower <= value <= allowed.upper:
            starts.append(best.parameters.copy())
            starts[-1][which] = value
    return starts


def _climb(law: SelectionLaw, start: np.ndarray, rows: CountedRows, ranges: tuple[Range, ...]) -> Maximum:
    """Least squares of the deviance residuals: half their sum is the likelihood's distance from saturation.

    The deviance of Poisson counts with expectation N p is the multinomial's, since both sum to N in each row
    (McCullagh and Nelder 1989, section 6.4). The lapse is searched on a logarithmic axis, a whole number is
    held.
    """
    free = np.array([name != law.whole for name in law.parameters])
    lower, upper = (np.array([getattr(r, side) for r in ranges]) for side in ("lower", "upper"))
    margin = 1e-9 * (upper - lower)
    inside = np.clip(start, lower + margin, upper - margin)
    spiked, empty = rows.counts > 0, rows.mask & (rows.counts == 0)
    spikes, n_spikes = rows.counts[spiked], rows.n_spikes[:, None]

    def parameters_at(x: np.ndarray) -> np.ndarray:
        parameters = start.copy()
        parameters[free] = x
        parameters[-1] = np.exp(x[-1])
        return parameters

    def residuals(x: np.ndarray) -> np.ndarray:
        probability = law.probability(parameters_at(x), rows.scores, rows.mask)
        expected = n_spikes * probability
        return np.concatenate(
            [_deviance_residuals(spikes, expected[spiked]), -np.sqrt(2 * expected[empty])]  # at c = 0
        )

    climbed = least_squares(
        residuals,
        _log_last(inside)[free],
        bounds=(_log_last(lower)[free], _log_last(upper)[free]),
        x_scale="jac",
        ftol=1e-8,  # a thousandth of a nat or less at any deviance met
        xtol=1e-6,
        max_nfev=60,
    )
    return _at(law, parameters_at(climbed.x), rows)


def _log_last(parameters: np.ndarray) -> np.ndarray:
    return np.append(parameters[:-1], np.log(parameters[-1]))


def _deviance_residuals(counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """sign(c - mu) sqrt(2 (c log(c / mu) - c + mu)) for c > 0, accurate where c and mu nearly agree."""
    away = expected / counts - 1.0
    half = away - np.log(expected / counts)
    near = np.abs(away) < SERIES_BELOW
    half[near] = away[near] ** 2 * (0.5 - away[near] / 3 + away[near] ** 2 / 4)
    return -np.sign(away) * np.sqrt(2 * counts * half)


def _slope(law: SelectionLaw, parameters: np.ndarray, rows: CountedRows, which: int) -> np.ndarray:
    """d probability / d parameter, shape (n_rows, n_keys); 0 for a whole number."""
    if law.parameters[which] == law.whole:
        return np.zeros(rows.mask.shape)
    step = np.zeros(len(parameters))
    step[which] = 1e-4 * max(abs(parameters[which]), 1e-2)
    ahead, behind = (law.probability(parameters + s, rows.scores, rows.mask) for s in (step, -step))
    return (ahead - behind) / (2 * step[which])


def _root_of_inverse_diagonal(information: np.ndarray) -> np.ndarray:
    """sqrt(diag(information^-1)), nan where a parameter carries no information."""
    errors = np.full(len(information), np.nan)
    scale = np.sqrt(np.diag(information))
    known = scale > 0
    correlation = information[np.ix_(known, known)] / np.outer(scale[known], scale[known])
    variances = np.diag(np.linalg.pinv(correlation, hermitian=True))
    errors[known] = np.sqrt(np.maximum(variances, 0.0)) / scale[known]
    return errors
