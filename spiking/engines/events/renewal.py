"""Renewal cells in closed form: who is due on the row's clock.

A cell whose spikes take the threshold q off its hazard, and leave its membrane alone, fires when the row's clock
passes (q_1 + ... + q_m - h_0) / exp(gain x input), m = 1, 2, ... It has no state but m. Where all its thresholds
are one q, it has fired floor(h_0 / q + clock exp(gain x input) / q) times. Cells of one key that begin evenly
spread over their cycle, with one random phase U, fire in turn: they are one train of n_cells times the rate, which
has fired floor(U + clock n_cells exp(gain x input) / q) times. Within a step a cell fires once at most, as a
stepped one.

No liberties with the order of arithmetic are taken here, so that a row's bits are the same however its kernel was
compiled or loaded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from spiking.engines.fused.random import uniform64
from spiking.engines.fused.simd import floor, fma, lowest_bit

__all__ = [
    "VECTOR",
    "advance",
    "gather",
    "gather_periodic",
    "in_turn",
    "key_phases",
    "mark",
    "pace",
    "take_stock",
]

VECTOR = 16  # trains that fill one
_NONE, _ONE = np.uint64(0), np.uint64(1)
_PHASES = 2**62  # where counters of starts begin (spiking.engines.fused.random)


@njit
def key_phases(key: Any, site: Any, n_keys: Any, phase: Any) -> None:
    """The phases of keys, in cycles, as `rand_key()` draws them."""
    for j in range(n_keys):
        phase[j] = phase.dtype.type(uniform64(key, _PHASES + (site << 20) + j))


@njit(fastmath={"reassoc", "nnan", "nsz"})
def pace(rate: Any, n_trains: Any) -> Any:
    """The sum of all rates, and the largest.

    The order of the sum is free. It says how far to look ahead, which moves no spike.
    """
    total, fastest = rate.dtype.type(0), rate.dtype.type(0)
    for k in range(n_trains):
        total += rate[k]
        fastest = max(fastest, rate[k])
    return total, fastest


@njit
def gather_periodic(
    rate: Any, phase: Any, n_trains: Any, low: Any, high: Any, near: Any, near_rate: Any, near_phase: Any,
    number: Any, begun: Any, n_near: Any, flag: Any, words: Any,
) -> Any:  # fmt: skip
    """Append the trains whose first spike is due in (low, high] to those near; how many these are.

    The arrays of near trains are filled up to whole vectors with trains that never fire.
    """
    after, until, one = rate.dtype.type(low), rate.dtype.type(high), rate.dtype.type(1)
    for j in range(n_trains):
        flag[j] = (fma(until, rate[j], phase[j]) >= one) & (fma(after, rate[j], phase[j]) < one)
    for j in range(n_trains, (n_trains + 7) // 8 * 8):
        flag[j] = 0
    first = n_near
    for word in range((n_trains + 7) // 8):
        marked = words[word]
        while marked != _NONE:
            j = 8 * word + (lowest_bit(marked) >> 3)  # type: ignore[call-arg]  # numba fills in the context
            marked &= marked - _ONE
            near[n_near], near_rate[n_near], near_phase[n_near] = j, rate[j], phase[j]
            n_near += 1
    for k in range(n_near, (n_near + VECTOR - 1) // VECTOR * VECTOR):
        near_rate[k], near_phase[k] = 0, 0
    for k in range(first, (n_near + VECTOR - 1) // VECTOR * VECTOR):
        number[k], begun[k] = 0, 0
    return n_near


@njit
def take_stock(clock: Any, rate: Any, phase: Any, n_near: Any, late: Any, number: Any) -> None:
    """How often each train has fired by now. While any is late `number` holds that, and otherwise anything."""
    if not late:
        for k in range((n_near + VECTOR - 1) // VECTOR * VECTOR):
            number[k] = floor(fma(clock, rate[k], phase[k]))


@njit
def advance(
    before: Any, clock: Any, rate: Any, phase: Any, n_near: Any, most: Any, late: Any, number: Any
) -> Any:
    """Move trains on where a step can hold fewer spikes than are due.

    Parameters
    ----------
    before, clock : float
        Where the clock stood, and stands.
    rate, phase : arrays
        Of the trains near.
    n_near : int
    most : int
        Spikes of a train that a step holds; the rest comes late.
    late : bool
        Whether any train was late before.
    number : array
        Receives how often each train has fired.

    Returns
    -------
    spikes of this step, and whether any train is late
    """
    take_stock(before, rate, phase, n_near, late, number)
    fired, limit, behind = np.int32(0), number.dtype.type(most), np.int32(0)
    for k in range((n_near + VECTOR - 1) // VECTOR * VECTOR):
        had, due = number[k], floor(fma(clock, rate[k], phase[k]))
        has = min(due, had + limit)
        number[k] = has
        fired += np.int32(has - had)
        behind |= np.int32(has < due)
    return fired, behind != 0


@njit
def in_turn(
    before: Any, clock: Any, rate: Any, phase: Any, n_near: Any, most: Any, late: Any, number: Any,
    near: Any, cells: Any,
) -> Any:  # fmt: skip
    """As `advance`, with the cells that fire; those of a train, `most`, do in turn, from the last one on."""
    take_stock(before, rate, phase, n_near, late, number)
    fired, limit, behind = 0, number.dtype.type(most), False
    for k in range(n_near):
        had, due = number[k], floor(fma(clock, rate[k], phase[k]))
        has = min(due, had + limit)
        number[k] = has
        behind = behind or has < due
        for m in range(np.int64(had), np.int64(has)):
            cells[fired] = (near[k] + 1) * most - 1 - m % most
            fired += 1
    return fired, behind


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
    for k in range(n_near, (n_near + VECTOR - 1) // VECTOR * VECTOR):
        due[k] = np.inf
    return n_near


@njit
def mark(due: Any, n_near: Any, clock: Any, flag: Any) -> Any:
    """Mark the trains that are due, and whether any is; `due` is inf and room is left up to whole vectors."""
    is_any = np.uint8(0)
    for k in range((n_near + VECTOR - 1) // VECTOR * VECTOR):
        above = np.uint8(due[k] < clock)
        flag[k] = above
        is_any |= above
    return is_any
