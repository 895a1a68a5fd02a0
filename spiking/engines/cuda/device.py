"""What kernels call on a GPU: the processor's own functions, compiled again, and a few of another form."""

from __future__ import annotations

import math
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import cuda
from numba.core.dispatcher import Dispatcher

__all__ = [
    "VECTOR",
    "floor",
    "fma",
    "gather",
    "gather_periodic",
    "lowest_bit",
    "mark",
    "on_device",
    "set_mark",
]

VECTOR = 1  # trains that are looked at together

_NONE, _ONE, _BYTE = np.uint64(0), np.uint64(1), np.uint64(0xFF)


def on_device(function: Any) -> FunctionType:
    """A function of Python that calls functions for the GPU where it called numba's for the processor."""
    used, known = function.__code__.co_names, function.__globals__
    here = {"VECTOR": VECTOR, "floor": floor, "fma": fma}
    own = {
        n: _compiled(v) for n, v in known.items() if n in used and n not in here and isinstance(v, Dispatcher)
    }
    return FunctionType(function.__code__, known | own | here, function.__name__, function.__defaults__)


@cache
def _compiled(compiled: Dispatcher) -> Any:
    return cuda.jit(device=True)(on_device(compiled.py_func))


@cuda.jit(device=True)
def floor(x: Any) -> Any:
    """The largest whole number up to x."""
    return np.float64(math.floor(x))


@cuda.jit(device=True)
def fma(a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""
    return cuda.fma(a, b, c)  # type: ignore[attr-defined]


@cuda.jit(device=True)
def lowest_bit(word: Any) -> Any:
    """Place of the lowest bit that is set."""
    return cuda.popc(~word & (word - _ONE))  # type: ignore[attr-defined]


@cuda.jit(device=True)
def set_mark(words: Any, i: Any, above: Any) -> None:
    """Mark cell i of eight in a word, or take the mark off."""
    shift = np.uint64(8 * (i & 7))
    rest = words[i >> 3] & ~(_BYTE << shift)
    words[i >> 3] = rest | (np.uint64(above) << shift)


@cuda.jit(device=True)
def mark(due: Any, n_near: Any, clock: Any, words: Any) -> Any:
    """Mark the trains that are due, and whether any is."""
    is_any = _NONE
    for first in range(0, n_near, 8):
        word = _NONE
        for k in range(first, min(first + 8, n_near)):
            word |= np.uint64(due[k] < clock) << np.uint64(8 * (k - first))
        words[first >> 3] = word
        is_any |= word
    return is_any


@cuda.jit(device=True)
def gather(
    first: Any, n_trains: Any, low: Any, high: Any, near: Any, due: Any, n_near: Any, marks: Any, words: Any
) -> Any:
    """Append the trains whose first spike is due in (low, high] to those near; how many these are."""
    for j in range(n_trains):
        if low < first[j] <= high:
            near[n_near], due[n_near] = j, first[j]
            n_near += 1
    return n_near


@cuda.jit(device=True)
def gather_periodic(
    rate: Any, phase: Any, n_trains: Any, low: Any, high: Any, near: Any, near_rate: Any, near_phase: Any,
    number: Any, begun: Any, n_near: Any, marks: Any, words: Any,
) -> Any:  # fmt: skip
    """As `gather`, of trains with equal intervals."""
    after, until = rate.dtype.type(low), rate.dtype.type(high)
    for j in range(n_trains):
        if fma(until, rate[j], phase[j]) >= 1 and fma(after, rate[j], phase[j]) < 1:
            near[n_near], near_rate[n_near], near_phase[n_near] = j, rate[j], phase[j]
            number[n_near], begun[n_near] = 0, 0
            n_near += 1
    return n_near
