"""Random whole numbers: Poisson and binomial.

Each draw has a stream of its own, whose key is made from the row's key and the draw's counter, so that it may take
as many uniform numbers as it needs.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from spiking.engines.fused.random import bits64, normal64, uniform64

__all__ = ["binomial", "poisson"]

_FEW = 10.0  # a mean up to which inversion takes fewer steps than rejection
_VAST = 1e15  # a mean beyond which whole numbers are no longer all floats
_MANY = 5.0  # expected events, and expected failures, above which Brian2's PoissonInput draws a normal number


@njit
def poisson(key: Any, counter: Any, mean: Any) -> Any:
    """A Poisson number, as a float: by inversion, or for large means by rejection (PTRS, Hoermann 1993)."""
    own, mean = bits64(key, counter), float(mean)
    if not mean > 0:  # nan, too: that of cells that only fill a vector
        return 0.0
    if mean > _VAST:
        return mean
    if mean < _FEW:
        return _by_inversion(uniform64(own, 0), mean)
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    n = 0
    while True:
        u, v = uniform64(own, n) - 0.5, uniform64(own, n + 1)
        n += 2
        distance = 0.5 - abs(u)
        k = math.floor((2 * a / distance + b) * u + mean + 0.43)
        if distance >= 0.07 and v <= v_r:
            return float(k)
        if k < 0 or (distance < 0.013 and v > distance):
            continue
        inside = math.log(v * inverse_alpha / (a / (distance * distance) + b))
        if inside <= k * math.log(mean) - mean - math.lgamma(k + 1.0):
            return float(k)


@njit
def _by_inversion(u: Any, mean: Any) -> Any:
    k, chance = 0, math.exp(-mean)
    total = chance
    while u > total and k < 1000:
        k += 1
        chance *= mean / k
        total += chance
    return float(k)


@njit
def binomial(key: Any, counter: Any, n: Any, p: Any) -> Any:
    """A binomial number, as a float; a normal one, as Brian2 draws it, where both outcomes are frequent."""
    n, p = float(n), float(p)
    if n * p > _MANY and n * (1 - p) > _MANY:
        return n * p + math.sqrt(n * p * (1 - p)) * normal64(key, counter)
    rare = min(p, 1 - p)
    k, chance = 0, (1 - rare) ** n
    total, u = chance, uniform64(key, counter)
    while u > total and k < n:
        chance *= (n - k) / (k + 1) * rare / (1 - rare)
        total += chance
        k += 1
    return float(k) if p <= 0.5 else n - k
