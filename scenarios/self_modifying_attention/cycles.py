"""Runs of the attention-edited cycle: exactly, through spikes, without division by the total, and as X := W Y."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor

from bridge import fit_softmax
from pragmatic.machines.self_editing import MatrixMachine, cycle_program, edited
from pragmatic.score_maps import ScoreMap, Softmax
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, mean
from spiking import GammaCircuit, GammaParams, gamma_off

if TYPE_CHECKING:
    from scenarios.self_modifying_attention import Params

__all__ = [
    "LIMIT",
    "Loop",
    "Rotation",
    "exact_spreads",
    "follow",
    "machine_rows",
    "noise_spread",
    "rotate",
    "unlooped",
]

LIMIT = 10.0  # of an entry: a row that passes it has lost its program, and its machine is stopped
NEAR = 1e-3  # distance from the uniform row of a start next to it


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """Machines that ran the cycle; measured over the steps after the first third."""

    right: np.ndarray  # (n_machines,) share of steps that activated the next update
    spread: np.ndarray  # (n_machines,) mean over steps of the row's largest less its smallest entry
    beta: Estimate  # of the softmax that the spikes followed, times the temperature asked for

    @classmethod
    def of(cls, rows: np.ndarray, beta: Estimate) -> Rotation:
        """Measure rows of (n_steps + 1, n_machines, n)."""
        active = rows.argmax(axis=-1)
        right = (active[1:] - active[:-1]) % rows.shape[-1] == 1
        skip = len(right) // 3
        return cls(
            right=right[skip:].mean(axis=0), spread=np.ptp(rows[skip + 1 :], axis=-1).mean(axis=0), beta=beta
        )


@dataclass(frozen=True, kw_only=True)
class Loop:
    """Machines whose edits take spike counts as they come, over one number for all steps."""

    rows: np.ndarray  # (n_steps + 1, n_machines, n)
    totals: np.ndarray  # (2, n_rows) spikes of rows that name one update, and of uniform rows
    right: Estimate

    @property
    def runaway(self) -> np.ndarray:
        """Which machines were stopped, (n_machines,) bool."""
        return np.asarray((np.abs(self.rows[-1]) > LIMIT).any(axis=-1))

    @property
    def asleep(self) -> np.ndarray:
        """Which machines name no update any more, (n_machines,) bool: entries less than .2 apart."""
        return np.asarray(np.ptp(self.rows[-1], axis=-1) < 0.2)

    @property
    def gain(self) -> float:
        """Spikes of a uniform row over those of a row that names one update."""
        return float(self.totals[1].mean() / self.totals[0].mean())


def starts(n: int, n_machines: int, *, named: bool) -> Tensor:
    """Rows that name one update, or lie next to the uniform row, (n_machines, n)."""
    one = torch.eye(n, dtype=torch.float64)[0]
    row = one if named else torch.full_like(one, 1 / n) + NEAR * (one - 1 / n)
    return row.repeat(n_machines, 1)


def follow(start: Tensor, n_steps: int, step: Callable[[Tensor], Tensor]) -> np.ndarray:
    """Rows at every step, (n_steps + 1, n_machines, n); what passes the limit stays as it is."""
    row, rows = start, [start]
    for _ in range(n_steps):
        held = (row.abs() > LIMIT).any(dim=-1, keepdim=True)
        row = row if held.all() else torch.where(held, row, step(torch.where(held, 0.0, row)))
        rows.append(row)
    return torch.stack(rows).numpy()


def exact_spreads(n: int, ratios: np.ndarray, n_steps: int) -> np.ndarray:
    """Spread that softmax settles at from a row that names one update, and from next to uniform, (2, n_ratios)."""
    scale = n * torch.from_numpy(ratios)[:, None]

    def step(row: Tensor) -> Tensor:
        return edited(row, lambda scores, mask=None: Softmax()(scale * scores, mask))

    runs = [follow(starts(n, len(ratios), named=named), n_steps, step) for named in (True, False)]
    return np.stack([np.ptp(rows[-n_steps // 4 :], axis=-1).mean(axis=0) for rows in runs])


def noise_spread(ratio: float, n: int, spikes: float) -> float:
    """Spread of the row that samples keep up where softmax lets the program die, at beta < n.

    A step of N samples adds noise of variance |w - 1|^2 / N to the mode of the root of unity w, and the edit damps
    the mode by `growth`: all settle at the variance 1 / (N x (1 - x)), with x = beta / n. Entries are then as far
    apart as n normal numbers of variance 1 / (n N x (1 - x)), whose mean range is Tippett's (1925, Biometrika 17).
    """
    if not 0 < ratio < 1:
        return float("nan")
    apart = quad(lambda z: 1 - norm.cdf(z) ** n - norm.sf(z) ** n, -np.inf, np.inf)[0]
    return float(apart / np.sqrt(n * spikes * ratio * (1 - ratio)))


def rotate(
    params: Params, ctx: RunContext, source: str, n: int, ratio: float, spikes: int, *, named: bool = True
) -> Rotation:
    """Run machines with every edit drawn by spikes."""
    score_map = params.source_map(source, spikes, ctx, temperature=1 / (ratio * n))
    asked: list[np.ndarray] = []
    counted: list[np.ndarray] = []

    def step(row: Tensor) -> Tensor:
        new = edited(row, score_map)
        assert score_map.counts is not None
        asked.append(row.numpy())
        counted.append(score_map.counts)
        return new

    rows = follow(starts(n, params.machines, named=named), params.steps, step)
    late = slice(len(asked) // 3, None)
    fit = fit_softmax(np.concatenate(counted[late]), np.concatenate(asked[late]) * ratio * n)
    return Rotation.of(rows, Estimate(value=fit.beta, error=fit.beta_se_quasi))


def unlooped(params: Params, ctx: RunContext) -> dict[str, Loop]:
    """Machines that divide by no total, with the gamma loop and without it at the same rate."""
    n, beta = params.n, params.ratio * params.n
    named = np.eye(n)[np.arange(params.machines) % n]
    loop = GammaCircuit(GammaParams(temperature=1 / beta, feedforward="none"))
    matched = gamma_off(
        loop, named, duration_ms=200.0, rng=ctx.rng, engine=ctx.engine, tolerance=0.04
    ).circuit
    return {name: _loop(params, ctx, circuit, named) for name, circuit in (("loop", loop), ("off", matched))}


def _loop(params: Params, ctx: RunContext, circuit: GammaCircuit, named: np.ndarray) -> Loop:
    def counts(rows: np.ndarray) -> np.ndarray:
        return circuit.attend(
            rows, duration_ms=params.loop_ms, rng=ctx.rng, engine=ctx.engine, record="counts"
        ).counts

    totals = np.stack([counts(rows).sum(axis=1) for rows in (named, np.full_like(named, 1 / params.n))])
    usual = max(1.0, totals[0].mean())

    def step(row: Tensor) -> Tensor:
        share = torch.from_numpy(counts(row.numpy()) / usual)
        return row + share.roll(1, dims=-1) - share

    rows = follow(torch.from_numpy(named), params.loop_steps, step)
    return Loop(rows=rows, totals=totals, right=mean(Rotation.of(rows, Estimate(value=1.0, error=0.0)).right))


def machine_rows(n: int, n_steps: int, score_map: ScoreMap) -> np.ndarray:
    """Run X := W Y from its program, and read the active row out of the matrix at each step, (n_steps + 1, n)."""
    machine, x = MatrixMachine(n_inputs=n + 2), cycle_program(n)
    rows = [machine.network(x)[0, 1, 1:]]
    for _ in range(n_steps):
        x = machine(x, score_map)
        rows.append(machine.network(x)[0, 1, 1:])
    return torch.stack(rows).numpy()
