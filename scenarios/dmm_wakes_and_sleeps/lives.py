"""Runs of random machines: how far the master row moves in each cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pragmatic.machines.dmm.lightweight import MASTER, PureMachines
from scenarios.workbench.outcome import RunContext

if TYPE_CHECKING:
    from scenarios.dmm_wakes_and_sleeps import Params

__all__ = ["Seeds", "Steps", "at_rest", "awake", "many"]

Reader = tuple[str, int]  # source, spikes
STILL = 1e-4  # step below which a machine rests
TAIL = 50  # cycles at the end of a run that must be still
NUDGE = 1e-3  # by which machines that run exactly differ at the start: chaos makes them independent
REST_CYCLES = 60


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Of machines from one seed."""

    length: np.ndarray  # (n_machines, n_cycles), largest change of a weight of the master row
    rows: np.ndarray  # (n_cycles + 1, 11), the master row of the first machine

    @property
    def log(self) -> np.ndarray:
        """log10 of the lengths."""
        return np.log10(np.maximum(self.length, 1e-9))


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Machines from many seeds, each run exactly."""

    rests: np.ndarray  # (n_seeds,) bool
    first: int  # the first seed that came to rest, 0 if none


def many(params: Params, ctx: RunContext) -> Seeds:
    """Run every seed once."""
    machines, tail = PureMachines(range(1, params.n_seeds + 1)), []
    for cycle in range(params.seed_cycles):
        before = machines.matrix[:, MASTER].clone()
        moved = (machines.step()[:, MASTER] - before).abs().amax(dim=1)
        if cycle >= params.seed_cycles - TAIL:
            tail.append(moved.numpy())
        if cycle % 50 == 0:
            ctx.progress(cycle / params.seed_cycles)
    rests = np.max(tail, axis=0) < STILL
    return Seeds(rests=rests, first=int(rests.argmax()) + 1 if rests.any() else 0)


def awake(
    params: Params, reader: Reader | None, rng: np.random.Generator, ctx: RunContext | None = None
) -> Steps:
    """Run machines of the one seed, exactly after a nudge, or with rows drawn."""
    machines = PureMachines([params.seed_of_machine] * params.machines)
    draw, n_cycles = None, params.cycles
    if reader is None:
        n_cycles = params.seed_cycles  # which costs little

        nudges = rng.uniform(-NUDGE, NUDGE, tuple(machines.outputs.shape)).astype(np.float32)
        nudges[0] = nudges[:, 1::2] = 0.0  # the first machine is the published one, and constants stay
        machines.outputs += torch.from_numpy(nudges)
    else:
        assert ctx is not None  # spikes need an engine
        draw = params.signed_rows(*reader, ctx)
    rows = machines.master(n_cycles, draw)
    return Steps(length=abs(np.diff(rows, axis=1)).max(axis=2), rows=rows[0])


def at_rest(params: Params, seeds: Seeds, reader: Reader, ctx: RunContext) -> np.ndarray:
    """Run a machine that rests by spikes: root mean square step of each copy; nan without such a seed."""
    if not seeds.first:
        return np.full(params.machines, np.nan)
    machines = PureMachines([seeds.first])
    machines.master(params.seed_cycles)
    for name in ("inputs", "outputs"):
        kept = getattr(machines, name)
        setattr(machines, name, kept.expand(params.machines, *kept.shape[1:]).clone())
    rows = machines.master(REST_CYCLES, params.signed_rows(*reader, ctx))
    steps = abs(np.diff(rows, axis=1)).max(axis=2)[:, REST_CYCLES // 2 :]
    return np.sqrt((steps**2).mean(axis=1))
