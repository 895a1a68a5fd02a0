"""Scores as a circuit's input: relative to their row, scaled, in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from spiking.kept_code import compiled

__all__ = ["relative_scores"]

_REFERENCES = {"max": 0, "mean": 1, "none": 2}


def relative_scores(scores: np.ndarray, present: np.ndarray, factor: float, reference: str) -> np.ndarray:
    """Compute factor x (score - reference of its row), (n_rows, n_keys), 0 for keys that take no part.

    Parameters
    ----------
    scores : (n_rows, n_keys) array of float
        The result has its precision; each value is computed in double precision.
    present : (n_rows, n_keys) bool array
        True where a key takes part.
    factor : float
    reference : {"max", "mean", "none"}
        What a row's scores are taken relative to.
    """
    out = np.empty_like(scores, order="C")
    _relative(np.ascontiguousarray(scores), present, factor, _REFERENCES[reference], out)
    return out


@compiled(nogil=True, fastmath={"nnan", "nsz"})
def _relative(scores: Any, present: Any, factor: Any, reference: Any, out: Any) -> None:
    n_rows, n_keys = scores.shape
    for r in range(n_rows):
        row, takes_part, result = scores[r], present[r], out[r]
        absent = 0
        for j in range(n_keys):
            absent += not takes_part[j]
        base = np.float64(0.0)
        if reference == 0:
            base = np.float64(_highest(row, takes_part, absent))
        elif reference == 1:
            for j in range(n_keys):
                base += np.float64(row[j]) if takes_part[j] else 0.0
            base /= n_keys - absent
        for j in range(n_keys):
            result[j] = factor * (np.float64(row[j]) - base)
        if absent:
            for j in range(n_keys):
                result[j] = result[j] if takes_part[j] else result.dtype.type(0)


@njit(fastmath={"nnan", "nsz"})
def _highest(row: Any, takes_part: Any, absent: Any) -> Any:
    """The highest score that takes part; without a choice in the loop, the compiler makes it SIMD."""
    highest = row.dtype.type(-np.inf)
    if absent:
        for j in range(row.size):
            if takes_part[j] and row[j] > highest:
                highest = row[j]
    else:
        for j in range(row.size):
            highest = max(highest, row[j])
    return highest
