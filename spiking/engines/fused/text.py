"""Expressions as the text of a kernel: numbers become its arguments, functions those of the engine."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from spiking.engines.fused.fold import names, value
from spiking.engines.fused.names import Assignment, Table

__all__ = ["Expressions", "Lines", "write_search"]

_FUNCTIONS = {  # the rest of fold.FUNCTIONS are functions of `math`
    **{name: name for name in ("clip", "sign", "abs")},
    **{"floor": "np.floor", "ceil": "np.ceil", "int": "whole"},
    **{f"arc{name}": f"math.a{name}" for name in ("sin", "cos", "tan")},
}
_OF_WIDTH = ("exp", "exprel", "tanh")  # ours, one for each precision


class Lines(Protocol):
    """What gathers the lines of a kernel (`writer.Writer`), as the parts of a program see it."""

    @property
    def expressions(self) -> Expressions: ...
    def line(self, depth: int, text: str) -> None: ...
    def assign(self, depth: int, a: Assignment, *, rare: bool = False, cell: str = "i") -> None: ...


def write_search(writer: Lines, words: str, n_words: str, marked: str) -> None:
    """Write a loop over what is marked; its body follows at depth 6, its number in the variable `marked`.

    Eight flags are read as one word, the first in its lowest byte (little-endian processors).
    """
    writer.line(4, f"for word in range({n_words}):")
    writer.line(5, f"marked = {words}[word]")
    writer.line(5, "while marked != U(0):")
    writer.line(6, f"{marked} = 8 * word + (lowest_bit(marked) >> 3)")
    writer.line(6, "marked &= marked - U(1)")


@dataclass
class Expressions:
    """Writes expressions, and keeps the numbers and draws that they hold."""

    tables: Mapping[str, Table]
    single: bool  # float32
    floats: list[float] = field(default_factory=list)  # c0, c1, ... of the kernel
    doubles: list[float] = field(default_factory=list)  # d0, d1, ..., in double precision always
    ints: list[int] = field(default_factory=list)  # k0, k1, ...
    n_draws: int = 0  # calls of rand() and randn()
    imports: dict[str, None] = field(
        default_factory=dict
    )  # lines that the module needs at its head, in order

    @property
    def width(self) -> str:
        """Ends the names of our functions of that precision."""
        return "32" if self.single else "64"

    def real(self, value: float) -> str:
        self.floats.append(value)  # equal ones apart: the text must not depend on values
        return f"c{len(self.floats) - 1}"

    def double(self, value: float) -> str:
        self.doubles.append(value)
        return f"d{len(self.doubles) - 1}"

    def whole(self, value: int) -> str:
        self.ints.append(value)
        return f"k{len(self.ints) - 1}"

    def text(self, expression: ast.expr, *, rare: bool = False, cell: str = "i") -> str:
        """An expression as Python text, for the cell with that index.

        What is evaluated seldom (`rare`) draws in double precision, whose tail reaches further.
        """
        return _Text(self, rare, cell).of(expression)


class _Text:
    """Writes one expression."""

    def __init__(self, known: Expressions, rare: bool, cell: str) -> None:
        self.known, self.rare, self.cell = known, rare, cell
        self.width = known.width

    def of(self, node: ast.expr) -> str:
        return getattr(self, f"_{type(node).__name__}")(node)

    def _Constant(self, node: ast.Constant) -> str:
        return self.known.real(value(node))

    def _Name(self, node: ast.Name) -> str:
        return node.id

    def _UnaryOp(self, node: ast.UnaryOp) -> str:
        sign = {ast.USub: "-", ast.UAdd: "+", ast.Not: "not "}[type(node.op)]
        return f"({sign}{self.of(node.operand)})"

    def _BinOp(self, node: ast.BinOp) -> str:
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        left, right = self.of(node.left), self.of(node.right)
        symbol = ast.unparse(ast.BinOp(left=ast.Name(id="x"), op=node.op, right=ast.Name(id="x")))[2:-2]
        return f"({left} {symbol} {right})"

    def _power(self, node: ast.BinOp) -> str:
        base = self.of(node.left)
        if isinstance(node.right, ast.Constant) and value(node.right) in (2, 3, 4):
            return "(" + " * ".join([base] * int(value(node.right))) + ")"
        return f"({base} ** {self.of(node.right)})"

    def _Compare(self, node: ast.Compare) -> str:
        symbol = ast.unparse(ast.Compare(left=ast.Name(id="x"), ops=node.ops, comparators=[ast.Name(id="x")]))
        right = node.comparators[0]
        if "step" in names(node.left) and isinstance(right, ast.Constant):
            return f"(I({self.of(node.left)}){symbol[1:-1]}I({self.known.whole(int(value(right)))}))"
        return f"({self.of(node.left)}{symbol[1:-1]}{self.of(right)})"

    def _IfExp(self, node: ast.IfExp) -> str:
        return f"({self.of(node.body)} if {self.of(node.test)} else {self.of(node.orelse)})"

    def _Call(self, node: ast.Call) -> str:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name in ("rand", "randn"):
            function = {"rand": "uniform", "randn": "normal"}[name]
            width = "64" if self.rare else self.width
            return f"{function}{width}(key, {self._counter()})"
        if name in ("poisson", "binomial"):
            return self._drawn(name, node)
        if name == "real":
            return f"F({self.of(node.args[0])})"
        if name.startswith("table__"):
            return self._lookup(name, node)
        called = f"{name}{self.width}" if name in _OF_WIDTH else _FUNCTIONS.get(name, f"math.{name}")
        arguments = ", ".join(self.of(a) for a in node.args)
        return f"{called}(F({arguments}))" if name in _OF_WIDTH else f"{called}({arguments})"

    def _counter(self) -> str:
        """The counter of a draw, one for each step, call and cell."""
        site = self.known.n_draws
        self.known.n_draws += 1
        return f"((step64 * n_draws + {site}) << 20) + {self.cell}"

    def _drawn(self, name: str, node: ast.Call) -> str:
        """A whole number, drawn by as many uniform ones as it takes."""
        self.known.imports[f"from spiking.engines.fused.counts import {name}"] = None
        arguments = ", ".join(self.of(a) for a in node.args)
        return f"{name}(key, {self._counter()}, {arguments})"

    def _lookup(self, name: str, node: ast.Call) -> str:
        table = self.known.tables[name.removeprefix("table__")]
        t, column = node.args
        grid = f"{self.known.real(table.per_second)}, {self.known.whole(table.fine)}"
        index = "0" if isinstance(column, ast.Constant) else self.of(column)
        return f"lookup({name}, {self.of(t)}, {index}, {grid})"
