"""Brian2's remaining functions, as the kernels call them."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

__all__ = ["clip", "exprel", "lookup", "sign"]


@njit
def exprel(x: Any) -> Any:
    """(exp(x) - 1) / x, 1 at 0."""
    return math.expm1(x) / x if x != 0 else math.expm1(x) + 1


@njit
def clip(x: Any, low: Any, high: Any) -> Any:
    """x moved into [low, high]."""
    return min(max(x, low), high)


@njit
def sign(x: Any) -> Any:
    """-1, 0 or 1."""
    return (x > 0) * 1.0 - (x < 0) * 1.0


@njit
def lookup(values: Any, t: Any, column: Any, per_second: Any, fine: Any) -> Any:
    """A table of (times, columns) at time t, which is rounded to a grid `fine` times as dense as its own."""
    position = int((t * per_second * fine + 0.5) / fine)
    return values[min(max(position, 0), values.shape[0] - 1), column]
