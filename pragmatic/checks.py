"""Bounds on the fields of models, tasks and training; every message names the field, the rule and the value."""

from __future__ import annotations

from numbers import Integral, Real

__all__ = ["at_least", "within"]


def at_least(owner: str, field: str, value: object, low: int) -> None:
    """Raise unless `value` is a whole number >= low."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a whole number, got {value!r}; use {low} or more")
    if value < low:
        raise ValueError(f"{owner}.{field} must be >= {low}, got {value}; use {low} or more")


def within(owner: str, field: str, value: object, low: float, high: float) -> None:
    """Raise unless `value` is a number in [low, high]."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a number, got {value!r}; use one in [{low:g}, {high:g}]")
    if not low <= float(value) <= high:
        raise ValueError(f"{owner}.{field} must lie in [{low:g}, {high:g}], got {value}; use a value inside")
