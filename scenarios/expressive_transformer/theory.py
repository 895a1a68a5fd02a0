"""What sampling alone predicts for a construction: its error at N spikes, exactly, and the gain that suits N."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from scipy import stats

from pragmatic.machines.arithmetic import TwoKeys
from pragmatic.machines.memory import SelectorWidth

__all__ = [
    *("GAINS", "best_gain", "inputs", "majority_exponent", "predicted_error", "relative_to"),
    *("spikes_for_count", "wrong_count"),
]

GAINS = np.geomspace(0.05, 6.0, 33)  # among which the best is chosen for every number of spikes
QUANTILE = 2.576  # of the normal distribution, two-sided 1 %
GRID = 8  # points of each input over which the error is averaged


def inputs(n: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of numbers, uniform in -1 to 1, (n,) and (n,)."""
    x, y = torch.from_numpy(rng.uniform(-1, 1, (2, n)))
    return x, y


@cache
def best_gain(construction: TwoKeys, n_spikes: int, *, regular: bool) -> TwoKeys:
    """The construction with the gain whose predicted error is least at that many spikes."""
    prior = 1 / (2 * n_spikes)
    candidates = [replace(construction, gain=float(gain), prior=prior) for gain in GAINS]
    return min(candidates, key=lambda made: predicted_error(made, n_spikes, regular=regular))


def predicted_error(construction: TwoKeys, n_spikes: int, *, regular: bool) -> float:
    """Root mean square error over inputs and over counts, of e^x relative to it.

    Parameters
    ----------
    construction : TwoKeys
    n_spikes : int
    regular : bool
        Counts are N p rounded up or down without bias, as by systematic sampling, which regular cells come near
        to; otherwise they are binomial.
    """
    middle = (np.arange(GRID) + 0.5) / GRID * 2 - 1
    x, y = (torch.from_numpy(axis.ravel()) for axis in np.meshgrid(middle, middle))
    p = torch.softmax(construction.scores(x, y), dim=-1)[:, 0].numpy()
    first, second = construction.values(x, y).numpy().T
    count = np.arange(n_spikes + 1)
    output = second[:, None] + (first - second)[:, None] * count / n_spikes
    exact = construction.exact(x, y).numpy()[:, None]
    error = construction.read(torch.from_numpy(output)).numpy() - exact
    square = (error / relative_to(exact)) ** 2
    return float(np.sqrt((_chance(p, count, regular) * square).sum(axis=1).mean()))


def relative_to(exact: np.ndarray) -> np.ndarray:
    """What an error is divided by: a function that is above 0 everywhere is judged relative to itself."""
    return exact if bool((exact > 0).all()) else np.ones_like(exact)


def _chance(p: np.ndarray, count: np.ndarray, regular: bool) -> np.ndarray:
    """Probability of every count of the first key, (n,) and (N + 1,) -> (n, N + 1)."""
    n = count[-1]
    if not regular:
        return stats.binom.pmf(count, n, p[:, None])
    return np.clip(1 - np.abs(count - n * p[:, None]), 0, None)


def wrong_count(d: int, length: int, n_spikes: int, *, regular: bool) -> float:
    """Chance that d matches are read as another number."""
    share = np.arange(n_spikes + 1) / n_spikes
    midpoints = SelectorWidth.midpoints(length).numpy()
    read = (share[:, None] < midpoints).sum(1)
    return float(_chance(np.array([1 / (d + 1)]), np.arange(n_spikes + 1), regular)[0, read != d].sum())


def spikes_for_count(d: int) -> float:
    """Spikes at which random ones read d matches wrong in 1 %: half the gap to d + 1 is 2.576 standard errors."""
    p = 1 / (d + 1)
    return float((QUANTILE * 2 * (d + 1) * (d + 2)) ** 2 * p * (1 - p))


def majority_exponent(right: float, wrong: float) -> float:
    """Nats a spike by which the chance falls that the wrong key is ahead of the right one (Chernoff 1952)."""
    return float(-np.log(1 - right - wrong + 2 * np.sqrt(right * wrong)))
