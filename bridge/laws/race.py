"""Who is among the first k distinct keys to spike: the law of a race that goes on until it has k winners.

Keys of memoryless cells spike at rates in proportion to exp(score), so that first spikes come at exponential times.
Their order is then a Plackett-Luce sample (Luce 1959, Individual choice behavior; Plackett 1975, Appl. Stat.
24:193), which is the same as the k largest of scores with Gumbel noise (Yellott 1977, J. Math. Psychol. 15:109):

    P(order j_1, ..., j_k) = prod over i of p(j_i) / (1 - p(j_1) - ... - p(j_(i-1))),   p = softmax(scores).

A regular cell of a random phase has its first spike at a uniform time, within one period. Strong keys are then
among the winners for certain, and the race is closer to the k largest scores.
"""

from __future__ import annotations

import numpy as np

from spiking.checks import check_mask, check_rng, check_scores, known, positive_int
from spiking.measures.distinct import FirstDistinct

__all__ = ["ARRIVALS", "check_k", "draw_distinct", "inclusion", "mean_spikes"]

ARRIVALS = ("exponential", "uniform")
STEP = 0.25  # of log time; the trapezoidal rule errs by exp(-pi^2 / STEP) on functions such as t exp(-t)
EARLIEST, LATEST = 1e-12, 40.0  # times, in mean intervals of the fastest and of the slowest key
MIDPOINTS = 2000  # for uniform times, whose integrands have kinks: the error is below 1e-6


def inclusion(
    scores: np.ndarray, k: int, *, mask: np.ndarray | None = None, arrivals: str = "exponential"
) -> np.ndarray:
    """Compute the probability of each key to be among the first k, (n_rows, n_keys); each row sums to k.

    That is the chance that fewer than k of the others have spiked when a key first does, averaged over that time.

    Parameters
    ----------
    scores : (n_rows, n_keys) array
        In units of the temperature.
    k : int
    mask : (n_rows, n_keys) bool array, optional
        True where a key takes part.
    arrivals : {"exponential", "uniform"}
        Of first spikes: of memoryless cells, which gives Plackett-Luce, or of regular ones.
    """
    rates = _rates(scores, mask, k)
    known("arrivals", arrivals, ARRIVALS)
    part = _exponential if arrivals == "exponential" else _uniform
    chance = np.zeros(rates.shape)
    for key in range(rates.shape[1]):
        spiked, weight = part(rates, key)  # (n_nodes, n_rows, n_keys), (n_nodes, n_rows)
        others = np.delete(spiked, key, axis=2)
        chance[:, key] = (weight * _fewer(others, k)).sum(axis=0)
    return chance


def mean_spikes(scores: np.ndarray, k: int, *, mask: np.ndarray | None = None) -> np.ndarray:
    """Compute how many spikes memoryless cells fire on average until k distinct keys have spiked, (n_rows,).

    A row fires at a constant total rate, so that this is the mean waiting time times that rate (Wald 1944).
    """
    rates = _rates(scores, mask, k)
    time = _times(rates)  # (n_nodes, n_rows)
    waiting = _fewer(-np.expm1(-rates * time[:, :, None]), k)
    return STEP * (time * waiting).sum(axis=0) * rates.sum(axis=1)


def draw_distinct(
    scores: np.ndarray, k: int, rng: np.random.Generator, *, mask: np.ndarray | None = None
) -> FirstDistinct:
    """Draw the first k distinct keys of independent samples of the softmax: the fast twin of a simulation.

    The number of spikes between two winners is geometric, by the mass of those that have won. Times are nan.
    """
    rates = _rates(scores, mask, k)
    check_rng(rng)
    with np.errstate(divide="ignore"):
        order = np.argsort(np.log(rng.exponential(size=rates.shape)) - np.log(rates), axis=1)[:, :k]
    share = np.take_along_axis(rates / rates.sum(axis=1, keepdims=True), order, axis=1)
    left = np.clip(1 - share.cumsum(axis=1)[:, :-1], 1e-12, 1.0)
    return FirstDistinct(
        order=order,
        n_spikes=1 + rng.geometric(left).sum(axis=1),
        time_ms=np.full(len(order), np.nan),
        n_keys=rates.shape[1],
    )


def check_k(k: int, present: np.ndarray) -> None:
    """Raise unless every row has k keys that take part, (n_rows, n_keys) bool."""
    positive_int("first keys", "k", k)
    fewest = int(present.sum(axis=1).min())
    if k > fewest:
        raise ValueError(
            f"k must be at most the number of keys that take part, got {k} with {fewest} in a row; use less."
        )


def _rates(scores: np.ndarray, mask: np.ndarray | None, k: int) -> np.ndarray:
    """exp(score) relative to the row's largest, 0 where a key takes no part."""
    scores = check_scores(scores).astype(np.float64)
    present = check_mask(scores, mask)
    check_k(k, present)
    scores = np.where(present, scores, -np.inf)
    return np.exp(scores - scores.max(axis=1, keepdims=True))


def _times(rates: np.ndarray) -> np.ndarray:
    """Times evenly spaced in their logarithm, from before the first spike to after the last, (n_nodes, n_rows)."""
    slowest = np.where(rates > 0, rates, np.inf).min(axis=1)
    n_nodes = int(np.ceil(np.log(LATEST / EARLIEST / slowest.min()) / STEP))
    return EARLIEST * np.exp(STEP * np.arange(n_nodes))[:, None] * np.ones(len(rates))


def _exponential(rates: np.ndarray, key: int) -> tuple[np.ndarray, np.ndarray]:
    """Chances that keys have spiked at some times, and the weight of each time: that a key first spikes then."""
    time = _times(rates)
    due = rates[:, key] * time
    return -np.expm1(-rates * time[:, :, None]), STEP * due * np.exp(-due)


def _uniform(rates: np.ndarray, key: int) -> tuple[np.ndarray, np.ndarray]:
    """The same for keys whose first spike falls evenly into their period."""
    part = (np.arange(MIDPOINTS) + 0.5) / MIDPOINTS
    own = np.where(rates[:, key] > 0, rates[:, key], 1.0)
    spiked = np.minimum(1.0, part[:, None, None] * (rates / own[:, None]))
    return spiked, np.tile(np.where(rates[:, key] > 0, 1 / MIDPOINTS, 0.0), (MIDPOINTS, 1))


def _fewer(chance: np.ndarray, k: int) -> np.ndarray:
    """The chance that fewer than k of independent events (..., n) happen (Poisson binomial)."""
    exactly = np.zeros((*chance.shape[:-1], k))  # that 0, 1, ..., k - 1 have happened
    exactly[..., 0] = 1.0
    for event in range(chance.shape[-1]):
        happens = chance[..., event, None]
        moved = exactly[..., :-1] * happens
        exactly = exactly * (1 - happens)
        exactly[..., 1:] += moved
    return exactly.sum(axis=-1)
