"""The gamma circuit in snnTorch.

Both kinds of cells are `snn.Leaky`. The library knows no escape rate, refractory period or delay: E cells
integrate without a threshold and `spikegen` draws their spikes, refractory I cells get no input.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import snntorch as snn
import torch
from protocol import Outcome, Problem, serve
from rows import RowState, decay, row_step, simulator, start
from snntorch import spikegen
from torch import Tensor


class State(NamedTuple):
    """Of the whole circuit."""

    v: Tensor  # (n_rows, n_exc)
    v_inh: Tensor  # (n_rows, n_inh)
    wait: Tensor  # (n_rows, n_inh), steps until an I cell may fire again
    row: RowState


def build(problem: Problem) -> Callable[[int], Outcome]:
    torch.set_num_threads(1)  # two were never faster over tensors this small
    torch.set_grad_enabled(False)
    u = torch.tensor(problem.score_input).repeat_interleave(problem.n_cells, dim=1)
    part, left = problem.dt / problem.tau_e, decay(problem, problem.tau_i)
    exc_cells = snn.Leaky(beta=1 - part, reset_mechanism="none")
    inh_cells = snn.Leaky(beta=left, threshold=torch.tensor(problem.v_th), reset_mechanism="zero")

    @torch.compile
    def step(state: State) -> tuple[State, Tensor, Tensor]:
        hazard = problem.dt * problem.rho_0 * torch.exp(state.v - problem.theta)
        exc = spikegen.rate_conv(-torch.expm1(-hazard))
        _, v = exc_cells(part * (problem.drive + u - state.row.inh), state.v)
        v = v - problem.reset_by * exc
        current = (1 - left) * problem.w_ei * state.row.exc * (state.wait <= 0)
        z, v_inh = inh_cells(current, state.v_inh)
        wait = torch.where(z > 0, problem.refractory_steps - 1.0, state.wait - 1)
        by_key = exc.view(problem.n_rows, problem.n_keys, problem.n_cells).sum(2)
        inh_spikes = z.sum(1, keepdim=True)
        row = row_step(state.row, by_key.sum(1, keepdim=True), inh_spikes, problem)
        return State(v=v, v_inh=v_inh, wait=wait, row=row), by_key, inh_spikes

    def initial() -> State:
        v_inh = torch.rand(problem.n_rows, problem.n_inh) / 2
        return State(
            v=problem.v_start + u,
            v_inh=v_inh,
            wait=torch.zeros_like(v_inh),
            row=start(problem),
        )

    return simulator(problem, initial, step)


if __name__ == "__main__":
    serve(version("snntorch"), 1, build)
