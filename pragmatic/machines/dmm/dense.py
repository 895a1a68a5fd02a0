"""The dense engine: the same machine as tensors, in batches, differentiable.

All addresses and all leaves that signals can have are fixed at the start. A signal is then a vector of D leaves,
the network matrix one of (inputs, outputs), and a cycle one matrix product and a tensor operation for each type of
neuron. Where the program rewrites its matrix, the matrix is itself a signal: its links are among the leaves.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pragmatic.checks import at_least
from pragmatic.machines.dmm.layout import Layout
from pragmatic.machines.dmm.machine import LARGEST_ROW, row_too_large
from pragmatic.machines.dmm.neurons import NeuronType
from pragmatic.machines.dmm.program import SELF, Program, neurons_of
from pragmatic.machines.dmm.values import NUMBER, DmmError, Value, at, from_leaves, leaves

__all__ = ["DenseMachine", "RowDraw", "layout_of"]

RowDraw = Callable[[Tensor], Tensor]  # rows of a matrix to rows that were drawn, of the same shape


class DenseMachine:
    """Runs a batch of machines that start from one program.

    Parameters
    ----------
    program : Program
        Of types that have a tensor form.
    batch : int
    dtype : torch.dtype
    draw : callable, optional
        From the rows of the matrix, (batch, n_inputs, n_outputs), to rows of the same shape, in each cycle: how
        spikes draw a linear combination. Exact if not given.
    largest_row : float
        As `Machine` has it.

    Attributes
    ----------
    layout : Layout
    outputs : Tensor, (batch, n_outputs, D)
    matrix : Tensor, (batch, n_inputs, n_outputs)
        Replace it before the first cycle by one that needs a gradient, and it gets one. A program that rewrites
        its matrix has it among its outputs instead, from the second cycle on.
    cycle : int
    """

    def __init__(
        self,
        program: Program,
        *,
        batch: int = 1,
        dtype: torch.dtype = torch.float64,
        draw: RowDraw | None = None,
        largest_row: float = LARGEST_ROW,
    ) -> None:
        at_least("DenseMachine", "batch", batch, 1)
        types, state = program.all_types, program.start()
        self.layout, self.draw, self.largest_row = layout_of(state, types), draw, largest_row
        self.rewrites, self.cycle = _rewrites(state), 0
        shape = (batch, len(self.layout.outputs), len(self.layout.leaves))
        self.outputs = torch.zeros(shape, dtype=dtype)
        self.matrix = torch.zeros(batch, len(self.layout.inputs), len(self.layout.outputs), dtype=dtype)
        self._fill(state)
        self._groups = _groups(self.layout, types)

    def step(self) -> Tensor:
        """Run one cycle and return the outputs."""
        self._check()
        rows = self.matrix if self.draw is None else self.draw(self.matrix)
        inputs = rows @ self.outputs
        outputs = torch.empty_like(self.outputs)
        for act, slots_in, slots_out in self._groups:
            outputs[:, slots_out] = act(inputs[:, slots_in], self.layout)
        self.outputs = outputs
        if self.rewrites:
            places, into, out = self.layout.links
            self.matrix = torch.zeros_like(self.matrix)
            own = self.outputs[:, self.layout.outputs.index(SELF)]
            self.matrix[:, into, out] = own[:, places]
        self.cycle += 1
        return self.outputs

    def run(self, n_cycles: int) -> Tensor:
        """Outputs after each of some cycles, (n_cycles, batch, n_outputs, D)."""
        return torch.stack([self.step() for _ in range(n_cycles)])

    def value(self, address: str, at_batch: int = 0) -> Value:
        """The V-value of an output of one machine."""
        signal = self.outputs[at_batch, self.layout.outputs.index(tuple(address.split(".")))]
        return from_leaves(zip(self.layout.leaves, signal.tolist(), strict=True))

    def _fill(self, state: Value) -> None:
        for to, i in ((to, i) for i, to in enumerate(self.layout.outputs)):
            for path, leaf in leaves(at(state, to)):
                if path in self.layout.index:
                    self.outputs[:, i, self.layout.index[path]] = leaf
        into, out = self.layout.inputs, self.layout.outputs
        for path, weight in leaves(at(state, SELF)):
            self.matrix[:, into.index(path[:3]), out.index(path[3:])] = weight

    def _check(self) -> None:
        sums = self.matrix.detach().abs().sum(dim=-1)
        if not bool((sums <= self.largest_row).all()):
            worst = int(torch.nan_to_num(sums, nan=torch.inf).amax(dim=0).argmax())
            row, total = self.layout.inputs[worst], float(sums[:, worst].max())
            raise DmmError(row_too_large(row, total, self.largest_row, self.cycle))


def layout_of(state: Value, types: dict[str, NeuronType]) -> Layout:
    """Find all that a machine can reach whose types make no leaf by themselves but "number" and their keys."""
    neurons = tuple(sorted(neurons_of(state, types)))
    signals = {path[3:] or (NUMBER,) for path, _ in leaves(state)}
    if not _rewrites(state):
        signals = {path for path in signals if len(path) != 6}
    signals |= {(NUMBER,)} | {(key,) for kind, _ in neurons for key in types[kind].keys}
    names = tuple(sorted(signals))
    for path in names:
        if any(path[:n] in signals for n in range(1, len(path))):
            raise DmmError(
                f"the dense engine needs signals whose leaves have no leaves below them, got {'.'.join(path)}; "
                "use Machine"
            )
    return Layout(
        neurons=neurons,
        inputs=tuple((*n, slot) for n in neurons for slot in types[n[0]].inputs),
        outputs=tuple((*n, slot) for n in neurons for slot in types[n[0]].outputs),
        leaves=names,
    )


def _rewrites(state: Value) -> bool:
    """Whether anything but Self's own output is linked to Self."""
    matrix = at(state, SELF)
    own = at(matrix, SELF[:2])
    return own != {"accum": {SELF[0]: {SELF[1]: {SELF[2]: 1.0}}}}


def _groups(
    layout: Layout, types: dict[str, NeuronType]
) -> list[tuple[Callable[..., Tensor], Tensor, Tensor]]:
    """For each type its operation, and the places of its neurons' inputs and outputs, (n_neurons, n_slots)."""
    into, out = ({path: i for i, path in enumerate(side)} for side in (layout.inputs, layout.outputs))
    groups = []
    for kind in dict.fromkeys(kind for kind, _ in layout.neurons):
        of, act = [n for n in layout.neurons if n[0] == kind], types[kind].dense
        if act is None:
            raise DmmError(
                f"the dense engine has no neurons of type {kind}; use Machine, or give the type `dense`"
            )
        slots = [
            torch.tensor([[places[(*n, slot)] for slot in names] for n in of], dtype=torch.long)
            for places, names in ((into, types[kind].inputs), (out, types[kind].outputs))
        ]
        groups.append((act, slots[0], slots[1]))
    return groups
