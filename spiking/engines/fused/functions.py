"""Brian2's remaining functions, as the kernels call them.

tanh and exprel hold no branch and call no library, so that loops with them become SIMD as those with exp do:
near 0, where their formulas cancel, a polynomial is chosen that meets them at Chebyshev nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import literal_unroll, njit
from numpy.polynomial import Chebyshev, Polynomial

from spiking.engines.fused.exp import exp32, exp64

__all__ = [
    "EXPREL32_ERROR",
    "EXPREL64_ERROR",
    "TANH32_ERROR",
    "TANH64_ERROR",
    "clip",
    "exprel32",
    "exprel64",
    "lookup",
    "sign",
    "tanh32",
    "tanh64",
    "whole",
]

# Bounds on relative errors: all x for tanh, the range of exp for exprel.
TANH32_ERROR, EXPREL32_ERROR = 5e-7, 5e-7
TANH64_ERROR, EXPREL64_ERROR = 2e-15, 1e-15

_FAST = {"contract", "nsz"}
_f32 = np.float32
_ONE32, _EDGE32, _SQUARE32 = _f32(1), _f32(0.625), _f32(0.625**2)
_EDGE64, _SQUARE64 = 0.4, 0.4**2


def _coefficients(
    function: Callable[[np.ndarray], np.ndarray], degree: int, low: float, high: float
) -> list[float]:
    """Of the polynomial that meets the function at the Chebyshev nodes of [low, high]."""
    made = Chebyshev.interpolate(function, degree, domain=[low, high])
    return [float(a) for a in made.convert(kind=Polynomial).coef]


def _tanh_over_x(square: np.ndarray) -> np.ndarray:
    return np.tanh(np.sqrt(square)) / np.sqrt(square)


def _exprel(x: np.ndarray) -> np.ndarray:
    return np.expm1(x) / np.where(x == 0, 1, x) + (x == 0)


_T0, _T1, _T2, _T3, _T4, _T5 = map(_f32, _coefficients(_tanh_over_x, 5, 0, 0.625**2))
_U0, _U1, _U2, _U3, _U4, _U5, _U6, _U7, _U8, _U9 = _coefficients(_tanh_over_x, 9, 0, _EDGE64**2)
_E0, _E1, _E2, _E3, _E4, _E5, _E6, _E7 = map(_f32, _coefficients(_exprel, 7, -1, 1))
_TAYLOR = tuple(1 / math.factorial(k + 1) for k in range(17, -1, -1))  # of exprel, for |x| < 1


@njit(fastmath=_FAST, error_model="numpy")
def tanh32(x: Any) -> Any:
    """Hyperbolic tangent of a float32, relative error below `TANH32_ERROR`."""
    z = min(x * x, _SQUARE32)
    p = _T5 * z + _T4
    p = p * z + _T3
    p = p * z + _T2
    p = p * z + _T1
    p = p * z + _T0
    e = exp32(_f32(x + x))
    return p * x if abs(x) < _EDGE32 else (e - _ONE32) / (e + _ONE32)


@njit(fastmath=_FAST, error_model="numpy")
def tanh64(x: Any) -> Any:
    """Hyperbolic tangent of a float64, relative error below `TANH64_ERROR`."""
    z = min(x * x, _SQUARE64)
    p = _U9 * z + _U8
    p = p * z + _U7
    p = p * z + _U6
    p = p * z + _U5
    p = p * z + _U4
    p = p * z + _U3
    p = p * z + _U2
    p = p * z + _U1
    p = p * z + _U0
    e = exp64(min(x + x, 700.0))
    return p * x if abs(x) < _EDGE64 else (e - 1.0) / (e + 1.0)


@njit(fastmath=_FAST, error_model="numpy")
def exprel32(x: Any) -> Any:
    """(exp(x) - 1) / x of a float32, 1 at 0; relative error below `EXPREL32_ERROR`."""
    near = abs(x) < _ONE32
    r = x if near else _f32(0)
    p = _E7 * r + _E6
    p = p * r + _E5
    p = p * r + _E4
    p = p * r + _E3
    p = p * r + _E2
    p = p * r + _E1
    p = p * r + _E0
    return p if near else (exp32(_f32(x)) - _ONE32) / x


@njit(fastmath=_FAST, error_model="numpy")
def exprel64(x: Any) -> Any:
    """(exp(x) - 1) / x of a float64, 1 at 0; relative error below `EXPREL64_ERROR`."""
    near = abs(x) < 1.0
    r = x if near else 0.0
    p = 0.0
    for a in literal_unroll(_TAYLOR):
        p = p * r + a
    return p if near else (exp64(x) - 1.0) / x


@njit
def clip(x: Any, low: Any, high: Any) -> Any:
    """x moved into [low, high]."""
    return min(max(x, low), high)


@njit
def sign(x: Any) -> Any:
    """-1, 0 or 1."""
    return (x > 0) * 1.0 - (x < 0) * 1.0


@njit
def whole(x: Any) -> Any:
    """A number or truth value cut to a whole number."""
    return np.trunc(x * 1.0)


@njit
def lookup(values: Any, t: Any, column: Any, per_second: Any, fine: Any) -> Any:
    """A table of (times, columns) at time t, which is rounded to a grid `fine` times as dense as its own."""
    position = int((t * per_second * fine + 0.5) / fine)
    return values[min(max(position, 0), values.shape[0] - 1), column]
