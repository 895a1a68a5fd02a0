"""Constant folding on expressions: what does not change during a run is computed once, in double precision."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Set

import numpy as np

__all__ = ["FUNCTIONS", "RANDOM", "draws", "fold", "names", "number", "select", "value"]


def _exprel(x: float) -> float:
    return math.expm1(x) / x if x else 1.0


FUNCTIONS: dict[str, Callable[..., float]] = {  # Brian2's functions that are the same for equal arguments
    **{name: getattr(math, name) for name in ("exp", "log", "log10", "sqrt", "expm1", "log1p")},
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"arc{name}": getattr(math, f"a{name}") for name in ("sin", "cos", "tan")},
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exprel": _exprel,
    "clip": lambda x, low, high: min(max(x, low), high),
    "sign": lambda x: float(np.sign(x)),
    "int": int,
}
RANDOM = ("rand", "randn")  # without arguments
_DRAWN = (*RANDOM, "poisson", "binomial")
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.Mod: lambda a, b: a % b,
    ast.FloorDiv: lambda a, b: a // b,
}


def number(value: float) -> ast.Constant:
    """A constant node."""
    return ast.Constant(float(value))


def value(node: ast.expr) -> float:
    """The number of a constant node."""
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, (int, float))
    return float(node.value)


def select(condition: ast.expr, yes: ast.expr, no: ast.expr) -> ast.IfExp:
    """`yes if condition else no`."""
    return ast.IfExp(test=condition, body=yes, orelse=no)


def names(expression: ast.AST) -> set[str]:
    """The variables that an expression reads."""
    functions = {
        n.func.id for n in ast.walk(expression) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    return {n.id for n in ast.walk(expression) if isinstance(n, ast.Name)} - functions


def draws(expression: ast.AST) -> bool:
    """Whether an expression draws a random number."""
    return any(isinstance(n, ast.Name) and n.id in _DRAWN for n in ast.walk(expression))


def fold(expression: ast.expr, booleans: Set[str] = frozenset()) -> ast.expr:
    """Fold constants, gather the constant factors of products, and split on a lone boolean.

    An arithmetic part whose only variable is one of `booleans` (`exp(-dt * int(not_refractory) / tau)`)
    becomes a choice between its two values.
    """
    return _Fold(booleans).part(expression)


class _Fold(ast.NodeTransformer):
    def __init__(self, booleans: Set[str]) -> None:
        self.booleans = booleans

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.BinOp, ast.Call, ast.UnaryOp)) and not _logical(node):
            used = names(node)
            if len(used) == 1 and used <= self.booleans:
                flag = ast.Name(id=next(iter(used)), ctx=ast.Load())
                return select(flag, *(fold(_with(node, flag.id, value)) for value in (1.0, 0.0)))
        return super().visit(node)

    def part(self, node: ast.expr) -> ast.expr:
        folded = self.visit(node)
        assert isinstance(folded, ast.expr)
        return folded

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.part(node.left), self.part(node.right)
        if isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            return ast.BinOp(left=left, op=node.op, right=right)
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            return number(_BINARY[type(node.op)](value(left), value(right)))
        if isinstance(node.op, (ast.Mult, ast.Div)):
            return _product(left, node.op, right)
        return ast.BinOp(left=left, op=node.op, right=right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.part(node.operand)
        if isinstance(operand, ast.Constant) and isinstance(node.op, (ast.USub, ast.UAdd)):
            return number(-value(operand) if isinstance(node.op, ast.USub) else value(operand))
        return ast.UnaryOp(op=node.op, operand=operand)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        arguments = [self.part(a) for a in node.args]
        if node.func.id in FUNCTIONS and arguments and all(isinstance(a, ast.Constant) for a in arguments):
            return number(FUNCTIONS[node.func.id](*(value(a) for a in arguments)))
        return ast.Call(func=node.func, args=arguments, keywords=[])

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return number(value(node))


def _logical(node: ast.AST) -> bool:
    return (isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr))) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _with(node: ast.expr, name: str, value: float) -> ast.expr:
    """A copy of `node` with a variable replaced by a number."""

    class Replace(ast.NodeTransformer):
        def visit_Name(self, found: ast.Name) -> ast.expr:
            return number(value) if found.id == name else found

    return Replace().visit(ast.parse(ast.unparse(node), mode="eval").body)


def _product(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.expr:
    """left * right or left / right with one constant factor in front."""
    a, x = _split(left)
    b, y = _split(right)
    if isinstance(operator, ast.Div):
        factor = a / b
        rest = x if y is None else ast.BinOp(left=x or number(1.0), op=ast.Div(), right=y)
    else:
        factor = a * b
        rest = y if x is None else x if y is None else ast.BinOp(left=x, op=ast.Mult(), right=y)
    if rest is None:
        return number(factor)
    return rest if factor == 1.0 else ast.BinOp(left=number(factor), op=ast.Mult(), right=rest)


def _split(node: ast.expr) -> tuple[float, ast.expr | None]:
    """Constant factor and the rest of an expression."""
    if isinstance(node, ast.Constant):
        return value(node), None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        factor, rest = _split(node.operand)
        return -factor, rest
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(node.left, ast.Constant):
        return value(node.left), node.right
    return 1.0, node
