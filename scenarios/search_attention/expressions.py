"""Expressions over queries, keys and values, built up by number of operations, each kept once by its value.

An expression's value is held for all draws of a task at once, an array (n_draws, n_rows, n_columns). Two with equal
values on every draw are the same for the search, and the one that was written first stands for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

__all__ = ["BINARY", "UNARY", "Expression", "search"]

Array = np.ndarray
Unary = Callable[[Array], Array]
Binary = Callable[[Array, Array], Array]
DIGITS = 6  # significant ones to which values are compared
LARGEST = 1e8  # values beyond it are of no use

UNARY: dict[str, Unary] = {
    "{}ᵀ": lambda x: x.swapaxes(1, 2),
    "softmax_row({})": lambda x: softmax(x, axis=2),
    "softmax_col({})": lambda x: softmax(x, axis=1),
    "relu({})": lambda x: np.maximum(x, 0),
}
BINARY: dict[str, Binary] = {
    "({} {})": lambda x, y: x @ y,
    "({} + {})": lambda x, y: x + y,
    "({} * {})": lambda x, y: x * y,
}
_COMMUTE = ("({} + {})", "({} * {})")


@dataclass(frozen=True)
class Expression:
    """What it says, and its value on every draw."""

    text: str
    value: Array  # (n_draws, n_rows, n_columns)
    n_operations: int


def search(
    inputs: Mapping[str, Array],
    n_operations: int,
    *,
    unary: Mapping[str, Unary] = UNARY,
    binary: Mapping[str, Binary] = BINARY,
) -> Iterator[Expression]:
    """Every expression of up to so many operations that has a value of its own, the shortest first.

    Parameters
    ----------
    inputs : mapping
        Name -> (n_draws, n_rows, n_columns).
    n_operations : int
    unary, binary : mappings
        Text with a place for each operand -> operation.
    """
    levels = [[Expression(name, value, 0) for name, value in inputs.items()]]
    seen = {_digest(expression.value) for expression in levels[0]}
    yield from levels[0]
    for n in range(1, n_operations + 1):
        level: list[Expression] = []
        for text, value in _applied(levels, n, unary, binary):
            if not np.abs(value).max() < LARGEST:  # nan too
                continue
            digest = _digest(value)
            if digest in seen:
                continue
            seen.add(digest)
            made = Expression(text, value, n)
            yield made
            if n < n_operations:
                level.append(made)
        levels.append(level)


def _applied(
    levels: list[list[Expression]], n: int, unary: Mapping[str, Unary], binary: Mapping[str, Binary]
) -> Iterator[tuple[str, Array]]:
    """All that one operation more makes of expressions which have n - 1 together."""
    for of in levels[n - 1]:
        for text, apply in unary.items():
            yield text.format(of.text), apply(of.value)
    for first in range(n):
        for left in levels[first]:
            for right in levels[n - 1 - first]:
                for text, join in binary.items():
                    if _fits(text, left.value.shape, right.value.shape):
                        yield text.format(left.text, right.text), join(left.value, right.value)


def _fits(text: str, left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    return left == right if text in _COMMUTE else left[2] == right[1]


def _digest(value: Array) -> tuple[tuple[int, ...], bytes]:
    """The shape, and the value to `DIGITS` digits of its largest entry."""
    largest = np.abs(value).max()
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(largest))) if largest > 0 else 1.0
    return value.shape, (np.rint(value * scale) + 0.0).tobytes()
