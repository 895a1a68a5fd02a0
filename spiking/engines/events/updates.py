"""What a step and a spike make of the counted cells' variables, as formulas of the values before them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy

from spiking.engines.fused.fold import FUNCTIONS, draws, names
from spiking.engines.fused.names import Assignment
from spiking.engines.fused.parts import (
    Code,
    Pathway,
    Program,
    Reset,
    Step,
    Summed,
    SynapseCode,
    Threshold,
    Transmission,
)

__all__ = ["Stepped", "Updates", "calls", "common", "formula"]


class Stepped(Exception):
    """The property that is missing."""


def common(program: Program, arrays: set[str], unlike: set[str]) -> set[str]:
    """The variables that are alike in all cells: they begin so, and receive what the row's cells share."""
    values: dict[str, list[ast.expr | None]] = {}
    for step in program.steps:
        for a in getattr(step, "body", ()):
            value: ast.expr | None = a.value if isinstance(step, Code) and a.guard is None else None
            if isinstance(step, (Pathway, Summed)) and step.bundle is None and a.guard is None:
                value = ast.Constant(0.0)  # a sum over all cells of the source
            values.setdefault(a.target, []).append(value)
    own = (arrays & (unlike | (arrays - values.keys()))) | {"i"}
    while True:
        more = {
            name
            for name, received in values.items()
            if name not in own
            and (name in arrays or name.startswith("_"))
            and any(v is None or names(v) & own or draws(v) for v in received)
        }
        if not more:
            return arrays - own
        own |= more


@dataclass(frozen=True, kw_only=True)
class Updates:
    """What a step and a spike make of a group's variables."""

    after: Mapping[str, sympy.Expr]  # of those that a step writes, from values before it
    reset: Mapping[str, sympy.Expr]
    drawn: tuple[Assignment, ...]  # how a reset draws a value anew
    threshold: ast.expr

    @classmethod
    def of(cls, program: Program, group: str, arrays: set[str]) -> Updates:
        if program.cells[group].refractory:
            raise Stepped("its counted cells are refractory after a spike")
        after: dict[str, sympy.Expr] = {}
        reset: dict[str, sympy.Expr] = {}
        drawn: tuple[Assignment, ...] = ()
        threshold: ast.expr | None = None
        for step in program.steps:
            if getattr(step, "group", None) == group and getattr(step, "every", 1) > 1:
                raise Stepped("its counted cells have a slower clock")
            if isinstance(step, Code) and step.group == group:
                _run(step.body, after)
            elif isinstance(step, Threshold) and step.channel == group:
                threshold = step.condition
            elif isinstance(step, Reset) and step.channel == group:
                drawn = _drawn(step.body)
                _run([a for a in step.body if a not in drawn], reset)
            else:
                _check_step(step, group, arrays)
        if threshold is None:
            raise Stepped("its counted cells have no threshold")
        return cls(after=after, reset=reset, drawn=drawn, threshold=threshold)


def _drawn(body: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """The statements that draw a value, which may take several, and depend on nothing else."""
    random = [a.target for a in body if draws(a.value)]
    if not random:
        return ()
    if len(set(random)) > 1:
        raise Stepped("a reset draws random numbers for more than its threshold")
    known: set[str] = set()
    drawn, since = [], next(n for n, a in enumerate(body) if a.target == random[0])
    for a in body[since:]:
        reads = names(a.value)
        if a.target == random[0] or (reads and reads <= known):
            if reads - known:
                raise Stepped("the next threshold depends on the state of the cell")
            known.add(a.target)
            drawn.append(a)
        elif reads & known:
            raise Stepped("a spike changes the state of the cell by its next threshold")
    return tuple(drawn)


def calls(expression: ast.AST) -> list[str]:
    """The functions that an expression calls, once for each call."""
    return [
        n.func.id for n in ast.walk(expression) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    ]


def _check_step(step: Step, group: str, arrays: set[str]) -> None:
    """Raise if another part of the circuit reads or writes what the cells hold."""
    body = getattr(step, "body", ())
    used = set().union(*(names(a.value) | {a.target} for a in body), set())
    used |= names(step.condition) if isinstance(step, Threshold) else set()
    if {name.removesuffix("__pre") for name in used} & arrays or getattr(step, "group", None) == group:
        raise Stepped("other parts of the circuit read or change the state of its counted cells")
    if (
        isinstance(step, (Pathway, Summed, Transmission, SynapseCode))
        and group in (step.source, step.target)
        and step.bundle is not None
    ):
        raise Stepped("its counted cells do not all have the same synapses")


def _run(body: Sequence[Assignment], known: dict[str, sympy.Expr]) -> None:
    """Put statements into formulas of the values before them."""
    for a in body:
        if a.guard is not None:
            raise Stepped("its counted cells are refractory after a spike")
        known[a.target] = formula(a.value, known)


def formula(node: ast.expr, known: Mapping[str, sympy.Expr]) -> sympy.Expr:
    """An expression in sympy's terms."""
    if isinstance(node, ast.Constant):
        return sympy.Float(node.value)
    if isinstance(node, ast.Name):
        return known.get(node.id, sympy.Symbol(node.id))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = formula(node.operand, known)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](formula(node.left, known), formula(node.right, known))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        function = getattr(sympy, node.func.id, None) or sympy.Function(node.func.id)
        return function(*(formula(a, known) for a in node.args))
    noise = draws(node)
    raise Stepped(
        "its counted cells receive noise at every step" if noise else f"it computes {ast.unparse(node)!r}"
    )


_BINARY: dict[type[ast.operator], Callable[[sympy.Expr, sympy.Expr], sympy.Expr]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
