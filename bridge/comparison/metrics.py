"""How near is a spiking selection to the weights it should have? One number per row for each sense of near.

`share` is a spike share or spike counts (they are normalised), `weights` the target; both (..., n_keys), and
`mask` is True where a key takes part. Leading dimensions broadcast. A silent row gives nan, never a number.
"""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr
from scipy.stats import rankdata

__all__ = [
    "cosine",
    "js_nats",
    "kl_nats",
    "rank_correlation",
    "top1_agreement",
    "total_variation",
]

TIE = 1e-9  # relative difference below which two weights tie


def kl_nats(share: np.ndarray, weights: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Kullback-Leibler divergence KL(share || weights) in nats, shape (...,).

    Infinite where a spike fell on a key of weight 0.
    """
    share, weights = _rows(share, weights, mask)
    return rel_entr(share, weights).sum(axis=-1)


def js_nats(share: np.ndarray, weights: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Jensen-Shannon divergence in nats, between 0 and log 2, shape (...,).

    Lin (1991), Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37:145.
    """
    share, weights = _rows(share, weights, mask)
    middle = (share + weights) / 2
    return (rel_entr(share, middle) + rel_entr(weights, middle)).sum(axis=-1) / 2


def total_variation(share: np.ndarray, weights: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Half the sum of absolute differences: the share of spikes that went elsewhere, shape (...,)."""
    share, weights = _rows(share, weights, mask)
    return np.abs(share - weights).sum(axis=-1) / 2


def top1_agreement(share: np.ndarray, weights: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Does the key with most spikes have the largest weight? Shape (...,), ties shared.

    The chance that one of the keys with most spikes, drawn at random, has the largest weight.
    """
    share, weights = _rows(share, weights, mask)
    winners, wanted = _largest(share), _largest(weights)
    return (winners & wanted).sum(axis=-1) / winners.sum(axis=-1) + 0.0 * share.sum(axis=-1)


def rank_correlation(share: np.ndarray, weights: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Spearman's rank correlation over the keys that take part, (...,); nan where either is constant."""
    share, weights = _rows(share, weights, mask)
    present = np.broadcast_to(np.True_ if mask is None else mask, share.shape)
    return _correlation(_ranks(share, present), _ranks(weights, present), present)


def cosine(output: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Cosine between vectors (..., d), shape (...,); nan where either is zero."""
    norms = np.linalg.norm(output, axis=-1) * np.linalg.norm(reference, axis=-1)
    return _ratio(np.sum(np.multiply(output, reference), axis=-1), norms)


def _rows(share: np.ndarray, weights: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64, 0 where masked, each row summing to 1, nan in silent rows."""
    both = []
    for array in (share, weights):
        array = np.asarray(array, dtype=np.float64)
        array = array if mask is None else np.where(mask, array, 0.0)
        both.append(_ratio(array, array.sum(axis=-1, keepdims=True)))
    return both[0], both[1]


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Their quotient, nan where the denominator is 0."""
    return numerator / np.where(denominator == 0, np.nan, denominator)


def _largest(weights: np.ndarray) -> np.ndarray:
    """True at the largest weight of a row and at those that tie with it; everywhere in a silent row."""
    weights = np.nan_to_num(weights)
    return weights >= weights.max(axis=-1, keepdims=True) * (1 - TIE)


def _ranks(weights: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Mid-ranks among the keys that take part, which come first because the others rank as infinite."""
    return rankdata(np.where(present, np.nan_to_num(weights), np.inf), axis=-1)


def _correlation(a: np.ndarray, b: np.ndarray, present: np.ndarray) -> np.ndarray:
    n_present = present.sum(axis=-1, keepdims=True)
    a, b = (np.where(present, x - (x * present).sum(axis=-1, keepdims=True) / n_present, 0.0) for x in (a, b))
    return _ratio((a * b).sum(axis=-1), np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1)))
