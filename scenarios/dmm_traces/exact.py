"""The published traces on both engines, and the trace of a program of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pragmatic.machines.dmm import DenseMachine, Machine
from pragmatic.machines.dmm.lite import HAND, OUTPUTS, TEXT, counted, wired
from pragmatic.machines.dmm.program import links_of
from pragmatic.machines.dmm.programs import oscillation, ring, update
from pragmatic.machines.dmm.values import DmmError, max_norm, number
from scenarios.workbench.errors import UsageError

if TYPE_CHECKING:
    from scenarios.dmm_traces import Params

__all__ = ["Own", "Traces", "own_trace", "published"]

FLIPS = (-1.0, 1.0, -1.0, 1.0, -1.0, 1.0)  # of the oscillation, cycles 1 to 6
N_CYCLES = 140  # of the counting program


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Cycles in which each engine does as published."""

    oscillation: dict[str, int]  # engine -> of 6
    ring: dict[str, int]  # of two rounds
    n_ring: int
    counting: dict[str, int]  # of 140
    rows_to_draw: int  # rows of two links or more in the three programs


@dataclass(frozen=True, kw_only=True)
class Own:
    """A program that is drawn: its links at the start, and those that change."""

    links: dict[str, dict[str, float]]
    names: list[str]  # of the rows of `weights`
    weights: np.ndarray  # (n_names, n_cycles + 1): links that change, or norms of outputs where none does
    rewrites: bool


def published(params: Params) -> Traces:
    """Run the three programs on the exact and on the dense engine."""
    programs = (oscillation(), ring(params.n_updates), wired(HAND))
    n_ring = 2 * params.n_updates
    wanted = [{update(k % params.n_updates + 1): 1.0} for k in range(1, n_ring + 1)]
    right: dict[str, tuple[int, int, int]] = {}
    for name, make in (("exact", Machine), ("dense", DenseMachine)):
        flips, rounds = (
            _delta_rows(make(p), n) for p, n in zip(programs, (len(FLIPS), n_ring), strict=False)
        )
        counts = _counts(make(programs[2]))
        right[name] = (
            sum(row == {"identity.change.single": flip} for row, flip in zip(flips, FLIPS, strict=True)),
            sum(row == want for row, want in zip(rounds, wanted, strict=True)),
            int((counts == counted(TEXT, N_CYCLES).numpy()).all(axis=1).sum()),
        )
    rows = [row for p in programs for row in Machine(p).links.values()]
    return Traces(
        oscillation={name: each[0] for name, each in right.items()},
        ring={name: each[1] for name, each in right.items()},
        n_ring=n_ring,
        counting={name: each[2] for name, each in right.items()},
        rows_to_draw=sum(len(row) > 1 for row in rows),
    )


def own_trace(params: Params) -> Own:
    """Run the program that is drawn, exactly."""
    machine = Machine(params.own())
    start, links, norms = machine.links, [_flat(machine)], [_norms(machine)]
    try:
        for _ in range(params.shown):
            machine.step()
            links.append(_flat(machine))
            norms.append(_norms(machine))
    except DmmError as error:
        raise UsageError(f"program: {error}") from error
    changing = sorted({key for each in links for key in each if each[key] != links[0].get(key, 0.0)}
                      | {key for each in links for key in links[0] if key not in each})  # fmt: skip
    names, held = (changing, links) if changing else (sorted({n for each in norms for n in each}), norms)
    weights = np.array([[each.get(name, 0.0) for each in held] for name in names]).reshape(len(names), -1)
    return Own(links=start, names=names, weights=weights, rewrites=bool(changing))


def _delta_rows(machine: Machine | DenseMachine, n_cycles: int) -> list[dict[str, float]]:
    rows = []
    for _ in range(n_cycles):
        machine.step()
        matrix = machine.matrix if isinstance(machine, Machine) else machine.value("accum.self.single")
        rows.append(links_of(matrix)["accum.self.delta"])
    return rows


def _counts(machine: Machine | DenseMachine) -> np.ndarray:
    """(n_cycles, 2)."""
    if isinstance(machine, Machine):
        return np.array([[number(said[out]) for out in OUTPUTS] for said in machine.run(N_CYCLES, *OUTPUTS)])
    counts = []
    for _ in range(N_CYCLES):
        machine.step()
        counts.append([number(machine.value(out)) for out in OUTPUTS])
    return np.array(counts)


def _flat(machine: Machine) -> dict[str, float]:
    """Links by "from > to", names alone where that is clear."""
    return {f"{out} > {to}": w for to, row in machine.links.items() for out, w in row.items()}


def _norms(machine: Machine) -> dict[str, float]:
    return {
        f"{kind}.{name}": max_norm({"output": value})
        for kind, named in machine.outputs.items()
        for name, value in named.items()
        if (kind, name) != ("accum", "self")
    }
