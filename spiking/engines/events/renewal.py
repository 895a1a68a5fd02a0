"""Renewal cells in closed form: who is due on the row's clock.

A cell whose spikes take the threshold q off its hazard, and leave its membrane alone, fires when the row's clock
passes (q_1 + ... + q_m - h_0) / exp(gain x input), m = 1, 2, ... It has no state but m. Cells of one key that begin
evenly spread over their cycle, with one random phase U, fire in turn: they are one train of n_cells times the
rate, whose spike m is due at (m - U) q / (n_cells exp(gain x input)). Within a step a cell fires once at most, as a
stepped one.

No liberties with the order of arithmetic are taken here, so that a row's bits are the same however its kernel was
compiled or loaded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from spiking.engines.fused.random import uniform64
from spiking.engines.fused.simd import lowest_bit

__all__ = ["gather", "key_trains", "mark"]

LANES = 16  # trains that fill a vector
_NONE, _ONE = np.uint64(0), np.uint64(1)
_PHASES = 2**62  # where counters of starts begin (spiking.engines.fused.random)


@njit
def key_trains(
    key: Any, site: Any, quantum: Any, weight: Any, n_keys: Any, unit: Any, due: Any, gap: Any
) -> None:
    """When keys of evenly spread cells have their first spike, and from spike to spike."""
    one, spaced = weight.dtype.type(1), weight.dtype.type(quantum / unit)
    for j in range(n_keys):
        phase = weight.dtype.type(uniform64(key, _PHASES + (site << 20) + j))
        gap[j] = spaced / weight[j]
        due[j] = (one - phase) * gap[j]


@njit
def gather(
    first: Any, n_trains: Any, low: Any, high: Any, near: Any, due: Any, n_near: Any, flag: Any, words: Any
) -> Any:
    """Append the trains whose first spike is due in (low, high] to those near; how many these are.

    `due` is filled up to whole vectors with inf, for `mark`.
    """
    after, until = first.dtype.type(low), first.dtype.type(high)
    for j in range(n_trains):
        flag[j] = (first[j] > after) & (first[j] <= until)
    for j in range(n_trains, (n_trains + 7) // 8 * 8):
        flag[j] = 0
    for word in range((n_trains + 7) // 8):
        marked = words[word]
        while marked != _NONE:
            j = 8 * word + (lowest_bit(marked) >> 3)  # type: ignore[call-arg]  # numba fills in the context
            marked &= marked - _ONE
            near[n_near], due[n_near] = j, first[j]
            n_near += 1
    for k in range(n_near, (n_near + LANES - 1) // LANES * LANES):
        due[k] = np.inf
    return n_near


@njit
def mark(due: Any, n_near: Any, clock: Any, flag: Any) -> Any:
    """Mark the trains that are due, and whether any is; `due` is inf and room is left up to whole vectors."""
    is_any = np.uint8(0)
    for k in range((n_near + LANES - 1) // LANES * LANES):
        above = np.uint8(due[k] < clock)
        flag[k] = above
        is_any |= above
    return is_any
