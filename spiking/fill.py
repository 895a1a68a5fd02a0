"""Fill values that stand in place of a mask: scores so far below their row that no key competes with them."""

from __future__ import annotations

import warnings

import numpy as np

from spiking.checks import check_mask

__all__ = ["FAR", "LARGEST", "taking_part"]

FAR = 500.0  # temperatures below the row's maximum: a softmax weight of 7e-218
APART = 10.0  # a fill value is so many times as far below as any score that is none
LARGEST = 1e30  # of scores, which float32 holds with room for a gain


def taking_part(
    scores: np.ndarray,
    mask: np.ndarray | None,
    *,
    temperature: float = 1.0,
    counts: np.ndarray | None = None,
) -> np.ndarray:
    """Which keys compete, (n_rows, n_keys) bool: those of the mask, less those whose score is a fill value.

    Attention libraries write -1e9, -65504 or the lowest float into the scores of keys that are absent. No spike
    falls on such a key, but it is no evidence about the law either, and it would set the scale of every fit. A
    score is taken for one if it lies `FAR` temperatures (and as many units) below its row's maximum, and `APART`
    times as far as any score of the array that lies above that; a warning says so.

    Parameters
    ----------
    scores : (n_rows, n_keys) array
    mask : (n_rows, n_keys) bool array, optional
    temperature : float
        Of the softmax that the scores are for.
    counts : (n_rows, n_keys) array, optional
        Spikes: a key that had one competes.

    Raises
    ------
    ValueError, TypeError
        As `check_mask`; and for scores beyond `LARGEST` that are no fill values.
    """
    present = check_mask(scores, mask)
    with np.errstate(over="ignore", invalid="ignore"):
        if scores.max() - scores.min() < FAR:  # of most arrays; false where a masked score is nan
            return present
        depth = _below_maximum(scores, present)
        floor = _fill_depth(depth, temperature, None if counts is None else depth[counts > 0])
    if floor is not None:
        fills = depth >= floor
        present = present & ~fills
        warnings.warn(
            f"{fills.sum()} of {scores.size} scores lie {floor:.3g} or more below their row's maximum and are "
            "taken as masked keys; pass mask= to say so yourself.",
            UserWarning,
            stacklevel=3,
        )
    _check_size(scores, present)
    return present


def _below_maximum(scores: np.ndarray, present: np.ndarray) -> np.ndarray:
    """How far each score lies below its row's maximum, float64; 0 where masked."""
    wide = scores.astype(np.float64, copy=False)
    highest = np.max(wide, axis=1, keepdims=True, where=present, initial=-np.inf)
    return np.where(present, highest - wide, 0.0)


def _fill_depth(depth: np.ndarray, temperature: float, spiked: np.ndarray | None) -> float | None:
    """The depth from which on scores are fill values; None without one."""
    far = FAR * max(temperature, 1.0)
    deep = np.unique(depth[depth >= far])
    near = float(np.max(depth, where=depth < far, initial=0.0))
    if spiked is not None:
        near = max(near, float(np.max(spiked, initial=0.0)))
    above = np.concatenate([[near], deep[:-1]])[: len(deep)]  # the next smaller depth of each
    apart = deep >= APART * np.maximum(above, near)
    return float(deep[apart][0]) if apart.any() else None


def _check_size(scores: np.ndarray, present: np.ndarray) -> None:
    largest = float(np.max(np.abs(scores), where=present, initial=0.0))
    if largest > LARGEST:
        raise ValueError(
            f"scores must lie within +-{LARGEST:g}, got one of size {largest:.3g}; divide all by a constant."
        )
