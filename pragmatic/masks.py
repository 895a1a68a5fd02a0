"""Masks: which keys take part in a row, and scores that respect it.

True takes part, as in `torch.nn.functional.scaled_dot_product_attention`; `torch.nn.MultiheadAttention` means
the opposite and takes `~mask`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pragmatic.checks import at_least

__all__ = ["causal_mask", "checked_scores", "masked_scores"]


def causal_mask(n_queries: int, n_keys: int, *, device: torch.device | str | None = None) -> Tensor:
    """Each query takes part with the keys up to its own position, aligned at the last key.

    The last query sees every key, as when the queries are the newest tokens over a cache of older keys.
    `scaled_dot_product_attention(is_causal=True)` aligns at the first key instead: the two are the same only
    for as many queries as keys.

    Returns
    -------
    Tensor, (n_queries, n_keys), bool
        True takes part.

    Raises
    ------
    ValueError
        Unless 1 <= n_queries <= n_keys: the first queries would see no key.
    """
    at_least("causal_mask", "n_queries", n_queries, 0)
    at_least("causal_mask", "n_keys", n_keys, 0)
    if not 1 <= n_queries <= n_keys:
        raise ValueError(
            f"causal_mask needs 1 <= n_queries <= n_keys, got n_queries={n_queries}, n_keys={n_keys}; "
            "pass the keys of the earlier positions too"
        )
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_queries)


def masked_scores(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Scores with -inf at every key that does not take part, checked, in single precision or better.

    Parameters
    ----------
    scores : Tensor, (..., n_queries, n_keys), float
        Anything may stand at a masked key, NaN included.
    mask : Tensor, broadcastable to the scores, bool, or None
        True takes part.

    Raises
    ------
    TypeError
        Scores that are not a floating-point tensor, or a mask that is not a bool one.
    ValueError
        As `ScoreMap` says.
    """
    checked_scores(scores, mask)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    if not bool((scores < math.inf).all()):  # false for NaN too
        raise ValueError(
            "scores must be finite, or -inf at a masked key, got nan or inf; look for an overflow"
        )
    _check_rows(scores)
    return scores.to(torch.promote_types(scores.dtype, torch.float32))


def checked_scores(scores: Tensor, mask: Tensor | None) -> None:
    """Raise unless scores and mask are tensors that belong together, whatever numbers are in them."""
    if not (isinstance(scores, Tensor) and scores.is_floating_point()):
        raise TypeError(f"scores must be a floating-point tensor, got {_kind(scores)}; convert with .float()")
    if scores.ndim == 0 or scores.shape[-1] == 0:
        raise ValueError(
            f"scores must have at least one key, the last dimension, got shape {_shape(scores)}; add one"
        )
    if scores.is_meta:
        raise ValueError(
            "scores must have values, got a tensor on the meta device; move the model to a real one"
        )
    if mask is not None:
        _check_mask(mask, scores)


def _check_mask(mask: Tensor, scores: Tensor) -> None:
    if not (isinstance(mask, Tensor) and mask.dtype == torch.bool):
        raise TypeError(
            f"mask must be a bool tensor in which True takes part, got {_kind(mask)}; convert with .bool()"
        )
    try:
        fits = torch.broadcast_shapes(mask.shape, scores.shape) == scores.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"mask must broadcast to the scores' shape {_shape(scores)}, got {_shape(mask)}; "
            "give it one entry for each query and key"
        )


def _check_rows(scores: Tensor) -> None:
    empty = scores.isneginf().all(-1)
    if bool(empty.any()):
        raise ValueError(
            f"every row must have a key that takes part, got {int(empty.sum())} of {empty.numel()} rows with "
            f"all keys masked (first at {tuple(empty.nonzero()[0].tolist())}); drop these queries or unmask"
        )


def _kind(value: object) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
