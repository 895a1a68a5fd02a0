"""Random numbers that are a function of (row's key, counter), so that nothing depends on the machine.

The generator is SplitMix64 (Steele, Lea and Flood 2014) used as a counter-based one: the n-th number of a
key is the finaliser of key + n times the golden ratio. A row's key is made from (seed, row), the counter
from (step, call, cell): neither the batch nor the threads come in. Initial states have counters of their own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from scipy.special import ndtri

from spiking.kept_code import compiled

__all__ = ["RowNoise", "bits64", "log32", "normal32", "normal64", "row_key", "uniform32", "uniform64"]

_u64, _f32 = np.uint64, np.float32
_GOLDEN = _u64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = _u64(0xBF58476D1CE4E5B9), _u64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11, _S40, _S16 = (_u64(k) for k in (30, 27, 31, 11, 40, 16))
_MASK24 = _u64(2**24 - 1)
_PER24, _HALF32 = _f32(2.0**-24), _f32(0.5)
_TWO_PI32, _MINUS2 = _f32(2 * math.pi), _f32(-2)
_LN2_32, _SQRT2_32, _ONE32, _TWO32 = _f32(math.log(2)), _f32(math.sqrt(2)), _f32(1), _f32(2)
_L3, _L5, _L7, _L9 = _f32(2 / 3), _f32(2 / 5), _f32(2 / 7), _f32(2 / 9)
_i32 = np.int32
_EXPONENT, _MANTISSA, _BIAS = _i32(23), _i32(0x7FFFFF), _i32(0x3F800000)
_C1, _C2, _C3, _C4, _C5 = (_f32((-1) ** k / math.factorial(2 * k)) for k in range(1, 6))
_BEFORE = 2**62  # counters of initial states begin here, beyond those of any step
_FAST = {"contract", "nsz"}


@njit(fastmath=_FAST)
def bits64(key: Any, counter: Any) -> Any:
    """The 64 bits of a counter."""
    z = key + _u64(counter) * _GOLDEN
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    return z ^ (z >> _S31)


@njit
def row_key(seed: Any, row: Any) -> Any:
    """The key of a row's own stream."""
    return bits64(bits64(_u64(seed), _u64(0)), _u64(row) + _u64(1))


@njit(fastmath=_FAST)
def uniform64(key: Any, counter: Any) -> Any:
    """Uniform in (0, 1), 53 bits."""
    return (float(bits64(key, counter) >> _S11) + 0.5) * 2.0**-53


@njit(fastmath=_FAST)
def uniform32(key: Any, counter: Any) -> Any:
    """Uniform in (0, 1], 24 bits."""
    return (_f32(_i32(bits64(key, counter) >> _S40)) + _HALF32) * _PER24


@njit(fastmath=_FAST)
def log32(x: Any) -> Any:
    """Natural logarithm of a normal positive float32, absolute error below 1e-6 of max(1, |log x|)."""
    bits = _f32(x).view(_i32)
    exponent = (bits >> _EXPONENT) - _i32(127)
    m = _i32((bits & _MANTISSA) | _BIAS).view(_f32)
    high = m > _SQRT2_32
    m = m * _HALF32 if high else m
    n = _f32(_i32(exponent)) + (_ONE32 if high else _f32(0))
    s = (m - _ONE32) / (m + _ONE32)
    z = s * s
    series = (((_L9 * z + _L7) * z + _L5) * z + _L3) * z + _TWO32
    return n * _LN2_32 + s * series


@njit(fastmath=_FAST)
def _cos_turn32(turn: Any) -> Any:
    """cos(2 pi turn) for turn in [0, 1): folded onto a quarter turn, then Taylor."""
    half = abs(turn - _HALF32)  # cos(2 pi turn) = -cos(2 pi half), half in [0, 1/2]
    low = half > _f32(0.25)
    x = _TWO_PI32 * (_HALF32 - half if low else half)
    z = x * x
    c = ((((_C5 * z + _C4) * z + _C3) * z + _C2) * z + _C1) * z + _ONE32
    return c if low else -c


@njit(fastmath=_FAST)
def normal32(key: Any, counter: Any) -> Any:
    """Standard normal by Box and Muller (1958), float32; tails end at 5.9."""
    z = bits64(key, counter)
    radius = (_f32(_i32(z >> _S40)) + _HALF32) * _PER24
    turn = _f32(_i32((z >> _S16) & _MASK24)) * _PER24
    return np.sqrt(_MINUS2 * log32(radius)) * _cos_turn32(turn)


@njit(fastmath=_FAST)
def normal64(key: Any, counter: Any) -> Any:
    """Standard normal by Box and Muller (1958), float64."""
    radius = uniform64(key, counter)
    turn = uniform64(key ^ _GOLDEN, counter)
    return math.sqrt(-2.0 * math.log(radius)) * math.cos(2 * math.pi * turn)


@compiled(nogil=True)
def _uniform_rows(seed: Any, streams: Any, sizes: Any, site: Any, out: Any) -> None:
    """One uniform number for each cell of each row."""
    first = 0
    for r in range(streams.size):
        key = row_key(seed, streams[r])
        for i in range(sizes[r]):
            out[first + i] = uniform64(key, _BEFORE + (site << 20) + i)
        first += sizes[r]


class RowNoise:
    """The draws of `numpy.random.Generator` that initial states need, each cell's from its row's stream.

    What a cell draws depends on the seed, its row's stream, its place in the row and the number of the call.
    """

    def __init__(self, seed: int, streams: np.ndarray, sizes: np.ndarray, *, first_site: int = 0) -> None:
        self._seed, self._site = np.uint64(seed), first_site
        self._streams, self._sizes = streams, np.ascontiguousarray(sizes, dtype=np.int64)

    def uniform(self, low: float, high: float, size: int) -> np.ndarray:
        """Uniform in (low, high)."""
        drawn = self._next(size)
        drawn *= high - low  # in place: a pass over new memory takes longer than the drawing
        drawn += low
        return drawn

    def normal(self, *, size: int) -> np.ndarray:
        """Standard normal, by the inverse of its distribution."""
        return ndtri(self._next(size))

    def skip(self, n_calls: int) -> None:
        """Leave out draws that nobody asks for."""
        self._site += n_calls

    def shared(self, n_each: np.ndarray) -> np.ndarray:
        """Uniform in (0, 1), so many numbers for each row, which its cells share."""
        return self._next(int(n_each.sum()), np.ascontiguousarray(n_each, dtype=np.int64))

    def _next(self, size: int, n_each: np.ndarray | None = None) -> np.ndarray:
        drawn = np.empty(size)
        n_each = self._sizes if n_each is None else n_each
        _uniform_rows(self._seed, self._streams, n_each, self._site, drawn)
        self._site += 1
        return drawn
