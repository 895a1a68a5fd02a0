"""The sampling floor: what a multinomial of as many spikes would score against its own weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from spiking.checks import MOST, check_rng, plain_array, positive_int, real_array, shown

__all__ = [
    "SamplingFloor",
    "check_draws",
    "kl_floor_nats",
    "multinomial_counts",
    "nan_moments",
    "sampling_floor",
    "total_variation_floor",
]

Metric = Callable[[np.ndarray, np.ndarray], np.ndarray]

MOST_DRAWS = 100_000
CELLS_AT_ONCE = 500_000  # counts drawn at a time, to bound the memory


@dataclass(frozen=True, kw_only=True)
class SamplingFloor:
    """A metric's distribution over multinomial samples, per row; nan where a row has no spike."""

    mean: np.ndarray  # (n_rows,)
    sd: np.ndarray  # (n_rows,)
    n_draws: int


def sampling_floor(
    metric: Metric, weights: np.ndarray, n_spikes: np.ndarray, rng: np.random.Generator, n_draws: int = 200
) -> SamplingFloor:
    """Mean and standard deviation of a metric over multinomial samples of `weights`.

    Parameters
    ----------
    metric : callable
        Takes counts and weights, both (..., n_keys), and gives (...,): any of `bridge.comparison.metrics`, with
        `functools.partial(rank_correlation, mask=mask)` where keys are masked. Draws that give nan are left
        out.
    weights : (n_rows, n_keys) array
        Target probabilities, 0 where masked.
    n_spikes : (n_rows,) array of int
        Spikes in each row.
    rng : numpy.random.Generator
    n_draws : int
        Samples of each row, at least 2.

    Returns
    -------
    SamplingFloor

    Raises
    ------
    ValueError
        For fewer than 2 draws.
    """
    check_draws(n_draws)
    check_rng(rng)
    if not callable(metric):
        raise TypeError(f"metric must be a function of counts and weights, got {shown(metric)}; use kl_nats.")
    weights, n_spikes = _checked(weights, n_spikes)
    values = np.concatenate(
        [metric(counts, weights) for counts in multinomial_counts(weights, n_spikes, rng, n_draws)]
    )
    mean, sd = nan_moments(values)
    return SamplingFloor(mean=mean, sd=sd, n_draws=n_draws)


def check_draws(n_draws: object) -> None:
    """Raise unless so many draws have a mean and a deviation."""
    positive_int("compare", "n_draws", n_draws, MOST_DRAWS)
    if n_draws == 1:
        raise ValueError("n_draws must be >= 2, got 1; use 50 or more.")


def _checked(weights: object, n_spikes: object) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n_rows, n_keys) and spikes (n_rows,) that belong together."""
    shares = real_array("weights", weights).astype(np.float64, copy=False)
    if shares.ndim != 2 or 0 in shares.shape:
        raise ValueError(f"weights must be (rows, keys), got shape {shares.shape}; reshape them.")
    if not (np.isfinite(shares).all() and (shares >= 0).all() and (shares.sum(axis=1) > 0).all()):
        raise ValueError("weights must be >= 0 with a sum > 0 in each row, got others; normalise them.")
    spikes = plain_array("n_spikes", n_spikes)
    if (
        spikes.dtype.kind not in "iu"
        or spikes.shape not in ((), (len(shares),))
        or (spikes < 0).any()
        or (spikes > MOST).any()
    ):
        raise ValueError(
            f"n_spikes must be a whole number >= 0 for each of {len(shares)} rows, got {shown(n_spikes)}; "
            "give the sums of counts."
        )
    return shares, spikes


def multinomial_counts(
    weights: np.ndarray, n_spikes: np.ndarray, rng: np.random.Generator, n_draws: int
) -> Iterator[np.ndarray]:
    """Blocks (n_in_block, n_rows, n_keys) of multinomial counts, `n_draws` in all."""
    weights = np.asarray(weights, dtype=np.float64)
    probability = weights / weights.sum(axis=-1, keepdims=True)
    block = max(1, CELLS_AT_ONCE // probability.size)
    for start in range(0, n_draws, block):
        size = (min(block, n_draws - start), len(probability))
        yield rng.multinomial(np.asarray(n_spikes), probability, size=size)


def kl_floor_nats(weights: np.ndarray, n_spikes: np.ndarray) -> np.ndarray:
    """(K - 1) / (2 N): the expected KL(share || weights) in nats to first order, shape (n_rows,).

    K is the number of keys of weight > 0. Good where each of them expects several spikes; with fewer the true
    value is smaller, and `sampling_floor(kl_nats, ...)` gives it. Miller (1955), in Quastler (ed.),
    Information theory in psychology, 95.
    """
    n_spikes = np.asarray(n_spikes, dtype=np.float64)
    return ((np.asarray(weights) > 0).sum(axis=-1) - 1) / np.where(n_spikes > 0, 2 * n_spikes, np.nan)


def total_variation_floor(weights: np.ndarray, n_spikes: np.ndarray) -> np.ndarray:
    """The expected total variation of a multinomial share from its weights, exact, shape (n_rows,).

    Half the sum over keys of the mean absolute deviation of a binomial,
    E|X - n p| = 2 (m + 1) C(n, m + 1) p^(m + 1) (1 - p)^(n - m), m = floor(n p), De Moivre 1730:
    Diaconis and Zabell (1991), Closed form summation for classical distributions, Stat. Sci. 6:284.
    For many spikes it is sum_j sqrt(p_j (1 - p_j) / (2 pi N)).
    """
    n = np.asarray(n_spikes, dtype=np.float64)[..., None]
    weights = np.asarray(weights, dtype=np.float64)
    p = weights / weights.sum(axis=-1, keepdims=True)
    certain = (p <= 0) | (p >= 1)
    inner = np.where(certain, 0.5, p)
    m = np.floor(n * inner)
    log_deviation = (
        np.log(2 * (m + 1))
        + gammaln(n + 1)
        - gammaln(m + 2)
        - gammaln(n - m)
        + (m + 1) * np.log(inner)
        + (n - m) * np.log1p(-inner)
    )
    deviation = np.where(certain, 0.0, np.exp(log_deviation))
    return deviation.sum(axis=-1) / np.where(n > 0, 2 * n, np.nan)[..., 0]


def nan_moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation down the columns, nan entries left out, nan where nothing is left."""
    there = ~np.isnan(values)
    n = there.sum(axis=0)
    mean = np.where(there, values, 0.0).sum(axis=0) / np.where(n > 0, n, np.nan)
    square = np.where(there, values - mean, 0.0) ** 2
    return mean, np.sqrt(square.sum(axis=0) / np.where(n > 1, n - 1, np.nan))
