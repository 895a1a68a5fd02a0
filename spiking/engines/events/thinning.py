"""Memoryless cells by thinning: the spikes of a row are proposed, and cells with a past may decline.

Lewis and Shedler (1979) and Ogata (1981). On the row's clock, the hazard of a cell without input or past, proposals
come as a Poisson process of rate sum over cells of exp(gain x input). Each falls to a cell in proportion to that
weight, and is accepted with probability exp(-trace of the cell's resets). A cell that accepts at least once within
a step fires, as the stepped cell whose hazard passes q ~ Exp(1): the law is the same, step by step.

No liberties with the order of arithmetic are taken here, so that a row's bits are the same however its kernel was
compiled or loaded.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from spiking.engines.fused.exp import exp32
from spiking.engines.fused.random import bits64, log32

__all__ = ["AHEAD", "CROWDED", "LANES", "accept", "ask_all", "cumulate", "powers_of", "propose"]

LANES = 16  # weights that a block holds
AHEAD = 32  # proposals that are drawn at once
_PROPOSALS = np.uint64(2**61)  # counters begin here, beyond those of any step and before those of starts
_S24, _MASK24 = np.uint64(24), np.uint64(2**24 - 1)
_PER24, _PER40, _HALF = np.float32(2.0**-24), 2.0**-40, np.float32(0.5)
CROWDED = 4  # proposals per cell and step from which cells are asked one by one
_TINY, _NEVER = np.float32(1e-12), np.float32(1e15)  # a trace of at least their product lets no cell fire


@njit
def cumulate(weight: Any, n_keys: Any, within: Any, block: Any) -> Any:
    """Cumulate weights within blocks of `LANES` keys, and the blocks; the total.

    `weight` is 0 beyond n_keys, up to the end of the last block.
    """
    total = 0.0
    for b in range((n_keys + LANES - 1) // LANES):
        inside = np.float32(0)
        for j in range(b * LANES, (b + 1) * LANES):
            inside += np.float32(weight[j])
            within[j] = inside
        total += np.float64(inside)
        block[b] = total
    return total


@njit
def _choose(at: Any, weight: Any, n_blocks: Any, within: Any, block: Any) -> Any:
    """The key in whose share of [0, total) a number falls."""
    low, left = 0, n_blocks
    while left > 1:  # the first block whose cumulated sum exceeds `at`, without a branch
        half = left // 2
        low = low + half if block[low + half - 1] <= at else low
        left -= half
    rest = np.float32(at - (block[low - 1] if low > 0 else 0.0))
    key = low * LANES
    for j in range(low * LANES, low * LANES + LANES - 1):
        key += within[j] <= rest
    while weight[key] == 0.0:  # sums are rounded: past the last share of the block
        key -= 1
    return key


@njit
def powers_of(decay: Any, powers: Any) -> None:
    """What is left of a trace n steps after its spike, n = 0 ... powers.size - 1.

    In the step of the spike itself more than lets a cell fire, and nothing in the end.
    """
    powers[0] = _NEVER
    for n in range(1, powers.size):
        powers[n] = decay ** (n - 1)
    powers[powers.size - 1] = 0.0


@njit
def propose(
    key: Any, number: Any, clock: Any, weight: Any, within: Any, block: Any, n_keys: Any, unit: Any, total: Any,
    due: Any, cell: Any, chance: Any,
) -> None:  # fmt: skip
    """Draw the next proposals.

    Parameters
    ----------
    key : uint64
        Of the row's random numbers.
    number : int
        Proposals drawn before.
    clock : float
        Where the row's clock stood at the last of them.
    weight, within, block, n_keys, total
        As `cumulate` leaves them.
    unit : int
        Cells of each key.
    due, cell, chance : (AHEAD,) arrays
        Receive when they come, whom they fall to, and a uniform number that decides on acceptance.
    """
    n_blocks = (n_keys + LANES - 1) // LANES
    rate = unit * total
    for n in range(AHEAD):
        first = bits64(key, _PROPOSALS + np.uint64(2 * (number + n)))
        second = bits64(key, _PROPOSALS + np.uint64(2 * (number + n) + 1))
        due[n] = np.float64(-log32(_uniform24(first))) / rate
        j = _choose(_uniform40(first) * total, weight, n_blocks, within, block)
        cell[n] = j * unit + int(_uniform40(second) * unit)
        chance[n] = _uniform24(second)
    for n in range(AHEAD):
        clock += due[n]
        due[n] = clock


@njit(inline="always")
def accept(
    n: Any, now: Any, cell: Any, chance: Any, reset_by: Any, decay: Any, powers: Any, stamp: Any, trace: Any
) -> Any:
    """Whether proposal n is accepted; if so, its cell remembers.

    Parameters
    ----------
    n : int
    now : int
        Step, and row times 2**32.
    cell, chance
        As `propose` leaves them.
    reset_by, decay : float
        What a spike takes off a cell's log intensity, and what is left of it a step later.
    powers : array
        As `powers_of` leaves it.
    stamp, trace : arrays over cells
        When a cell fired last, and its trace as the step after that sees it.
    """
    i = cell[n]
    past = trace[i] * powers[min(now - stamp[i], powers.size - 1)]
    fires = chance[n] < exp32(-past)
    if fires:
        stamp[i], trace[i] = now, past * decay + reset_by + _TINY
    return fires


@njit
def ask_all(
    key: Any, number: Any, now: Any, passed: Any, weight: Any, n_cells: Any, unit: Any,
    reset_by: Any, decay: Any, powers: Any, stamp: Any, trace: Any, fired: Any,
) -> Any:  # fmt: skip
    """Ask every cell once, with its chance of this step, where proposals would be many a cell.

    Returns
    -------
    number of cells that fired
    """
    n_fired = 0
    for i in range(n_cells):
        past = trace[i] * powers[min(now - stamp[i], powers.size - 1)]
        hazard = passed * np.float64(weight[i // unit] * exp32(-past))
        if _uniform40(bits64(key, _PROPOSALS + np.uint64(2 * (number + i)))) < -math.expm1(-hazard):
            stamp[i], trace[i] = now, past * decay + reset_by + _TINY
            fired[n_fired] = i
            n_fired += 1
    return n_fired


@njit
def _uniform24(bits: Any) -> Any:
    """Uniform in (0, 1], by the last 24 of 64 random bits."""
    return (np.float32(np.int32(bits & _MASK24)) + _HALF) * _PER24


@njit
def _uniform40(bits: Any) -> Any:
    """Uniform in (0, 1), by the first 40 of 64 random bits."""
    return (np.float64(np.int64(bits >> _S24)) + 0.5) * _PER40
