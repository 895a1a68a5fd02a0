"""The gamma circuit in ANNarchy: equations in text, compiled to C++, as in its manual.

Rows are blocks of two populations. A spike condition must hold one variable, so that the escape rate is
drawn against a uniform number of each step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib.metadata import version

import ANNarchy as ann
import numpy as np
from protocol import Outcome, Problem, serve
from scipy import sparse


def build(problem: Problem) -> Callable[[int], Outcome]:
    decay = {
        name: np.exp(-problem.dt / getattr(problem, f"tau_{name}")) for name in ("rise", "ampa", "gaba", "i")
    }
    mix = problem.tau_ampa / (problem.tau_ampa - problem.tau_rise) * (decay["ampa"] - decay["rise"])
    exc_cell = ann.Neuron(
        parameters={
            "part": problem.dt / problem.tau_e,
            "rate": problem.dt * problem.rho_0,
            "theta": problem.theta,
            "reset_by": problem.reset_by,
            "gaba": decay["gaba"],
            "input": ann.Parameter(0.0, locality="local"),
        },
        equations=[
            "x = Uniform(0.0, 1.0) - 1.0 + exp(-rate * exp(v - theta))",
            "v += part * (input - g_inh - v)",
            "g_inh *= gaba",
        ],
        spike="x < 0.0",
        reset="v -= reset_by",
    )
    inh_cell = ann.Neuron(
        parameters={
            "w_ei": problem.w_ei,
            "left": decay["i"],
            "rise": decay["rise"],
            "ampa": decay["ampa"],
            "mix": mix,
            "v_th": ann.Parameter(1.0, locality="local"),
        },
        equations=[
            "v = w_ei * g_rise + (v - w_ei * g_rise) * left",
            "g_rise = rise * g_rise + mix * g_exc",
            "g_exc *= ampa",
        ],
        spike="v > v_th",
        reset="v = 0.0",
        refractory=problem.refractory - problem.dt / 2,  # cut down to whole steps, less the one of the spike
    )
    network = ann.Network(dt=problem.dt, seed=1)
    exc = network.create(problem.n_rows * problem.n_exc, exc_cell)
    inh = network.create(problem.n_rows * problem.n_inh, inh_cell)
    blocks = sparse.kron(sparse.eye(problem.n_rows), np.ones((problem.n_exc, problem.n_inh)))
    delay = problem.dt * (problem.delay_steps + 1)  # counted to the step in which the spike is felt
    network.connect(exc, inh, "exc").from_sparse(blocks.tolil(), delays=delay)
    network.connect(inh, exc, "inh").from_sparse((problem.w_ie * blocks.T).tolil(), delays=delay)
    monitors = [network.monitor(population, "spike") for population in (exc, inh)]
    network.compile(directory=tempfile.mkdtemp(prefix="annarchy-"), compiler_flags="-O3 -march=native")

    def simulate(seed: int) -> Outcome:
        rng = np.random.default_rng(seed)
        network.reset()  # parameters too
        u = np.repeat(np.array(problem.score_input).ravel(), problem.n_cells)
        exc.input, exc.v = problem.drive + u, problem.v_start + u
        inh.v_th = np.tile(problem.v_th, problem.n_rows)
        inh.v = rng.uniform(0, 0.5, inh.size)
        network.simulate(problem.n_steps * problem.dt)
        (time_ms, cell), (_, inh_cells) = (monitor.raster_plot() for monitor in monitors)
        cell = np.asarray(cell, dtype=int)
        step = np.clip(np.rint(np.asarray(time_ms) / problem.dt).astype(int), 0, problem.n_steps - 1)
        per_step = np.zeros((problem.n_rows, problem.n_steps))
        np.add.at(per_step, (cell // problem.n_exc, step), 1)
        counts = np.bincount(cell // problem.n_cells, minlength=problem.n_rows * problem.n_keys)
        inh_row = np.asarray(inh_cells, dtype=int) // problem.n_inh
        return Outcome(
            counts=counts.reshape(problem.n_rows, -1),
            inh_counts=np.bincount(inh_row, minlength=problem.n_rows),
            per_step=per_step,
        )

    return simulate


if __name__ == "__main__":
    serve(version("ANNarchy"), 1, build)
