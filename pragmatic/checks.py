"""Bounds on the fields of models, tasks and training; every message names field, rule, value and remedy.

`spiking.checks` has the bounds of circuits. The two folders may not import each other and none lies below both,
so what both need, `within` and whole numbers, stands in both; `tests/test_checks.py` keeps the words equal.
`bridge` takes those of `spiking`, `scenarios` the `unknown` of this file, which loads neither torch nor Brian2.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real

__all__ = ["at_least", "unknown", "within"]


def at_least(owner: str, field: str, value: object, low: int) -> None:
    """Raise unless `value` is a whole number >= low."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a whole number, got {value!r}; use {low} or more.")
    if value < low:
        raise ValueError(f"{owner}.{field} must be >= {low}, got {value}; use {low} or more.")


def within(owner: str, field: str, value: object, low: float, high: float) -> None:
    """Raise unless `value` is a number in [low, high]."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a number, got {value!r}; use one in [{low:g}, {high:g}].")
    if not low <= float(value) <= high:
        raise ValueError(f"{owner}.{field} must lie in [{low:g}, {high:g}], got {value}; use a value inside.")


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Say that a table has no such name, propose the nearest one, and list all."""
    names = list(known)
    near = get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}; {hint}known: {', '.join(names)}"
