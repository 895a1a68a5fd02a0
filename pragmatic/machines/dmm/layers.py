"""A dataflow matrix machine that is trained: layers of neurons, every earlier output linked to every later input.

The only loops are the accumulators' own links, which add up. So a layer can be computed for all cycles at once:
inputs are the delayed outputs of earlier layers, and a sum over time is a cumulative sum. The machine is the same
as on the engines, which run what `program` returns; it trains a hundred times faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pragmatic.checks import at_least, check_rng, unknown
from pragmatic.machines.dmm.dense import RowDraw
from pragmatic.machines.dmm.layout import Layout
from pragmatic.machines.dmm.lite import CONST, EVERY, INPUT, OUTPUTS, STOP, TEXT, counted, wired
from pragmatic.machines.dmm.neurons import NEURONS
from pragmatic.machines.dmm.program import Program
from pragmatic.machines.dmm.values import NUMBER

__all__ = ["KINDS", "LayeredMachine", "Sizes", "fitted", "sparsified", "squared_errors"]

KINDS = ("accum", "max-norm", "compare", "dot")
TWINS = "ab"  # neurons of each kind in a layer
INITIAL_STD = 0.01  # Bukatin (2022), as all numbers of this file


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Layers, and the kinds of neuron in each, two of every kind."""

    n_layers: int = 5
    kinds: tuple[str, ...] = KINDS

    def __post_init__(self) -> None:
        at_least("Sizes", "n_layers", self.n_layers, 1)
        for kind in self.kinds:
            if kind not in KINDS:
                raise ValueError(unknown("kind of neuron", kind, KINDS))

    def inputs(self, layer: int) -> list[str]:
        """Addresses that a layer's weights feed; the last layer holds the outputs."""
        if layer == self.n_layers:
            return list(OUTPUTS)
        slots = {kind: ("delta",) if kind == "accum" else NEURONS[kind].inputs for kind in self.kinds}
        return [f"{name}.{slot}" for kind, name in self._neurons(layer) for slot in slots[kind]]

    def sources(self, layer: int) -> list[str]:
        """Addresses of all outputs before a layer."""
        names = [INPUT, CONST, STOP]
        for earlier in range(layer):
            names += [
                f"{name}.{slot}" for kind, name in self._neurons(earlier) for slot in NEURONS[kind].outputs
            ]
        return names

    @property
    def n_weights(self) -> int:
        """Of a machine."""
        return sum(len(self.inputs(k)) * len(self.sources(k)) for k in range(self.n_layers + 1))

    def _neurons(self, layer: int) -> list[tuple[str, str]]:
        return [(kind, f"{kind}.{layer + 1}{twin}") for kind in self.kinds for twin in TWINS]


class LayeredMachine(nn.Module):
    """Some machines of the same size, trained at once; they share nothing but the text.

    Parameters
    ----------
    sizes : Sizes
    n_machines : int
    rng : numpy.random.Generator

    Attributes
    ----------
    weights : Parameter, (n_machines, n_weights), float64
    kept : Tensor of the same shape, bool
        Links that have not been cut.
    """

    kept: Tensor

    def __init__(self, sizes: Sizes, n_machines: int, rng: np.random.Generator) -> None:
        super().__init__()
        check_rng(rng)
        self.sizes = sizes
        first = rng.normal(0.0, INITIAL_STD, (n_machines, sizes.n_weights))
        self.weights = nn.Parameter(torch.from_numpy(first))
        self.register_buffer("kept", torch.ones(first.shape, dtype=torch.bool))

    def forward(self, text: str, n_cycles: int, draw: RowDraw | None = None) -> Tensor:
        """Both outputs in each cycle, (n_machines, n_cycles, 2).

        Parameters
        ----------
        text : str
        n_cycles : int
        draw : callable, optional
            Draws the rows of the matrix, (n_machines, n_cycles, n_inputs, n_sources), anew in every cycle.
        """
        layout, known = _heard(text, n_cycles, len(self.weights))
        for layer, matrix in enumerate(self._matrices()):
            late = nn.functional.pad(known, (0, 0, 0, 0, 1, 0))[:, :-1]  # outputs of the cycle before
            if draw is None:
                inputs = torch.einsum("bij,btjd->btid", matrix, late)  # (n_machines, n_cycles, n_inputs, D)
            else:
                inputs = draw(matrix[:, None].expand(-1, n_cycles, -1, -1)) @ late
            if layer == self.sizes.n_layers:
                break
            known = torch.cat([known, self._layer(inputs, layout)], dim=2)
        return layout.numbers(inputs)

    def program(self, machine: int, text: str = TEXT) -> Program:
        """One of the machines as a program, its links those that are left and can carry a signal."""
        links: dict[str, dict[str, float]] = {}
        kept = (self.weights * self.kept)[machine].tolist()
        at = iter(kept)
        heard = {INPUT, CONST, STOP}  # outputs, in the order of layers, that some input reaches
        for to, out in self._names():
            if (weight := next(at)) and out in heard:
                links.setdefault(to, {})[out] = weight
                heard |= {f"{to.rpartition('.')[0]}.{slot}" for slot in NEURONS[to.split(".")[0]].outputs}
        return wired(links, text)

    def _names(self) -> Iterator[tuple[str, str]]:
        for k in range(self.sizes.n_layers + 1):
            yield from ((to, out) for to in self.sizes.inputs(k) for out in self.sizes.sources(k))

    def _matrices(self) -> Iterator[Tensor]:
        """One (n_machines, n_inputs, n_sources) for each layer, the outputs last."""
        weights, at = self.weights * self.kept, 0
        for k in range(self.sizes.n_layers + 1):
            shape = len(self.sizes.inputs(k)), len(self.sizes.sources(k))
            yield weights[:, at : at + shape[0] * shape[1]].unflatten(1, shape)
            at += shape[0] * shape[1]

    def _layer(self, inputs: Tensor, layout: Layout) -> Tensor:
        outputs, at = [], 0
        for kind in self.sizes.kinds:
            n_slots = 1 if kind == "accum" else len(NEURONS[kind].inputs)
            own = inputs[:, :, at : at + n_slots * len(TWINS)].unflatten(2, (len(TWINS), n_slots))
            at += n_slots * len(TWINS)
            act = NEURONS[kind].dense
            assert act is not None  # all of KINDS have a tensor form
            out = own.cumsum(dim=1) if kind == "accum" else act(own, layout)
            outputs.append(out.flatten(2, 3))
        return torch.cat(outputs, dim=2)


def fitted(
    machine: LayeredMachine,
    *,
    n_steps: int,
    text: str = TEXT,
    n_cycles: int = 140,
    learning_rate: float = 1e-3,
    l1: float = 1e-3,
    draw: RowDraw | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> np.ndarray:
    """Train by Adam, from a fresh state of it.

    Returns
    -------
    (n_steps + 1, n_machines) array
        Loss before each step and after the last: squared errors summed over cycles and outputs, and `l1` times
        the sum of absolute weights.
    """
    wanted, losses = counted(text, n_cycles), []
    optimizer = torch.optim.Adam(machine.parameters(), lr=learning_rate, betas=(0.9, 0.999))
    for step in range(n_steps + 1):
        said = machine(text, n_cycles, draw)
        penalty = l1 * (machine.weights * machine.kept).abs().sum(dim=1)
        loss = (said - wanted).square().sum(dim=(1, 2)) + penalty
        losses.append(loss.detach().numpy().copy())
        if step == n_steps:
            break
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        progress((step + 1) / n_steps)
    return np.array(losses)


def sparsified(
    machine: LayeredMachine,
    n_left: Sequence[int],
    *,
    l1: float = 1e-2,
    n_steps: int = 100,
    patience: int = 1,
    enough: float = 1.0,
    progress: Callable[[float], None] = lambda _: None,
) -> np.ndarray:
    """Cut the smallest weights in rounds, each followed by trainings from a fresh state of the optimiser.

    Parameters
    ----------
    machine : LayeredMachine
    n_left : sequence of int
        Weights to be left after each round, falling.
    l1 : float
        Penalty of absolute weights meanwhile, ten times that of the training.
    n_steps : int
        Of each training.
    patience : int
        Trainings after a cut, as long as the median error of the machines is above `enough`.
    enough : float
    progress : callable, optional

    Returns
    -------
    (n_rounds, n_machines) array
        Squared errors after each round.
    """
    errors = []
    for done, left in enumerate(n_left, start=1):
        size = (machine.weights * machine.kept).detach().abs()
        machine.kept = torch.zeros_like(machine.kept).scatter(1, size.topk(left, dim=1).indices, True)
        for _ in range(patience):
            fitted(machine, n_steps=n_steps, l1=l1)
            wrong = squared_errors(machine, TEXT, 140)
            if np.median(wrong) < enough:
                break
        errors.append(wrong)
        progress(done / len(n_left))
    return np.array(errors)


def squared_errors(machine: LayeredMachine, text: str, n_cycles: int) -> np.ndarray:
    """Of each machine, summed over cycles and both outputs, (n_machines,)."""
    with torch.no_grad():
        wrong = machine(text, n_cycles) - counted(text, n_cycles)
    return wrong.square().sum(dim=(1, 2)).numpy()


def _heard(text: str, n_cycles: int, n_machines: int) -> tuple[Layout, Tensor]:
    """Leaves, and what input, constant and stop say in each cycle, (n_machines, n_cycles, 3, D)."""
    names = tuple(sorted({(NUMBER,), (".",), *((letter,) for letter in text)}))
    layout = Layout(neurons=(), inputs=(), outputs=(), leaves=names)
    said = torch.zeros(n_cycles, 3, len(names), dtype=torch.float64)
    for cycle in range(0, n_cycles, EVERY):
        said[cycle, 0, layout.index[(text[min(cycle // EVERY, len(text) - 1)],)]] = 1.0
    said[:, 1, layout.index[(NUMBER,)]] = 1.0
    said[:, 2, layout.index[(".",)]] = 1.0
    return layout, said.expand(n_machines, -1, -1, -1)
