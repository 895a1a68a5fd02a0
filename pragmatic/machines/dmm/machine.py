"""The exact engine: V-values of any shape, an address space without bound, one cycle at a time.

A cycle has two halves. Down, linear: each input gets its row of the network matrix times all outputs. Up,
nonlinear: each neuron maps its inputs to its outputs. The matrix is Self's output, so a program that adds to Self
rewrites itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from pragmatic.checks import at_least, within
from pragmatic.machines.dmm.program import SELF, Links, Program, links_of, matrix_of, named_in, neurons_of
from pragmatic.machines.dmm.values import (
    DmmError,
    Path,
    Value,
    add,
    apply_matrix,
    at,
    checked,
    leaves,
    plain,
)

__all__ = ["LARGEST_ROW", "Machine", "row_too_large"]

LARGEST_ROW = 1e6  # sum of absolute weights
DELTA = ("accum", "self", "delta")


class Machine:
    """Runs a program exactly.

    Parameters
    ----------
    program : Program
    largest_row : float
        A row of the matrix whose absolute weights add up to more ends the run with a message.

    Attributes
    ----------
    outputs : V-value
        Of all neurons, type -> name -> slot, after the last cycle.
    inputs : V-value
        Of the last cycle.
    cycle : int
        Cycles run.

    Examples
    --------
    >>> clock = Program(links={"timer.clock.single": {"timer.clock.single": 1.0}})
    >>> machine = Machine(clock)
    >>> machine.run(3, "timer.clock.single")
    [{'number': 1.0}, {'number': 2.0}, {'number': 3.0}]
    """

    def __init__(self, program: Program, *, largest_row: float = LARGEST_ROW) -> None:
        within("Machine", "largest_row", largest_row, 1.0, 1e300)
        self.types, self.largest_row = program.all_types, largest_row
        self.outputs = program.start()
        self.neurons = neurons_of(self.outputs, self.types)
        self.inputs: Value = {}
        self.cycle = 0
        self._edit: Value = {}

    @property
    def matrix(self) -> Value:
        """The network matrix, Self's output."""
        return at(self.outputs, SELF)

    @property
    def links(self) -> dict[str, dict[str, float]]:
        """The network matrix by addresses: input -> output -> weight."""
        return links_of(self.matrix)

    def step(self) -> Value:
        """Run one cycle and return the outputs.

        Raises
        ------
        DmmError
            For a matrix whose rows have grown too large, and a V-value that has grown too deep or is not finite.
        """
        matrix = self.matrix
        _check_rows(((path[:3], abs(leaf)) for path, leaf in leaves(matrix)), self.largest_row, self.cycle)
        self.neurons |= named_in(matrix, self.types)
        self.inputs = apply_matrix(matrix, self.outputs, depth=3)
        if self._edit:
            self.inputs = add(self.inputs, {DELTA[0]: {DELTA[1]: {DELTA[2]: self._edit}}})
            self._edit = {}
        self.outputs = self._up()
        self.cycle += 1
        return self.outputs

    def run(self, n_cycles: int, *addresses: str) -> list[Value]:
        """Run some cycles; the V-value at an address after each of them, or a list of them a cycle if several."""
        at_least("run", "n_cycles", n_cycles, 0)
        paths = [tuple(address.split(".")) for address in addresses]
        seen = []
        for _ in range(n_cycles):
            self.step()
            values = [at(self.outputs, path) for path in paths]
            seen.append(values[0] if len(values) == 1 else dict(zip(addresses, values, strict=True)))
        return seen

    def edit(self, links: Links) -> None:
        """Add links to the matrix in the next cycle, as a neuron would that is linked to Self's input "delta"."""
        self._edit = add(self._edit, matrix_of(links, self.types))

    def _up(self) -> Value:
        outputs: Value = {}
        for kind, name in sorted(self.neurons):
            own = at(self.inputs, (kind, name))
            slots = {slot: at(own, (slot,)) for slot in self.types[kind].inputs}
            values = {
                slot: plain(checked(f"output {kind}.{name}.{slot} in cycle {self.cycle}", value))
                for slot, value in self.types[kind].act(slots).items()
            }
            if kept := plain(values):
                outputs.setdefault(kind, {})[name] = kept
        return outputs


def _check_rows(weights: Iterable[tuple[Path, float]], largest: float, cycle: int) -> None:
    """Raise if the absolute weights of a row add up to more than `largest`, or are not finite."""
    sums: dict[Path, float] = {}
    for row, size in weights:
        sums[row] = sums.get(row, 0.0) + size
    for row, total in sums.items():
        if not math.isfinite(total) or total > largest:
            raise DmmError(row_too_large(row, total, largest, cycle))


def row_too_large(row: Path, total: float, largest: float, cycle: int) -> str:
    """What both engines say of it."""
    return (
        f"row {'.'.join(row)} of the network matrix must have absolute weights that add up to at most {largest:g}, "
        f"got {total:.3g} before cycle {cycle}; make the links smaller that feed Self, or raise largest_row"
    )
