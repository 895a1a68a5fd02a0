"""The output of a head from spikes: the mean of the value vectors of the keys that spiked, one for each spike.

    output = (1 / N) sum over spikes of v_key

With N spikes on n keys that is weights @ value without the products by 0: N additions of a vector in place of n
multiply-accumulates, and only value vectors of keys that spiked are touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bridge.bill.usage import Work, is_heard, report_work
from bridge.heads.rows import in_parts, lines
from spiking.checks import known
from spiking.kept_code import compiled

__all__ = ["READOUTS", "SpikeCounts", "cheaper_by_spikes", "read_out"]

READOUTS = ("auto", "product", "spikes")
# Measured (docs/benchmarks.md): a product reads a value matrix once for all of its queries, an addition reads a
# vector for itself. So a vector takes the time of as many keys of the product as there are queries, up to the
# number from which on arithmetic limits the product. Below some hundred keys neither way is worth a choice.
MOST_KEYS_A_VECTOR = 32
FEWEST_KEYS = 256


@dataclass(frozen=True, eq=False)
class SpikeCounts:
    """Spikes of the rows of one call, as shares: counts are as large again, and seldom wanted.

    The shares are the tensor that the caller got, not a copy, which would take memory and time for each call.
    So counts are refused once it has been changed.
    """

    weights: Tensor  # (n_rows, n_keys) float: each key's share, 0 in a silent row
    totals: np.ndarray  # (n_rows,) int64: spikes of each row
    budget: int | None = None  # spikes that end a row
    version: int = field(init=False)  # of the tensor: its views share it, and a change in place raises it

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", _version(self.weights))

    @cached_property
    def counts(self) -> np.ndarray:
        """(n_rows, n_keys) int64; a share times its row's total is next to a whole number.

        Raises
        ------
        ValueError
            If the weights have been changed in place: by an operation of PyTorch, or, through an array that
            shares their memory, such that a row has more or fewer spikes than it had.
        """
        changed = _version(self.weights) != self.version
        shares = self.weights.detach().numpy()
        counts = np.rint(shares * self.totals[:, None].astype(np.float64)).astype(np.int64)
        if changed or not np.array_equal(counts.sum(axis=1), self.totals):
            raise ValueError(
                "counts need the weights as the last call returned them, got weights changed in place; read "
                "counts first, or change weights.clone()."
            )
        return counts

    @property
    def of_a_row(self) -> float:
        """Spikes to expect in a row: the budget, which does not depend on other rows, or the average."""
        if self.budget is not None:
            return self.budget
        return float(self.totals.mean()) if len(self.totals) else 0.0


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def cheaper_by_spikes(n_spikes: float, n_keys: int, n_queries: int) -> bool:
    """Whether adding a vector for each spike is likely to take less time than the product.

    Parameters
    ----------
    n_spikes : float
        Of a row.
    n_keys, n_queries : int
        Of one value matrix.
    """
    return n_keys >= FEWEST_KEYS and n_spikes * min(n_queries, MOST_KEYS_A_VECTOR) <= n_keys


def read_out(
    weights: Tensor, value: Tensor, spikes: SpikeCounts, *, how: str = "auto", dropout: float = 0.0
) -> Tensor:
    """Compute weights @ value, by spikes where that is asked for or cheaper.

    Both ways give the same numbers up to the order of additions, and the same gradients.

    Parameters
    ----------
    weights : Tensor, (..., n_queries, n_keys)
        Spike shares, some of them possibly dropped.
    value : Tensor, (..., n_keys, dim_value)
        Its leading dimensions broadcast to those of the weights; a broadcast tensor is not copied.
    spikes : SpikeCounts
        Of which the weights are the shares.
    how : {"auto", "product", "spikes"}
    dropout : float
        Probability with which weights were dropped; the others have grown by 1 / (1 - dropout).

    Returns
    -------
    Tensor, (..., n_queries, dim_value)
    """
    known("readout", how, READOUTS)
    n_queries, n_keys = weights.shape[-2:]
    if how == "auto":
        how = "spikes" if cheaper_by_spikes(spikes.of_a_row, n_keys, n_queries) else "product"
    if how == "product" or dropout == 1:
        return weights @ value
    whole = value.expand(*weights.shape[:-2], *value.shape[-2:])
    return _BySpikes.apply(weights, whole, spikes, dropout)


class _BySpikes(torch.autograd.Function):
    """The sum going forward; going back the gradient of weights @ value, which it equals."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, value: Tensor, spikes: SpikeCounts, dropout: float) -> Tensor:
        ctx.save_for_backward(weights, value)
        counts = spikes.counts
        if dropout:
            kept = weights.detach().cpu().reshape(counts.shape) != 0
            counts = np.where(kept.numpy(), counts, 0)
        added = _added(counts, value, spikes.totals * (1.0 - dropout), weights.shape[-2])
        return added.reshape(*weights.shape[:-1], value.shape[-1]).to(value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        weights, value = ctx.saved_tensors
        of_weights = gradient @ value.mT if ctx.needs_input_grad[0] else None
        of_value = weights.mT @ gradient if ctx.needs_input_grad[1] else None
        return of_weights, of_value, None, None


def _added(counts: np.ndarray, value: Tensor, whole: np.ndarray, n_queries: int) -> Tensor:
    """The sums over spikes divided by `whole`, (n_rows, dim_value), and their report to open counters."""
    dim, n_keys = value.shape[-1], value.shape[-2]
    precise = value.detach().cpu().to(torch.promote_types(value.dtype, torch.float32))
    vectors, at = lines(precise)
    at = at.reshape(-1, n_keys)  # where each key's vector lies
    output = torch.empty(len(counts), dim, dtype=precise.dtype, device="cpu")
    into = output.numpy()
    in_parts(
        lambda first, stop: _summed(counts, vectors, at, whole, n_queries, into, first, stop), *counts.shape
    )
    if is_heard():
        touched = _touched(counts, at, n_queries) * dim * value.element_size()
        moved = touched + output.numel() * value.element_size() + counts.nbytes
        report_work(Work.by_spikes(rows=len(counts), spikes=int(counts.sum()), dim=dim, bytes_tensor=moved))
    return output


def _touched(counts: np.ndarray, at: np.ndarray, n_queries: int) -> int:
    """Value vectors that any query needs, each once wherever it lies."""
    needed = (counts.reshape(-1, n_queries, counts.shape[1]) > 0).any(axis=1)
    return len(np.unique(at[needed]))


@compiled(nogil=True, fastmath={"contract"})
def _summed(
    counts: Any, vectors: Any, at: Any, whole: Any, n_queries: Any, output: Any, first: Any, stop: Any
) -> None:
    """Add up each row's vectors; c spikes of one key add c times its vector at once."""
    n_keys, dim = counts.shape[1], output.shape[1]
    spiked = np.empty(n_keys + 1, dtype=np.int64)
    for row in range(first, stop):
        n = _keys_that_spiked(counts[row], spiked)
        total, begins = output[row], at[row // n_queries]
        total[:] = 0
        for key in spiked[:n]:
            times = total.dtype.type(counts[row, key])
            vector = vectors[begins[key] : begins[key] + dim]
            for j in range(dim):
                total[j] += times * vector[j]
        if whole[row] > 0:
            part = total.dtype.type(1 / whole[row])
            for j in range(dim):
                total[j] *= part


@compiled(nogil=True)
def _keys_that_spiked(count: Any, spiked: Any) -> Any:
    """List them in `spiked`, and say how many; most of eight neighbours at a time have no spike."""
    n, whole = 0, len(count) - len(count) % 8
    for k in range(0, whole, 8):  # written out, since a compiler does not unroll the inner loop
        low = count[k] | count[k + 1] | count[k + 2] | count[k + 3]
        if low | count[k + 4] | count[k + 5] | count[k + 6] | count[k + 7]:
            for key in range(k, k + 8):
                spiked[n] = key
                n += count[key] != 0
    for key in range(whole, len(count)):
        spiked[n] = key
        n += count[key] != 0
    return n
