"""How many operations of each kind a step of the circuit takes: read from the program that runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from bridge.bill.counts import Counts, arithmetic
from bridge.bill.unstepped import ByEvents, by_events
from spiking.circuit import RowCircuit, row_program
from spiking.engines.fused.fold import names
from spiking.engines.fused.names import Assignment
from spiking.engines.fused.parts import (
    Code,
    Pathway,
    Program,
    Reset,
    Summed,
    SynapseCode,
    Threshold,
    Transmission,
)
from spiking.template import template_of

__all__ = ["CircuitOperations", "circuit_operations"]


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
    by_events: Mapping[str, ByEvents]  # of groups that are not stepped

    def fan_out(self, pathway: str, n_cells: Mapping[str, np.ndarray]) -> np.ndarray:
        """Synapses that one spike passes in each row, (n_rows,)."""
        _, reached = self.pathways[pathway]
        return self.listed.get(pathway, 1) * np.sum([n_cells[group] for group in reached], axis=0)


@cache
def circuit_operations(
    circuit: RowCircuit, precision: str = "float32", *, stepped: bool = True
) -> CircuitOperations:
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
    stepped : bool
        Whether all cells are stepped; else as the engine `EventDriven` runs the circuit.

    Raises
    ------
    ValueError
        For a circuit that the fused engine does not cover.
    """
    template = template_of(circuit)
    of = _Reader(row_program(circuit, stepped), np.dtype(precision).itemsize)
    draws = template.start.n_draws
    unstepped = {
        part.group: by_events(part, draws, template.unit, of.itemsize) for part in of.program.unstepped
    }
    begin = {group: Counts() for group in of.program.cells}
    for ref, n in draws.items():
        if ref.group not in unstepped:
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
        pathways={
            step.name: (step.firing if isinstance(step, Transmission) else step.source, of.reached(step))
            for step in of.pathways
        },
        listed=listed,
        summed={step.name: (step.source, step.target, of.sum_over(step)) for step in of.sums},
        by_events=unstepped,
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
                total += arithmetic(step.condition) + self._traffic(names(step.condition) - at_hand, set())
        return total

    @property
    def pathways(self) -> list[Pathway | Transmission]:
        return [step for step in self.program.steps if isinstance(step, (Pathway, Transmission))]

    @property
    def sums(self) -> list[Summed | SynapseCode]:
        """What runs for every synapse at every step."""
        return [step for step in self.program.steps if isinstance(step, (Summed, SynapseCode))]

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

    def arrival(self, step: Pathway | Transmission) -> Counts:
        """What one spike does at one synapse that leads to a cell's own variable."""
        if isinstance(step, Transmission):
            return sum((arithmetic(a.value) for a in step.body), start=Counts())
        each = [a for a in step.body if self._one_by_one(step, a)]
        return sum((arithmetic(a.value) + Counts(acs=1) for a in each), start=Counts())

    def sum_over(self, step: Summed | SynapseCode) -> Counts:
        """What one synapse adds to a sum, or computes for itself, at every step."""
        counts = sum((arithmetic(a.value) for a in step.body), start=Counts())
        return counts + Counts(acs=1) if isinstance(step, Summed) else counts

    def reached(self, step: Pathway | Transmission) -> tuple[str, ...]:
        """The groups whose cells a spike reaches: the target, or those that read the sum it joins."""
        if isinstance(step, Transmission):
            return (step.source if step.backward else step.target,)
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
        total = sum((arithmetic(a.value) for a in body), start=Counts())
        read = set().union(*(names(a.value) for a in body))
        return total + self._traffic(read, {a.target for a in body})

    def _traffic(self, read: set[str], written: set[str]) -> Counts:
        return Counts(bytes_state=sum(map(self._width, read)) + sum(map(self._width, written)))
