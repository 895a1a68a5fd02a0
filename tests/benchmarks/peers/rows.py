"""What the peers built on PyTorch share: the synaptic sums of the rows, which they lack, and the loop over time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from protocol import Outcome, Problem
from torch import Tensor

__all__ = ["RowState", "decay", "row_step", "simulator", "start"]


class RowState(NamedTuple):
    """One entry a row."""

    exc: Tensor  # (n_rows, 1)
    exc_in: Tensor
    inh: Tensor
    exc_ring: Tensor  # (delay_steps, n_rows, 1), spikes under way, the oldest first
    inh_ring: Tensor


def decay(problem: Problem, tau: float) -> float:
    """What is left after a step."""
    return math.exp(-problem.dt / tau)


def start(problem: Problem) -> RowState:
    """Nothing under way."""
    one, ring = torch.zeros(problem.n_rows, 1), torch.zeros(problem.delay_steps, problem.n_rows, 1)
    return RowState(exc=one, exc_in=one.clone(), inh=one.clone(), exc_ring=ring, inh_ring=ring.clone())


def row_step(state: RowState, exc_spikes: Tensor, inh_spikes: Tensor, problem: Problem) -> RowState:
    """Exact decay over a step, then what arrives; spikes are summed over a row, each (n_rows, 1)."""
    rise, ampa = decay(problem, problem.tau_rise), decay(problem, problem.tau_ampa)
    mix = problem.tau_ampa / (problem.tau_ampa - problem.tau_rise) * (ampa - rise)
    return RowState(
        exc=rise * state.exc + mix * state.exc_in,
        exc_in=ampa * state.exc_in + state.exc_ring[0],
        inh=decay(problem, problem.tau_gaba) * state.inh + problem.w_ie * state.inh_ring[0],
        exc_ring=torch.cat([state.exc_ring[1:], exc_spikes[None]]),
        inh_ring=torch.cat([state.inh_ring[1:], inh_spikes[None]]),
    )


def simulator(
    problem: Problem, initial: Callable[[], Any], step: Callable[[Any], tuple[Any, Tensor, Tensor]]
) -> Callable[[int], Outcome]:
    """Seed -> Outcome, warm.

    Parameters
    ----------
    initial : callable
        The state at the start.
    step : callable
        State -> the next, E spikes by key (n_rows, n_keys), I spikes (n_rows, 1).
    """

    def simulate(seed: int) -> Outcome:
        torch.manual_seed(seed)
        state = initial()
        counts, inh_counts = torch.zeros(problem.n_rows, problem.n_keys), torch.zeros(problem.n_rows, 1)
        per_step = torch.empty(problem.n_steps, problem.n_rows)
        for t in range(problem.n_steps):
            state, by_key, inh_spikes = step(state)
            counts += by_key
            inh_counts += inh_spikes
            per_step[t] = by_key.sum(1)
        return Outcome(
            counts=counts.numpy(), inh_counts=inh_counts[:, 0].numpy(), per_step=per_step.T.numpy()
        )

    for _ in range(20):  # compiles
        step(initial())
    return simulate
