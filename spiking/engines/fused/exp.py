"""Exponentials that the compiler turns into SIMD: no branch, no table, no library call.

exp(x) = 2^n exp(r) with n the nearest integer to x / ln 2. Adding 1.5 x 2^23 (1.5 x 2^52) rounds to that
integer and leaves it in the low bits of the sum, which shifted by the mantissa's width are what the
exponent of exp(r) lacks. ln 2 is taken off in two parts (Cody and Waite 1980). For |r| <= ln 2 / 2, exp(r)
is a polynomial: in float32 the one of degree 5 that meets it at the Chebyshev nodes (1e-7 off), in float64
the Taylor polynomial of degree 12 (2e-16 off).
Arguments outside `EXP32_RANGE` (`EXP64_RANGE`) are moved to its edge.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.polynomial import Chebyshev, Polynomial

__all__ = ["EXP32_ERROR", "EXP32_RANGE", "EXP64_ERROR", "EXP64_RANGE", "exp32", "exp64"]

EXP32_RANGE = (-87.0, 88.0)  # beyond it float32 has no normal number for the result
EXP64_RANGE = (-708.0, 709.0)
EXP32_ERROR = 3e-7  # bound on the relative error over the range
EXP64_ERROR = 5e-16

# Reassociation would cancel the rounding trick, so only these liberties are taken.
_FAST = {"contract", "nsz"}


_f32, _i32, _f64, _i64 = np.float32, np.int32, np.float64, np.int64
_LOW32, _HIGH32 = _f32(EXP32_RANGE[0]), _f32(EXP32_RANGE[1])
_PER_LN2_32, _ROUND32, _SHIFT32 = _f32(1 / math.log(2)), _f32(1.5 * 2**23), _i32(23)
_LN2_HIGH32 = _f32(355 / 512)  # few bits, so that n times it is exact
_LN2_LOW32 = _f32(math.log(2) - 355 / 512)
_HALF = [-0.5 * math.log(2), 0.5 * math.log(2)]
_A0, _A1, _A2, _A3, _A4, _A5 = (
    _f32(a) for a in Chebyshev.interpolate(np.exp, 5, domain=_HALF).convert(kind=Polynomial).coef
)

_LOW64, _HIGH64 = EXP64_RANGE
_PER_LN2_64, _ROUND64, _SHIFT64 = 1 / math.log(2), 1.5 * 2**52, _i64(52)
_LN2_HIGH64 = float.fromhex("0x1.62e42fefa0000p-1")  # the leading 33 bits of ln 2
_LN2_LOW64 = float.fromhex("0x1.cf79abc9e3b3ap-40")  # and the next 53
_B2, _B3, _B4, _B5, _B6, _B7, _B8, _B9, _B10, _B11, _B12 = (1 / math.factorial(k) for k in range(2, 13))


@njit(fastmath=_FAST)
def exp32(x: Any) -> Any:
    """Exponential of a float32, relative error below `EXP32_ERROR`."""
    x = min(max(x, _LOW32), _HIGH32)
    shifted = x * _PER_LN2_32 + _ROUND32
    n = shifted - _ROUND32
    r = x - n * _LN2_HIGH32
    r = r - n * _LN2_LOW32
    p = _A5 * r + _A4
    p = p * r + _A3
    p = p * r + _A2
    p = p * r + _A1
    p = p * r + _A0
    return _i32(_f32(p).view(_i32) + (_f32(shifted).view(_i32) << _SHIFT32)).view(_f32)


@njit(fastmath=_FAST)
def exp64(x: Any) -> Any:
    """Exponential of a float64, relative error below `EXP64_ERROR`."""
    x = min(max(x, _LOW64), _HIGH64)
    shifted = x * _PER_LN2_64 + _ROUND64
    n = shifted - _ROUND64
    r = x - n * _LN2_HIGH64
    r = r - n * _LN2_LOW64
    p = _B12 * r + _B11
    p = p * r + _B10
    p = p * r + _B9
    p = p * r + _B8
    p = p * r + _B7
    p = p * r + _B6
    p = p * r + _B5
    p = p * r + _B4
    p = p * r + _B3
    p = p * r + _B2
    p = p * r + 1.0
    p = p * r + 1.0
    return _i64(_f64(p).view(_i64) + (_f64(shifted).view(_i64) << _SHIFT64)).view(_f64)
