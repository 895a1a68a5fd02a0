"""Rings whose updates share a row with Self's own link, drawn by spikes: how long each keeps its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from bridge.heads.signed import SignedRows
from pragmatic.machines.dmm import DenseMachine
from pragmatic.machines.dmm.lite import HAND, TEXT, counted, said, wired
from pragmatic.machines.dmm.programs import ring, soft, update
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import Estimate, mean

if TYPE_CHECKING:
    from scenarios.dmm_traces import Params

__all__ = ["Drawn", "Lives", "drawn_run", "measured"]

N_COUNTED = 140  # cycles of the counting program
LARGEST_SHOWN = 3.0  # weight, at which a run that is drawn ends


@dataclass(frozen=True, kw_only=True)
class Lives:
    """Of machines whose rows one source draws, for each number of spikes."""

    cycles: np.ndarray  # (n_budgets, n_machines) done right from the start
    most: int  # cycles they were run for
    counted: np.ndarray  # (n_budgets, n_machines) cycles of 140 with both counts right, an accumulator drawn

    def life(self, at: int) -> Estimate:
        """Mean life; a machine that outlived the run counts with its length."""
        return mean(self.cycles[at])

    def right(self, at: int) -> Estimate:
        """Share of cycles of the counting program that are right."""
        return mean(self.counted[at] / N_COUNTED)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Weights in Self's row: of Self, then of the updates."""

    exact: np.ndarray  # (1 + n_updates, n_cycles + 1)
    spiking: np.ndarray


def measured(source: str, params: Params, ctx: RunContext, *, share: float) -> Lives:
    """Run rings and counting programs with every number of spikes."""
    cycles, right = [], []
    for n in params.spikes:
        with ctx.part(f"{n} spikes, {SOURCES[source]}", share=share / len(params.spikes)):
            draw = params.signed_rows(source, n, ctx)
            cycles.append(_lives(params, draw))
            counts = said(soft(wired(HAND)), N_COUNTED, batch=params.machines, draw=draw)
            right.append((counts.round() == counted(TEXT, N_COUNTED)).all(dim=2).sum(dim=1).numpy())
    return Lives(cycles=np.array(cycles), most=params.cycles, counted=np.array(right))


def drawn_run(params: Params, ctx: RunContext) -> Drawn:
    """One ring exactly, and one with the middle number of spikes."""
    draw = params.signed_rows("circuit", params.spikes[len(params.spikes) // 2], ctx)
    return Drawn(exact=_weights(params, None), spiking=_weights(params, draw))


def _lives(params: Params, draw: SignedRows) -> np.ndarray:
    """Cycles that each machine did right, (n_machines,); one that went wrong starts anew, unheeded."""
    machine = _machine(params, draw, params.machines)
    start, matrix = machine.outputs.clone(), machine.matrix.clone()
    row, columns = _places(machine, params)
    lives, alive = np.zeros(params.machines, dtype=int), torch.ones(params.machines, dtype=torch.bool)
    for cycle in range(1, params.cycles + 1):
        machine.step()
        wanted = torch.zeros(len(columns), dtype=torch.float64)
        wanted[[0, 1 + cycle % params.n_updates]] = 1.0
        alive &= (machine.matrix[:, row][:, columns].round() == wanted).all(dim=1)
        lives[alive.numpy()] = cycle
        if not alive.any():
            break
        machine.outputs = torch.where(alive[:, None, None], machine.outputs, start)
        machine.matrix = torch.where(alive[:, None, None], machine.matrix, matrix)
    return lives


def _weights(params: Params, draw: SignedRows | None) -> np.ndarray:
    """Of a machine that is run until its weights leave the picture; nan from there on."""
    machine = _machine(params, draw, 1)
    row, columns = _places(machine, params)
    seen = np.full((len(columns), params.shown + 1), np.nan)
    for cycle in range(params.shown + 1):
        weights = machine.matrix[0, row, columns].numpy()
        if abs(weights).max() > LARGEST_SHOWN:
            break
        seen[:, cycle] = weights
        machine.step()
    return seen


def _machine(params: Params, draw: SignedRows | None, batch: int) -> DenseMachine:
    return DenseMachine(ring(params.n_updates, slot="accum"), batch=batch, draw=draw, largest_row=1e100)


def _places(machine: DenseMachine, params: Params) -> tuple[int, list[int]]:
    """Self's row, and its columns: Self, then the updates."""
    outputs = [".".join(path) for path in machine.layout.outputs]
    columns = [
        outputs.index(out) for out in ("accum.self.single", *map(update, range(1, params.n_updates + 1)))
    ]
    return machine.layout.inputs.index(("accum", "self", "accum")), columns
