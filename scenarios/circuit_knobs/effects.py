"""What two causes add to the log odds of a spike: a conditional logit of counts, and errors by leaving rows out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import softmax

__all__ = ["fitted_effects", "jackknife"]

MAX_STEPS = 40
CLOSE = 1e-9  # of a step, in nats
RIDGE = 1e-9  # of the information, for rows that say nothing of a cause
LARGEST = (
    10.0  # nats a unit, of a step and of a result: counts that only go to one side have no finite effect
)


def fitted_effects(counts: np.ndarray, causes: np.ndarray) -> np.ndarray:
    """Coefficients of softmax(causes @ coefficients) by maximum likelihood, Newton's method from 0.

    The likelihood is concave (McFadden 1974, Conditional logit analysis of qualitative choice behavior).

    Parameters
    ----------
    counts : (n_rows, n_keys) array
        Spikes.
    causes : (n_rows, n_keys, n_causes) array

    Returns
    -------
    (n_causes,) array
    """
    at, n_spikes = np.zeros(causes.shape[2]), counts.sum(axis=1)
    for _ in range(MAX_STEPS):
        share = softmax(causes @ at, axis=1)  # (n_rows, n_keys)
        apart = causes - np.einsum("rk,rki->ri", share, causes)[:, None]
        slope = np.einsum("rk,rki->i", counts, apart)
        information = np.einsum("rk,rki,rkj->ij", n_spikes[:, None] * share, apart, apart)
        information += RIDGE * (1 + np.trace(information)) * np.eye(len(at))
        step = np.clip(np.linalg.solve(information, slope), -LARGEST, LARGEST)
        at = np.clip(at + step, -LARGEST, LARGEST)
        if np.abs(step).max() < CLOSE:
            break
    return at


def jackknife(statistic: Callable[[np.ndarray], np.ndarray], n_rows: int, n_groups: int = 20) -> np.ndarray:
    """Standard errors of any statistic of rows, from its values without one group of them after the other.

    Shao and Tu (1995), The jackknife and bootstrap, section 2.3: groups of rows in place of single ones.

    Parameters
    ----------
    statistic : callable
        From row indices to an array.
    n_rows, n_groups : int
    """
    groups = np.array_split(np.arange(n_rows), min(n_groups, n_rows))
    without = np.stack([statistic(np.setdiff1d(np.arange(n_rows), group)) for group in groups])
    n = len(groups)
    spread: np.ndarray = np.sqrt((n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    return spread
