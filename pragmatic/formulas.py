"""The formulas of the score maps, each written once, for numpy arrays and for torch tensors.

Scores come as (..., n_keys) in floating point, -inf at a masked key and at least one finite score in every row;
weights of the same shape go out. The score maps of a model call these with tensors and get gradients, a fit of
selection laws to spike counts calls them with arrays: on a few hundred short rows numpy is three to five times
faster. This file loads no torch; whoever brings a tensor has.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["divisive", "entmax", "even", "from_top", "power", "softmax", "top_k", "uniform"]

A = TypeVar("A", np.ndarray, "Tensor")

MAX_STEPS = 60
TOLERANCE = (
    4096  # of a row's sum in Newton's method, in units of the type's rounding: 1e-12 in double precision
)


def softmax(scores: A, temperature: float = 1.0) -> A:
    """exp(s_j / T) over its sum."""
    below = from_top(scores) / temperature
    if not isinstance(below, np.ndarray):
        return below.softmax(-1)
    weights = np.exp(below)
    return weights / weights.sum(axis=-1, keepdims=True)


def top_k(scores: A, k: int, temperature: float = 1.0) -> A:
    """Softmax over the k largest scores of a row, and over those that tie with the last of them."""
    last = _kth_largest(_fixed(scores), min(k, scores.shape[-1]))
    return softmax(_library(scores).where(scores >= last, scores, -np.inf), temperature)


def power(scores: A, offset: float, exponent: float) -> A:
    """relu(s_j + offset)^exponent over its sum; uniform in a row where no key is driven."""
    xp, drive = _library(scores), _rectified(scores + offset)
    largest = _largest(drive)
    driven = largest > 0
    raised = (drive / xp.where(driven, largest, 1.0)) ** exponent
    raised = xp.where(driven, raised, ~xp.isneginf(scores))
    return raised / raised.sum(axis=-1, keepdims=True)


def divisive(scores: A, exponent: float, semisaturation: float) -> A:
    """(r_j^n + sigma^n / n_keys) / (sigma^n + sum_k r_k^n) with r = relu(s) and sigma > 0."""
    xp, drive = _library(scores), _rectified(scores)
    unit = _largest(drive).clip(min=semisaturation)  # so that powers cannot overflow
    raised = (drive / unit) ** exponent
    rest = (semisaturation / unit) ** exponent
    return (raised + rest * uniform(scores)) / (xp.sum(raised, axis=-1, keepdims=True) + rest)


def uniform(scores: A) -> A:
    """The same weight for every key that takes part."""
    return even(~_library(scores).isneginf(scores), like=scores)


def even(chosen: A, *, like: A) -> A:
    """Equal weights on the chosen keys, of the type of `like`."""
    ones = _library(like).where(chosen, _library(like).ones_like(like), 0.0)
    return ones / ones.sum(axis=-1, keepdims=True)


def entmax(scores: A, alpha: float) -> A:
    """[(alpha - 1) s_j - tau]_+ ^ (1 / (alpha - 1)) with tau so that a row sums to 1; alpha > 1.

    The threshold tau comes from Newton's method within a bracket. The package `entmax` bisects, which takes 50
    steps for every row instead of about ten, and ten to thirty times as long.
    """
    xp, root = _library(scores), 1 / (alpha - 1)
    z = (alpha - 1) * from_top(scores)
    fixed = _fixed(z)
    tau = _threshold(fixed.reshape(-1, fixed.shape[-1]), alpha).reshape(*fixed.shape[:-1], 1)
    kept = fixed > tau
    above = xp.where(kept, z, tau + 1) - tau  # 1 off the support, where a power might have no slope
    weights = xp.where(kept, _moving(above, kept, root) ** root, 0.0)
    return weights / weights.sum(axis=-1, keepdims=True)


def from_top(scores: A) -> A:
    """Distance below the row's largest score, for maps that a shift of the row does not change."""
    return scores - _largest(scores)


def _largest(scores: A) -> A:
    """The largest score of each row, a constant to the gradient."""
    return _library(scores).amax(_fixed(scores), axis=-1, keepdims=True)


def _rectified(scores: A) -> A:
    if isinstance(scores, np.ndarray):
        return np.maximum(scores, 0.0)  # a third of the time of a choice
    return _library(scores).where(scores > 0, scores, 0.0)


def _library(array: np.ndarray | Tensor) -> Any:
    """The library of an array; both use the same names for all that is called here."""
    return np if isinstance(array, np.ndarray) else sys.modules["torch"]


def _fixed(array: A) -> A:
    """The same numbers, without their gradient."""
    return array if isinstance(array, np.ndarray) else array.detach()


def _kth_largest(scores: A, k: int) -> A:
    if isinstance(scores, np.ndarray):
        return np.partition(scores, -k, axis=-1)[..., -k, None]
    return scores.topk(k, dim=-1).values[..., -1:]


def _moving(above: A, kept: A, root: float) -> A:
    """`above` with the gradient of the threshold, which follows its keys in proportion to their slopes."""
    if isinstance(above, np.ndarray) or not above.requires_grad:
        return above
    xp, fixed = _library(above), above.detach()
    slope = xp.where(kept, fixed ** (root - 1), 0.0)
    share = slope / slope.sum(-1, keepdim=True)
    return above - (share * (above - fixed)).sum(-1, keepdim=True)


def _threshold(z: A, alpha: float) -> A:
    """tau of each row of (n_rows, n_keys), as (n_rows, 1); rows leave as they converge."""
    xp, root = _library(z), 1 / (alpha - 1)
    n_keys = xp.where(xp.isneginf(z), 0.0, xp.ones_like(z)).sum(axis=-1, keepdims=True)
    low = xp.full_like(n_keys, -1.0)  # the largest key alone would have weight 1
    high = -(n_keys ** (1 - alpha))  # equal keys would sum to 1
    here, tau, rows = low, xp.full_like(low, -1.0), xp.arange(len(z))
    for _ in range(MAX_STEPS):
        above = xp.where(z > here, z - here, 0.0)
        weights = above**root
        excess = weights.sum(axis=-1, keepdims=True) - 1
        slope = root * (weights / xp.where(above > 0, above, 1.0)).sum(axis=-1, keepdims=True)
        low, high = xp.where(excess > 0, here, low), xp.where(excess > 0, high, here)
        newton = here + excess / slope
        here = xp.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        tau[rows] = here
        left = (abs(excess) > TOLERANCE * xp.finfo(z.dtype).eps)[:, 0]
        if not bool(left.any()):
            break
        rows, z, here, low, high = (part[left] for part in (rows, z, here, low, high))
    return tau
