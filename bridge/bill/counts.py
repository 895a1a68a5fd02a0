"""Operations by kind, and those of an expression."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, fields

__all__ = ["Counts", "arithmetic", "repeated"]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Operations by kind; `+` adds, `*` repeats."""

    macs: int = 0  # a multiplication whose product is added to something
    multiplies: int = 0  # a multiplication alone
    acs: int = 0  # an addition without a product: a residual, a sum; a comparison is one too
    synops: int = 0  # a spike through a synapse: an addition without a product, too
    divisions: int = 0  # and square roots
    exponentials: int = 0  # and what costs as much: log, tanh, erf, sin, cos
    random_draws: float = 0  # of one cell a fraction, where cells share a draw
    neuron_updates: int = (
        0  # one cell, one step, on hardware that has cells; a digital machine's are opened up
    )
    bytes_tensor: int = 0  # operands and results of whole-tensor operations, each once per operation
    bytes_state: int = 0  # of a row's cells, which fit into a first-level cache

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{kind: getattr(self, kind) + getattr(other, kind) for kind in _KINDS})

    def __mul__(self, times: int) -> Counts:
        return Counts(**{kind: getattr(self, kind) * times for kind in _KINDS})


_KINDS = tuple(kind.name for kind in fields(Counts))  # looked up once: every call of a head adds


def repeated(parts: Iterable[tuple[Counts, int]]) -> Counts:
    """The sum of some counts, each times a number: what `+` and `*` give, in one pass."""
    each = [(counts, times) for counts, times in parts if times]
    return Counts(**{kind: sum(getattr(counts, kind) * times for counts, times in each) for kind in _KINDS})


def arithmetic(expression: ast.expr) -> Counts:
    """Operations of an expression, evaluated once."""
    return sum((_operation(node) for node in ast.walk(expression)), start=Counts())


def _operation(node: ast.AST) -> Counts:
    if isinstance(node, ast.BinOp):
        return _binary(node)
    if isinstance(node, ast.Compare):
        return Counts(acs=len(node.ops))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _CALLS.get(node.func.id, Counts(exponentials=1))
    return Counts()


def _binary(node: ast.BinOp) -> Counts:
    if isinstance(node.op, (ast.Add, ast.Sub)):
        fused = any(isinstance(s, ast.BinOp) and isinstance(s.op, ast.Mult) for s in (node.left, node.right))
        return Counts(macs=1, multiplies=-1) if fused else Counts(acs=1)
    if isinstance(node.op, ast.Mult):
        return Counts(multiplies=1)
    if isinstance(node.op, ast.Pow):
        return Counts(exponentials=1)
    return Counts(divisions=1) if isinstance(node.op, (ast.Div, ast.Mod, ast.FloorDiv)) else Counts()


_CALLS = {  # others are exponentials, or cost as much
    "rand": Counts(random_draws=1),
    "randn": Counts(random_draws=1),
    "sqrt": Counts(divisions=1),
    "exprel": Counts(exponentials=1, divisions=1, acs=1),
    "clip": Counts(acs=2),
    **{name: Counts(acs=1) for name in ("abs", "sign", "floor", "ceil", "int")},
}
