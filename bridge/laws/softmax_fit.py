"""The one-parameter fit for calibration and single heads: beta of a softmax, by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bridge.laws.counted import CountedRows, pearson_dispersion
from pragmatic import formulas

__all__ = ["MAX_HALVINGS", "SoftmaxFit", "fit_softmax", "newton_beta", "softmax"]

MAX_STEPS = 60
MAX_HALVINGS = 60  # of a step, which then is below rounding
TOLERANCE = 1e-10  # of beta, relative


@dataclass(frozen=True, kw_only=True)
class SoftmaxFit:
    """weights = softmax(beta * scores), fitted.

    `beta` and its error are nan where the data do not constrain beta: no row with a spike and two keys of
    different scores. It is +inf (or -inf) where every spike went to a row's largest (smallest) score.
    """

    beta: float  # inverse temperature of the scores as given
    beta_se: float  # from the information of a multinomial
    beta_se_quasi: float  # beta_se * sqrt(dispersion): allows for bursts and regularity
    dispersion: float  # Pearson chi-square per degree of freedom; 1 = multinomial
    log_likelihood_per_spike: float  # nats, without the multinomial coefficient
    n_rows: int  # rows that entered
    n_silent: int
    n_single: int  # rows with one key
    n_spikes: int  # in the rows that entered


def fit_softmax(counts: object, scores: object, mask: object = None) -> SoftmaxFit:
    """Fit beta of softmax(beta * scores) to spike counts by maximum likelihood.

    Parameters
    ----------
    counts : (n_rows, n_keys) array or tensor
        Spikes per key.
    scores : (n_rows, n_keys) array or tensor
        Divide by the temperature beforehand to get beta x temperature.
    mask : (n_rows, n_keys) bool array or tensor, optional
        True where a key takes part.

    Returns
    -------
    SoftmaxFit

    Raises
    ------
    ValueError, TypeError
        As `CountedRows.of`.

    Notes
    -----
    The log-likelihood is concave in beta, with slope sum_j c_j s_j - N E_p[s] and curvature -N Var_p[s] per
    row, so that observed and expected information agree: McCullagh and Nelder (1989), Generalized linear
    models, section 2.5. Errors assume the multinomial; `beta_se_quasi` is their section 9.2.
    """
    rows, unit = _in_units(CountedRows.of(counts, scores, mask))
    beta = _newton(rows)
    if not np.isfinite(beta):
        return _summary(rows, beta, beta_se=beta, dispersion=np.nan, log_likelihood=np.nan)
    weights = softmax(rows.scores, rows.mask, beta)
    _, information = _slope_and_information(rows, weights)
    return _summary(
        rows,
        beta / unit,
        beta_se=information**-0.5 / unit,
        dispersion=pearson_dispersion(rows, weights, 1),
        log_likelihood=_log_likelihood(rows, weights),
    )


def softmax(scores: np.ndarray, mask: np.ndarray, beta: float = 1.0) -> np.ndarray:
    """softmax(beta * scores) over the keys that take part, shape (n_rows, n_keys), 0 where masked."""
    return formulas.softmax(np.where(mask, beta * scores, -np.inf))


def _separated(rows: CountedRows) -> float | None:
    """nan, +inf or -inf where the likelihood has no finite maximum, None where it has one."""
    highest = np.max(rows.scores, axis=1, keepdims=True, where=rows.mask, initial=-np.inf)
    lowest = np.min(rows.scores, axis=1, keepdims=True, where=rows.mask, initial=np.inf)
    below = np.sum(rows.counts * (highest - rows.scores), where=rows.mask)
    above = np.sum(rows.counts * (rows.scores - lowest), where=rows.mask)
    if below == 0 and above == 0:
        return np.nan
    if below == 0:
        return np.inf
    return -np.inf if above == 0 else None


def newton_beta(rows: CountedRows) -> float:
    """beta of largest likelihood; nan or infinite as `SoftmaxFit` says."""
    rows, unit = _in_units(rows)
    return _newton(rows) / unit


def _in_units(rows: CountedRows) -> tuple[CountedRows, float]:
    """Scores below their row's maximum, at most 1, and the unit that they are in: no product of them overflows."""
    highest = np.max(rows.scores, axis=1, keepdims=True, where=rows.mask, initial=-np.inf)
    below = np.where(rows.mask, rows.scores - highest, 0.0)
    unit = float(-np.min(below, initial=0.0)) or 1.0
    return replace(rows, scores=below / unit), unit


def _newton(rows: CountedRows) -> float:
    extreme = _separated(rows)
    if extreme is not None:
        return extreme
    beta = 0.0
    best = _log_likelihood(rows, softmax(rows.scores, rows.mask, beta))
    for _ in range(MAX_STEPS):
        slope, information = _slope_and_information(rows, softmax(rows.scores, rows.mask, beta))
        step = slope / information
        if abs(step) <= TOLERANCE * max(abs(beta), 1e-3):
            break
        reached = _uphill(rows, beta, step, best)
        if reached is None:
            break
        beta, best = reached
    return float(beta)


def _uphill(rows: CountedRows, beta: float, step: float, best: float) -> tuple[float, float] | None:
    """The step, halved until the likelihood no longer falls by more than rounding; None where it always does."""
    for _ in range(MAX_HALVINGS):
        reached = _log_likelihood(rows, softmax(rows.scores, rows.mask, beta + step))
        if reached >= best - 1e-12 * abs(best):
            return beta + step, reached
        step /= 2
    return None


def _slope_and_information(rows: CountedRows, weights: np.ndarray) -> tuple[float, float]:
    mean = np.sum(weights * rows.scores, axis=1, keepdims=True)
    from_mean = np.where(rows.mask, rows.scores - mean, 0.0)
    variance = np.sum(weights * from_mean**2, axis=1)
    return float(np.sum(rows.counts * from_mean)), float(np.sum(rows.n_spikes * variance))


def _log_likelihood(rows: CountedRows, weights: np.ndarray) -> float:
    spiked = rows.counts > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(rows.counts[spiked] * np.log(weights[spiked])))


def _summary(
    rows: CountedRows, beta: float, *, beta_se: float, dispersion: float, log_likelihood: float
) -> SoftmaxFit:
    n_spikes = int(rows.counts.sum())
    return SoftmaxFit(
        beta=beta,
        beta_se=abs(beta_se),
        beta_se_quasi=abs(beta_se) * float(np.sqrt(dispersion)),
        dispersion=dispersion,
        log_likelihood_per_spike=log_likelihood / n_spikes if n_spikes else np.nan,
        n_rows=len(rows),
        n_silent=rows.n_silent,
        n_single=rows.n_single,
        n_spikes=n_spikes,
    )
