"""Operations by kind, and how many of each a step of the circuit takes: read from the program that runs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from spiking.circuit import RowCircuit, row_program
from spiking.engines.fused.fold import names
from spiking.engines.fused.names import Assignment
from spiking.engines.fused.parts import Code, Pathway, Program, Reset, Summed, Threshold
from spiking.template import template_of

__all__ = ["CircuitOperations", "Counts", "circuit_operations"]


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


@dataclass(frozen=True, kw_only=True)
class CircuitOperations:
    """What each part of one row's circuit costs, once."""

    row_step: Counts  # what a row holds once, per step
    step: Mapping[str, Counts]  # group -> per cell and step
    reset: Mapping[str, Counts]  # spiking group -> per spike
    begin: Mapping[str, Counts]  # group -> per cell, at the start
    arrival: Mapping[
        str, Counts
    ]  # pathway -> per spike and synapse; nothing where a row's sum takes the spike
    pathways: Mapping[
        str, tuple[str, tuple[str, ...]]
    ]  # pathway -> source group, groups that a spike reaches
    listed: Mapping[str, float]  # pathway -> synapses per pair of cells, where they are listed one by one
    summed: Mapping[str, tuple[str, str, Counts]]  # sum over synapses -> source, target, per pair and step

    def fan_out(self, pathway: str, n_cells: Mapping[str, np.ndarray]) -> np.ndarray:
        """Synapses that one spike passes in each row, (n_rows,)."""
        _, reached = self.pathways[pathway]
        return self.listed.get(pathway, 1) * np.sum([n_cells[group] for group in reached], axis=0)


@cache
def circuit_operations(circuit: RowCircuit, precision: str = "float32") -> CircuitOperations:
    """Count the operations of one row's circuit from its compiled program.

    The program is Brian2's abstract code with constants folded, which is what both engines run. It is
    counted as written: an expression that a compiler would move out of a loop counts at every cell. A
    product that is added to something counts as one multiply-accumulate. Choosing, changing a sign and
    copying are free, a comparison is a subtraction. What is left out: the search for the cells that fired,
    in the steps in which any did.

    Parameters
    ----------
    circuit : RowCircuit
    precision : {"float32", "float64"}

    Raises
    ------
    ValueError
        For a circuit that the fused engine does not cover.
    """
    template = template_of(circuit)
    of = _Reader(row_program(circuit), np.dtype(precision).itemsize)
    begin = {group: Counts() for group in of.program.cells}
    for ref, n in template.start.n_draws.items():
        begin[ref.group] += Counts(random_draws=n)
    sizes, ends = template.arrays.sizes, template.arrays.ends
    listed = {
        step.name: len(template.arrays.synapses[step.bundle].source)
        / np.prod([sizes[e] for e in ends[step.bundle]])
        for step in of.pathways
        if step.bundle is not None
    }
    return CircuitOperations(
        row_step=of.row_step(),
        step={group: of.cell_step(group) for group in of.program.cells},
        reset={name: of.reset(name) for name, cells in of.program.cells.items() if cells.spikes},
        begin=begin,
        arrival={step.name: of.arrival(step) for step in of.pathways},
        pathways={step.name: (step.source, of.reached(step)) for step in of.pathways},
        listed=listed,
        summed={step.name: (step.source, step.target, of.sum_over(step)) for step in of.sums},
    )


class _Reader:
    """Counts operations in the steps of a program."""

    def __init__(self, program: Program, itemsize: int) -> None:
        self.program, self.itemsize = program, itemsize

    def cell_step(self, group: str) -> Counts:
        """What runs for every cell of a group at every step."""
        total, at_hand = Counts(), set[str]()
        for step in self.program.steps:
            if isinstance(step, Code) and step.group == group and self._per_cell(step.body):
                total += self._body(step.body)
                at_hand |= {a.target for a in step.body}
            elif isinstance(step, Threshold) and step.group == group:
                total += _arithmetic(step.condition) + self._traffic(names(step.condition) - at_hand, set())
        return total

    @property
    def pathways(self) -> list[Pathway]:
        return [step for step in self.program.steps if isinstance(step, Pathway)]

    @property
    def sums(self) -> list[Summed]:
        return [step for step in self.program.steps if isinstance(step, Summed)]

    def row_step(self) -> Counts:
        """What runs once a row at every step: synaptic sums, and spikes put into their queue."""
        total = Counts()
        for step in self.program.steps:
            if isinstance(step, Code) and not self._per_cell(step.body):
                total += self._body(step.body)
            elif isinstance(step, Pathway):
                once = [a for a in step.body if not self._one_by_one(step, a)]
                total += Counts(acs=1, macs=len(once))  # arrived * weight joins each sum
        return total

    def arrival(self, step: Pathway) -> Counts:
        """What one spike does at one synapse that leads to a cell's own variable."""
        each = [a for a in step.body if self._one_by_one(step, a)]
        return sum((_arithmetic(a.value) + Counts(acs=1) for a in each), start=Counts())

    def sum_over(self, step: Summed) -> Counts:
        """What one synapse adds to a sum at every step."""
        return _arithmetic(step.body[0].value) + Counts(acs=1)

    def reached(self, step: Pathway) -> tuple[str, ...]:
        """The groups whose cells a spike reaches: the target, or those that read the sum it joins."""
        if any(self._one_by_one(step, a) for a in step.body):
            return (step.target,)
        joined = {a.target for a in step.body}
        codes = [s for s in self.program.steps if isinstance(s, Code)]
        while (
            grown := {
                a.target
                for s in codes
                if not self._per_cell(s.body)
                for a in s.body
                if names(a.value) & joined
            }
            - joined
        ):
            joined |= grown
        readers = [s.group for s in codes if self._per_cell(s.body) and self._reads(s.body) & joined]
        return tuple(dict.fromkeys(readers)) or (step.target,)

    def _one_by_one(self, step: Pathway, a: Assignment) -> bool:
        return step.bundle is not None or bool(self._width(a.target))

    def _reads(self, body: Iterable[Assignment]) -> set[str]:
        return set().union(*(names(a.value) for a in body))

    def reset(self, group: str) -> Counts:
        """What one spike does to its own cell."""
        resets = [s for s in self.program.steps if isinstance(s, Reset) and s.group == group]
        return sum((self._body(step.body) for step in resets), start=Counts())

    def _per_cell(self, body: Iterable[Assignment]) -> bool:
        return any(self._width(a.target) for a in body)

    def _width(self, name: str) -> int:
        """Bytes of an array's element; 0 for scalars and temporaries, which stay in registers."""
        ref = self.program.arrays.get(name)
        if ref is None:
            return 0
        return 1 if self.program.cells[ref.group].kinds[ref.variable] == "bool" else self.itemsize

    def _body(self, body: Iterable[Assignment]) -> Counts:
        total = sum((_arithmetic(a.value) for a in body), start=Counts())
        read = set().union(*(names(a.value) for a in body))
        return total + self._traffic(read, {a.target for a in body})

    def _traffic(self, read: set[str], written: set[str]) -> Counts:
        return Counts(bytes_state=sum(map(self._width, read)) + sum(map(self._width, written)))


def _arithmetic(expression: ast.expr) -> Counts:
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
