"""Bounds on the fields of models, tasks and training; every message names field, rule, value and remedy.

`spiking.checks` has the bounds of circuits. The two folders may not import each other and none lies below both,
so what both need, `within` and whole numbers, stands in both; `tests/test_checks.py` keeps the words equal.
`bridge` takes those of `spiking`, `scenarios` the `unknown` of this file, which loads neither torch nor Brian2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import accumulate
from numbers import Integral, Real

__all__ = ["as_float", "at_least", "check_rng", "listed", "shown", "unknown", "within"]

LISTED = 240  # characters of a list of names
MOST = 2**31 - 1  # of whole numbers, which a tensor's sizes and its indices can hold


def shown(value: object) -> str:
    """A value for a message: in one short line, a tensor or an array by its shape."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    if isinstance(value, Integral) and abs(int(value)) > 10**30:
        return f"a whole number of {int(value).bit_length()} bits"
    text = " ".join(repr(value).split())
    if " object at 0x" in text or " at 0x" in text:
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_rng(rng: object) -> None:
    """Raise unless `rng` is a generator."""
    import numpy as np  # not at once: the command line takes this file to name what is unknown

    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator, got {shown(rng)}; use np.random.default_rng(0)."
        )


def at_least(owner: str, field: str, value: object, low: int) -> None:
    """Raise unless `value` is a whole number >= low."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a whole number, got {shown(value)}; use {low} or more.")
    if value < low:
        raise ValueError(f"{owner}.{field} must be >= {low}, got {shown(value)}; use {low} or more.")
    if int(value) > MOST:
        raise ValueError(f"{owner}.{field} must be <= {MOST}, got {shown(value)}; use less.")


def within(owner: str, field: str, value: object, low: float, high: float) -> None:
    """Raise unless `value` is a number in [low, high]."""
    low, high = float(low), float(high)
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(
            f"{owner}.{field} must be a number, got {shown(value)}; use one in [{low:g}, {high:g}]."
        )
    if not low <= as_float(value) <= high:
        raise ValueError(
            f"{owner}.{field} must lie in [{low:g}, {high:g}], got {shown(value)}; use a value inside."
        )


def as_float(value: Real) -> float:
    """The number as a float, inf where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Say that a table has no such name, propose the nearest one, and list as many as a line holds."""
    names = list(known)
    near = get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {shown(name)}; {hint}known: {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """Names with commas between them; of many the first, and how many more there are."""
    fitting = sum(end <= LISTED for end in accumulate(len(name) + 2 for name in names))
    rest = f" and {len(names) - fitting} more" if fitting < len(names) else ""
    return ", ".join(names[:fitting]) + rest
