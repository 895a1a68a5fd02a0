"""Trained programs drawn by spikes: errors against the number of spikes, and which neurons make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from pragmatic.machines.dmm import DenseMachine, Program
from pragmatic.machines.dmm.lite import TEXT, counted, said
from pragmatic.machines.dmm.programs import soft
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import Estimate, mean

if TYPE_CHECKING:
    from scenarios.dmm_learns import Params

__all__ = ["GROUPS", "Drawn", "by_kind", "by_spikes"]

N_CYCLES = 140
GROUPS = {  # kind of neuron whose rows alone are drawn -> a reader's words
    "accum": "accumulators",
    "max-norm": "norms",
    "dot": "products",
    "compare": "comparisons",
    "identity": "outputs",
}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Outputs of machines of one program whose rows are drawn."""

    outputs: np.ndarray  # (n_machines, n_cycles, 2)
    exact: np.ndarray  # (n_cycles, 2)

    @property
    def wanted(self) -> np.ndarray:
        """(n_cycles, 2)."""
        return counted(TEXT, len(self.exact)).numpy()

    @property
    def excess(self) -> Estimate:
        """Squared error that drawing adds: summed squares of the distance to the exact outputs."""
        return mean(((self.outputs - self.exact) ** 2).sum(axis=(1, 2)))

    @property
    def right(self) -> Estimate:
        """Share of cycles in which both outputs round to the right counts."""
        return mean((self.outputs.round() == self.wanted).all(axis=2).mean(axis=1))

    @property
    def by_cycle(self) -> np.ndarray:
        """Root mean square distance to the exact outputs, (n_cycles,)."""
        return np.sqrt(((self.outputs - self.exact) ** 2).sum(axis=2).mean(axis=0))


def by_spikes(
    programs: Mapping[str, Program], params: Params, ctx: RunContext
) -> dict[tuple[str, str, int], Drawn]:
    """Run each program by each source with each number of spikes: (program, source, spikes) -> outputs."""
    exact = {name: _exact(program) for name, program in programs.items()}
    points = [(name, source, n) for name in programs for source in SOURCES for n in params.spikes]
    drawn = {}
    for at, (name, source, n) in enumerate(points):
        draw = params.signed_rows(source, n, ctx)
        drawn[name, source, n] = _run(programs[name], exact[name], params, draw)
        ctx.progress((at + 1) / len(points))
    return drawn


def by_kind(program: Program, params: Params, ctx: RunContext) -> dict[str, Drawn]:
    """Draw the rows of one kind of neuron alone, of accumulators together with what they remember."""
    spikes, exact = params.spikes[len(params.spikes) // 2], _exact(program)
    drawn = {}
    for at, kind in enumerate(GROUPS):
        of = soft(program) if kind == "accum" else program
        draw = params.signed_rows("circuit", spikes, ctx)
        inputs = DenseMachine(of).layout.inputs
        rows = [i for i, path in enumerate(inputs) if path[0] == kind]
        drawn[kind] = _run(of, exact, params, _only(draw, rows))
        ctx.progress((at + 1) / len(GROUPS))
    return drawn


def _only(draw: Callable[[Tensor], Tensor], rows: list[int]) -> Callable[[Tensor], Tensor]:
    """Draw these rows of a matrix, and leave the others exact."""

    def drawn(matrix: Tensor) -> Tensor:
        mixed = matrix.clone()
        mixed[..., rows, :] = draw(matrix[..., rows, :])
        return mixed

    return drawn


def _exact(program: Program) -> np.ndarray:
    return said(program, N_CYCLES)[0].numpy()


def _ahead(draw: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Draw the rows of all cycles at once, which a matrix that stays the same allows, and hand them out in turn."""
    left: list[Tensor] = []

    def next_rows(matrix: Tensor) -> Tensor:
        if not left:
            left.extend(draw(matrix.expand(N_CYCLES, *matrix.shape)))
        return left.pop()

    return next_rows


def _run(program: Program, exact: np.ndarray, params: Params, draw: Callable[[Tensor], Tensor]) -> Drawn:
    outputs = said(program, N_CYCLES, batch=params.replicas, draw=_ahead(draw))
    return Drawn(outputs=outputs.numpy(), exact=exact)
