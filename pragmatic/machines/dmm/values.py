"""V-values: nested maps with numbers at their leaves, and their linear algebra.

A V-value is a tree {name: number or V-value}. Zeros are dropped, so the empty map is the zero of a vector space
of unbounded dimension. A number that meets a map is the map {"number": number}, and inside a tree a map of that one
key is written as its number. Bukatin and Anthony (2017), arXiv:1712.07447, sections 3 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from typing import Any, TypeAlias

from pragmatic.checks import shown

__all__ = [
    *("MOST_DEEP", "NUMBER", "DmmError", "Path", "Value"),
    *("add", "apply_matrix", "at", "checked", "combine", "from_leaves", "leaves", "lin_comb"),
    *("mask_mult", "max_norm", "number", "of_number", "plain", "scale"),
]

NUMBER = "number"
MOST_DEEP = 32  # levels of a tree

Value: TypeAlias = dict[str, Any]  # of numbers and Values
Path: TypeAlias = tuple[str, ...]


class DmmError(ValueError):
    """A program, or a state it runs into, that is no dataflow matrix machine."""


def checked(what: str, value: object, *, deepest: int = MOST_DEEP) -> Value:
    """A V-value without its zeros.

    Raises
    ------
    DmmError
        Unless it is a nested map of finite numbers, at most `deepest` levels deep.
    """
    if not isinstance(value, Mapping):
        raise DmmError(f'{what} must be a map of numbers and maps, got {shown(value)}; use {{"number": 1.0}}')
    return _as_tree(_checked(what, value, deepest))


def _checked(what: str, value: object, left: int) -> Any:
    if isinstance(value, Real) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise DmmError(f"{what} must hold finite numbers, got {shown(value)}; correct that leaf")
        return float(value)
    if not isinstance(value, Mapping):
        raise DmmError(f"{what} must hold numbers at its leaves, got {shown(value)}; correct that leaf")
    if not left:
        raise DmmError(
            f"{what} must be at most {MOST_DEEP} levels deep, got a deeper one; shorten lists, or forget their rest"
        )
    for key in value:
        if not isinstance(key, str):
            raise DmmError(f"{what} must have names as keys, got {shown(key)}; use text")
    return plain({key: _checked(f"{what}.{key}", inner, left - 1) for key, inner in value.items()})


def of_number(x: float) -> Value:
    """The V-value of a number."""
    return {NUMBER: x} if x else {}


def at(value: Value, path: Path) -> Value:
    """What a V-value has at a path, the zero {} where it has nothing."""
    inner: Any = value
    for key in path:
        inner = inner.get(key, {}) if isinstance(inner, dict) else {}
    return _as_tree(inner)


def number(value: Value) -> float:
    """The number at the root of a V-value, 0 where there is none."""
    held = value.get(NUMBER, 0.0)
    return number(held) if isinstance(held, dict) else held


def add(a: Value, b: Value) -> Value:
    """a + b."""
    return combine(((1.0, a), (1.0, b)))


def scale(factor: float, value: Value) -> Value:
    """The V-value `factor` times as large."""
    return _as_tree(_scale(factor, value))


def combine(parts: Iterable[tuple[float, Value]]) -> Value:
    """A linear combination, sum of coefficient times V-value."""
    total: Value = {}
    for coefficient, value in parts:
        _accumulate(total, coefficient, value)
    return _as_tree(_trimmed(total))


def mask_mult(mask: Value, value: Value) -> Value:
    """Each leaf of the mask times what the V-value has in its place.

    >>> mask_mult({"a": 2.0, "c": {"x": 3.0}}, {"a": {"b": 5.0}, "c": {"x": 1.0, "y": 1.0}})
    {'a': {'b': 10.0}, 'c': {'x': 3.0}}
    """
    return _as_tree({key: _mask(mask[key], value[key]) for key in mask if key in value})


def lin_comb(mask: Value, value: Value) -> Value:
    """The sum over the leaves of the mask, each times what the V-value has in its place.

    >>> lin_comb({"c": 7.0}, {"a": 1.0, "c": {"x": 2.0}}), lin_comb({"c": 7.0}, {"c": 7.0})
    ({'x': 14.0}, {'number': 49.0})
    """
    return combine(_weighted(mask, value))


def apply_matrix(matrix: Value, vector: Value, *, depth: int = 1) -> Value:
    """Row by row the `lin_comb` of a matrix, whose first `depth` levels name its rows, and a vector.

    >>> apply_matrix({"x": {"a": 8.0}, "z": {"a": 2.0, "b": 4.0}}, {"a": 3.0, "b": 5.0})
    {'x': 24.0, 'z': 26.0}
    """
    if depth == 0:
        return lin_comb(matrix, vector)
    rows = {key: row for key, row in matrix.items() if isinstance(row, dict)}
    return _as_tree({key: plain(apply_matrix(row, vector, depth=depth - 1)) for key, row in rows.items()})


def max_norm(value: Value) -> float:
    """The largest absolute value of a leaf, 0 without one."""
    return max((abs(leaf) for _, leaf in leaves(value)), default=0.0)


def leaves(value: Value, at: Path = ()) -> Iterator[tuple[Path, float]]:
    """Every leaf with its path."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from leaves(inner, (*at, key))
        else:
            yield (*at, key), inner


def from_leaves(items: Iterable[tuple[Path, float]]) -> Value:
    """The V-value of these leaves; the same path twice adds up."""
    return _as_tree(_grown(items))


def _grown(items: Iterable[tuple[Path, float]]) -> Any:
    branches: dict[str, list[tuple[Path, float]]] = {}
    for path, leaf in items:
        branches.setdefault(path[0], []).append((path[1:] or (NUMBER,), leaf))
    grown: Value = {}
    for key, inner in branches.items():
        if all(path == (NUMBER,) for path, _ in inner):
            grown[key] = sum(leaf for _, leaf in inner)
        else:
            grown[key] = _grown(inner)
    return plain(grown)


def _weighted(mask: Value, value: Value) -> Iterator[tuple[float, Value]]:
    for key, weight in mask.items():
        if key not in value:
            continue
        inner = value[key]
        if isinstance(weight, dict):
            yield from _weighted(weight, inner if isinstance(inner, dict) else {NUMBER: inner})
        else:
            yield weight, inner if isinstance(inner, dict) else {NUMBER: inner}


def _mask(mask: Any, value: Any) -> Any:
    if not isinstance(mask, dict):
        return _scale(mask, value)
    return mask_mult(mask, value if isinstance(value, dict) else {NUMBER: value})


def _accumulate(total: Value, factor: float, value: Value) -> None:
    """Add factor times a V-value to a tree that belongs to the caller."""
    for key, inner in value.items():
        held = total.get(key, 0.0)
        if not isinstance(inner, dict) and not isinstance(held, dict):
            total[key] = held + factor * inner
            continue
        if not isinstance(held, dict):
            held = total[key] = {NUMBER: held}
        _accumulate(held, factor, inner if isinstance(inner, dict) else {NUMBER: inner})


def _trimmed(value: Value) -> Any:
    return plain({key: _trimmed(inner) if isinstance(inner, dict) else inner for key, inner in value.items()})


def _scale(factor: float, value: Any) -> Any:
    if not isinstance(value, dict):
        return factor * value
    return plain({key: _scale(factor, inner) for key, inner in value.items()})


def plain(value: Value) -> Any:
    """A tree inside another: without zeros, and a number where it holds no more than one."""
    kept = _as_tree(value)
    return kept[NUMBER] if tuple(kept) == (NUMBER,) else kept


def _as_tree(value: Any) -> Value:
    if not isinstance(value, dict):
        return of_number(value)
    return {key: inner for key, inner in value.items() if inner}
