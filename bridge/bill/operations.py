"""Operations by kind, and how many of each a step of the circuit takes: read from the program that runs."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from spiking import GammaParams
from spiking.circuits.gamma import row_program
from spiking.engines.fused.fold import names
from spiking.engines.fused.names import Assignment
from spiking.engines.fused.parts import Code, Pathway, Program, Reset, Threshold

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
    random_draws: int = 0
    neuron_updates: int = (
        0  # one cell, one step, on hardware that has cells; a digital machine's are opened up
    )
    bytes_tensor: int = 0  # operands and results of whole-tensor operations, each once per operation
    bytes_state: int = 0  # of a row's cells, which fit into a first-level cache

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def __mul__(self, times: int) -> Counts:
        return Counts(**{f.name: getattr(self, f.name) * times for f in fields(self)})


@dataclass(frozen=True, kw_only=True)
class CircuitOperations:
    """What each part of one row's circuit costs, once."""

    row_step: Counts  # synaptic sums and pathways, per row and step
    exc_step: Counts  # per E cell and step
    inh_step: Counts  # per I cell and step
    exc_reset: Counts  # per E spike
    inh_reset: Counts  # per I spike
    exc_cell: Counts  # per E cell, at the start
    inh_cell: Counts

    def total(
        self,
        *,
        row_steps: int,
        exc_steps: int,
        inh_steps: int,
        exc_resets: int,
        inh_resets: int,
        exc_cells: int,
        inh_cells: int,
    ) -> Counts:
        """Operations of as many of each."""
        return (
            self.row_step * row_steps
            + self.exc_step * exc_steps
            + self.inh_step * inh_steps
            + self.exc_reset * exc_resets
            + self.inh_reset * inh_resets
            + self.exc_cell * exc_cells
            + self.inh_cell * inh_cells
        )


@cache
def circuit_operations(params: GammaParams, precision: str = "float32") -> CircuitOperations:
    """Count the operations of one row's circuit from its compiled program.

    The program is Brian2's abstract code with constants folded, which is what both engines run. It is
    counted as written: an expression that a compiler would move out of a loop counts at every cell. A
    product that is added to something counts as one multiply-accumulate. Choosing, changing a sign and
    copying are free, a comparison is a subtraction. What is left out: the search for the cells that fired,
    in the steps in which any did.

    Parameters
    ----------
    params : GammaParams
    precision : {"float32", "float64"}
    """
    of = _Reader(row_program(params, precision), np.dtype(precision).itemsize)
    noise = _Draws()
    params.cell.initial(1, noise)
    return CircuitOperations(
        row_step=of.row_step(),
        exc_step=of.cell_step("exc"),
        inh_step=of.cell_step("inh"),
        exc_reset=of.reset("exc"),
        inh_reset=of.reset("inh"),
        exc_cell=Counts(random_draws=noise.n),
        inh_cell=Counts(random_draws=1),  # its voltage
    )


class _Draws:
    """Stands for the noise of initial states, and counts what is asked of it."""

    n = 0

    def uniform(self, low: float, high: float, size: int, /) -> np.ndarray:
        self.n += size
        return np.zeros(size)

    def exponential(self, *, size: int) -> np.ndarray:
        self.n += size
        return np.ones(size)


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

    def row_step(self) -> Counts:
        """What runs once a row at every step: synaptic sums, and spikes put into their queue."""
        total = Counts()
        for step in self.program.steps:
            if isinstance(step, Code) and not self._per_cell(step.body):
                total += self._body(step.body)
            elif isinstance(step, Pathway):
                total += Counts(acs=1, macs=len(step.body))  # arrived * weight joins each sum
        return total

    def reset(self, group: str) -> Counts:
        """What one spike does to its own cell."""
        resets = [s for s in self.program.steps if isinstance(s, Reset) and s.group == group]
        return sum((self._body(step.body) for step in resets), start=Counts())

    def _per_cell(self, body: Iterable[Assignment]) -> bool:
        return any(self._width(a.target) for a in body)

    def _width(self, name: str) -> int:
        """Bytes of an array's element; 0 for scalars and temporaries, which stay in registers."""
        group, _, variable = name.partition("__")
        cells = self.program.cells.get(group)
        if cells is None or variable not in cells.arrays:
            return 0
        return 1 if cells.kinds[variable] == "bool" else self.itemsize

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
