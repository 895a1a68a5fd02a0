"""From a tensor of scores to rows for a circuit, and from spike counts to weights: one pass over memory each.

A tensor is taken where it lies. Leading dimensions that are transposed, or broadcast over heads or over queries
that share their keys, become the place of each row in memory, not a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pragmatic.masks import masked_scores
from spiking.kept_code import compiled
from spiking.threads import each, usable_cores

__all__ = ["ScoreRows", "Shares", "in_parts", "lines"]

_PART = 500_000  # numbers that are worth a thread
_AT_ONCE = 2**20  # numbers; new memory takes longer to get than a row's circuit to run


class ScoreRows:
    """A tensor of scores as rows, which are made finite a part at a time.

    Parameters
    ----------
    scores : Tensor, (..., n_queries, n_keys), float
    mask : Tensor, broadcastable to the scores, bool, optional
        True where a key takes part; a score of -inf masks its key too.
    grid : float, optional
        Scores are rounded to multiples of it.
    """

    def __init__(self, scores: Tensor, mask: Tensor | None, grid: float | None = None) -> None:
        self.scores, self.mask = scores, mask
        precise = scores.detach().to(device="cpu", dtype=torch.promote_types(scores.dtype, torch.float32))
        self._given = precise.reshape(-1, scores.shape[-1]).numpy()
        self._step = self._given.dtype.type(0 if grid is None else grid)
        if mask is None:
            self._allowed, self._allowed_at = (
                np.ones(scores.shape[-1], dtype=np.bool_),
                np.zeros(1, dtype=np.int64),
            )
        else:
            self._allowed, self._allowed_at = lines(mask.cpu().expand(scores.shape))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and keys."""
        n_rows, n_keys = self._given.shape
        return n_rows, n_keys

    def parts(self) -> list[range]:
        """Rows that pass through the circuit together: their numbers stay in the processor's cache."""
        n_rows, n_keys = self.shape
        each = max(1, _AT_ONCE // n_keys)
        return [range(first, min(first + each, n_rows)) for first in range(0, n_rows, each)] or [range(0)]

    def clean(self, part: range, threads: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """Make some consecutive rows finite.

        Parameters
        ----------
        part : range
        threads : int, optional
            As many as there are cores, unless given.

        Returns
        -------
        rows : (n_rows, n_keys) array, float32 or float64
            0 at a masked key.
        present : (n_rows, n_keys) bool array or None
            None where every key takes part.

        Raises
        ------
        ValueError
            For a score that is nan or inf, and a row without a key.
        """
        given = self._given[part.start : part.stop]
        allowed_at = self._allowed_at
        if len(allowed_at) > 1:
            allowed_at = allowed_at[part.start : part.stop]
        rows, present = np.empty_like(given), np.empty(given.shape, dtype=np.bool_)
        seen = in_parts(
            lambda first, stop: _cleaned(
                given, self._allowed, allowed_at, self._step, rows, present, first, stop
            ),
            len(given),
            given.shape[1],
            threads,
        )
        n_present, n_bad, n_empty = np.sum(seen, axis=0)
        if n_bad or n_empty:
            masked_scores(self.scores, self.mask)  # says which, and where
        return rows, None if n_present == given.size else present


class Shares:
    """Each key's share of its row's spikes, 0 in a silent row, filled in a part of the rows at a time.

    Attributes
    ----------
    weights : Tensor, (n_rows, n_keys), float32 or float64
    totals : (n_rows,) int64 array
        Spikes of each row.
    """

    def __init__(self, shape: tuple[int, int], dtype: torch.dtype) -> None:
        with torch.inference_mode(False):  # otherwise the tensor would not count its changes (`SpikeCounts`)
            self.weights = torch.empty(
                shape, dtype=torch.float64 if dtype == torch.float64 else torch.float32, device="cpu"
            )
        self.totals = np.empty(shape[0], dtype=np.int64)

    def fill(self, part: range, counts: np.ndarray, threads: int | None = None) -> None:
        """Take over the counts of some consecutive rows, (n_rows, n_keys) int64."""
        here = slice(part.start, part.stop)
        into = self.weights.numpy()[here], self.totals[here]
        in_parts(
            lambda first, stop: _shared(counts, *into, first, stop), len(counts), counts.shape[1], threads
        )


def lines(tensor: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The memory of a tensor as one flat array, and where in it each line along the last dimension begins."""
    if tensor.stride(-1) != 1 and tensor.shape[-1] > 1:
        tensor = tensor.contiguous()
    at = np.zeros(1, dtype=np.int64)
    for size, stride in zip(tensor.shape[:-1], tensor.stride()[:-1], strict=True):
        at = (at[:, None] + np.arange(size, dtype=np.int64) * stride).ravel()
    reach = int(at[-1]) + tensor.shape[-1] if at.size else 0
    return tensor.detach().as_strided((reach,), (1,)).numpy(), at


def in_parts(
    run: Callable[[int, int], Any], n_rows: int, n_numbers: int, threads: int | None = None
) -> list[Any]:
    """Call `run(first, stop)` over consecutive rows, on as many threads as their numbers are worth."""
    n_parts = max(1, min(threads or usable_cores(), n_rows, n_rows * n_numbers // _PART))
    if n_parts == 1:
        return [run(0, n_rows)]
    ends = np.linspace(0, n_rows, n_parts + 1).astype(int)
    return each(lambda part: run(*part), pairwise(ends), n_parts)


@compiled(nogil=True)
def _cleaned(
    given: Any, allowed: Any, allowed_at: Any, step: Any, rows: Any, present: Any, first: Any, stop: Any
) -> Any:
    """How many keys take part, how many of these have no finite score, and how many rows have none."""
    n_keys, nothing = given.shape[1], given.dtype.type(0)
    inf = given.dtype.type(np.inf)
    n_present, n_bad, n_empty = 0, 0, 0
    for row in range(first, stop):
        at = allowed_at[row if len(allowed_at) > 1 else 0]
        score, may, clean, takes_part = given[row], allowed[at : at + n_keys], rows[row], present[row]
        held, bad = np.int32(0), np.int32(0)
        for key in range(n_keys):  # without a branch, so that it runs on several keys at once
            s = score[key]
            p = may[key] & (s != -inf)
            takes_part[key] = p
            clean[key] = s if p else nothing
            held += np.int32(p)
            bad += np.int32(p & (not s < inf))
        if step != nothing:
            for key in range(n_keys):
                clean[key] = np.rint(clean[key] / step) * step
        n_present += int(held)
        n_bad += int(bad)
        n_empty += held == 0
    return n_present, n_bad, n_empty


@compiled(nogil=True)
def _shared(counts: Any, weights: Any, totals: Any, first: Any, stop: Any) -> None:
    one = weights.dtype.type(1)
    for row in range(first, stop):
        total = 0
        for key in range(counts.shape[1]):
            total += counts[row, key]
        whole = weights.dtype.type(total) if total else one
        for key in range(counts.shape[1]):
            weights[row, key] = weights.dtype.type(counts[row, key]) / whole
        totals[row] = total
