"""The gamma circuit in Norse.

I cells are Norse's LIF without current terms, behind its refractory update. A new neuron is a function from
input and state to spikes and state, as Norse's pages on development advise; so is the E cell here. The step
is compiled by torch.compile, which Norse 1.1 recommends.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import torch
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters, lif_box_feed_forward_step
from norse.torch.functional.lif_refrac import (
    LIFRefracFeedForwardState,
    LIFRefracParameters,
    compute_refractory_update,
)
from protocol import Outcome, Problem, serve
from rows import RowState, decay, row_step, simulator, start
from torch import Tensor


class State(NamedTuple):
    """Of the whole circuit."""

    v: Tensor  # (n_rows, n_exc)
    inh: LIFRefracFeedForwardState  # tensors of (n_rows, n_inh)
    row: RowState


def escape_step(current: Tensor, v: Tensor, problem: Problem) -> tuple[Tensor, Tensor]:
    """A leaky integrator with an escape rate: spikes and the next voltage."""
    hazard = problem.dt * problem.rho_0 * torch.exp(v - problem.theta)
    z = (torch.rand_like(v) < -torch.expm1(-hazard)).to(v.dtype)
    return z, v + problem.dt / problem.tau_e * (current - v) - problem.reset_by * z


def build(problem: Problem) -> Callable[[int], Outcome]:
    torch.set_num_threads(1)  # two were never faster over tensors this small
    torch.set_grad_enabled(False)
    u = torch.tensor(problem.score_input).repeat_interleave(problem.n_cells, dim=1)
    lif = LIFBoxParameters(  # with constant input an Euler step of this rate is exact
        tau_mem_inv=torch.tensor((1 - decay(problem, problem.tau_i)) / problem.dt),
        v_th=torch.tensor(problem.v_th),
    )
    refractory = LIFRefracParameters(lif=lif, rho_reset=torch.tensor(problem.refractory_steps - 1.0))

    @torch.compile
    def step(state: State) -> tuple[State, Tensor, Tensor]:
        exc, v = escape_step(problem.drive + u - state.row.inh, state.v, problem)
        current = (problem.w_ei * state.row.exc).expand_as(state.inh.lif.v)
        z, lif_state = lif_box_feed_forward_step(current, state.inh.lif, lif, dt=problem.dt)
        v_inh, z, rho = compute_refractory_update(state.inh, z, lif_state.v, refractory)
        inh = LIFRefracFeedForwardState(lif=LIFBoxFeedForwardState(v=v_inh), rho=rho)
        by_key = exc.view(problem.n_rows, problem.n_keys, problem.n_cells).sum(2)
        inh_spikes = z.sum(1, keepdim=True)
        row = row_step(state.row, by_key.sum(1, keepdim=True), inh_spikes, problem)
        return State(v=v, inh=inh, row=row), by_key, inh_spikes

    def initial() -> State:
        v_inh = torch.rand(problem.n_rows, problem.n_inh) / 2
        return State(
            v=problem.v_start + u,
            inh=LIFRefracFeedForwardState(lif=LIFBoxFeedForwardState(v=v_inh), rho=torch.zeros_like(v_inh)),
            row=start(problem),
        )

    return simulator(problem, initial, step)


if __name__ == "__main__":
    serve(version("norse"), 1, build)
