"""Passes over (rows, keys) matrices, compiled, since they take longer with NumPy than a row's circuit."""

from __future__ import annotations

from typing import Any

import numpy as np

from spiking.kept_code import compiled

__all__ = ["faults", "packed", "put_back"]


@compiled(nogil=True)
def faults(scores: Any, present: Any) -> Any:
    """How many scores that take part are not finite, and how many rows have no key."""
    n_bad, n_empty = 0, 0
    inf = scores.dtype.type(np.inf)
    for r in range(scores.shape[0]):
        row, takes_part = scores[r], present[r]
        bad, held = np.int32(0), np.int32(0)
        for j in range(row.size):
            held += np.int32(takes_part[j])
            bad += np.int32(takes_part[j] & (not abs(row[j]) < inf))
        n_bad += int(bad)
        n_empty += held == 0
    return n_bad, n_empty


@compiled(nogil=True)
def packed(matrix: Any, present: Any, out: Any) -> None:
    """The entries that take part, row by row, one after another."""
    n = 0
    for r in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            if present[r, j]:
                out[n] = matrix[r, j]
                n += 1


@compiled(nogil=True)
def put_back(values: Any, present: Any, out: Any) -> None:
    """Entries as `packed` left them in their places, 0 elsewhere."""
    n = 0
    for r in range(out.shape[0]):
        for j in range(out.shape[1]):
            if present[r, j]:
                out[r, j] = values[n]
                n += 1
            else:
                out[r, j] = 0
