"""The gamma circuit in Nengo, on its reference backend.

E cells are a neuron type of their own, as Nengo's pages on extending it advise; I cells are its LIF. All
rows are two ensembles, connected neuron to neuron by sparse transforms. A discrete `LinearFilter` holds a
pathway's delay and its decay.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import nengo
import numpy as np
from nengo.dists import Choice
from protocol import Outcome, Problem, serve
from scipy import sparse


class Escape(nengo.neurons.NeuronType):
    """A leaky integrator with an escape rate; times in seconds."""

    negative = False
    spiking = True
    state = {"voltage": Choice([0])}  # noqa: RUF012 - as Nengo wants it

    def __init__(self, problem: Problem, u: np.ndarray) -> None:
        super().__init__(initial_state={"voltage": problem.v_start + u})
        self._set = problem

    def max_rates_intercepts(self, gain, bias):
        return np.zeros_like(gain), np.zeros_like(bias)  # of tuning curves, which nothing here uses

    def make_state(self, n_neurons, rng=np.random, dtype=None):
        state = super().make_state(n_neurons, rng=rng, dtype=dtype)
        state["rng"] = rng
        return state

    def step(self, dt, J, output, voltage, rng):
        p = self._set
        hazard = p.dt * p.rho_0 * np.exp(voltage - p.theta)
        fires = rng.uniform(size=voltage.shape) < -np.expm1(-hazard)
        voltage += p.dt / p.tau_e * (J - voltage) - p.reset_by * fires
        output[:] = fires / dt


def build(problem: Problem) -> Callable[[int], Outcome]:
    n_exc, n_inh = problem.n_rows * problem.n_exc, problem.n_rows * problem.n_inh
    rows, keys = np.arange(problem.n_rows), np.arange(problem.n_rows * problem.n_keys)
    exc_to_key = _membership(np.repeat(keys, problem.n_cells))
    exc_to_row = _membership(np.repeat(rows, problem.n_exc))
    inh_to_row = _membership(np.repeat(rows, problem.n_inh))
    u = np.repeat(np.array(problem.score_input).ravel(), problem.n_cells)
    v_th = np.tile(problem.v_th, problem.n_rows)
    record = {
        "counts": np.zeros(len(keys)),
        "inh_counts": np.zeros(len(rows)),
        "per_step": np.zeros((len(rows), problem.n_steps)),
    }

    def keep(t: float, spikes: np.ndarray) -> None:
        by_key, inh_spikes = spikes[: len(keys)], spikes[len(keys) :]
        record["counts"] += by_key
        record["inh_counts"] += inh_spikes
        record["per_step"][:, round(t * 1e3 / problem.dt) - 1] = by_key.reshape(len(rows), -1).sum(1)

    with nengo.Network() as network:
        exc = nengo.Ensemble(
            n_exc, 1, neuron_type=Escape(problem, u), gain=np.ones(n_exc), bias=problem.drive + u
        )
        lif = nengo.LIF(
            tau_rc=problem.tau_i / 1e3,
            tau_ref=(problem.refractory - problem.dt / 2) / 1e3,  # Nengo finds spikes within a step
            initial_state={"voltage": np.random.default_rng(0).uniform(0, 0.5, n_inh) / v_th},
        )
        inh = nengo.Ensemble(n_inh, 1, neuron_type=lif, gain=1 / v_th, bias=np.zeros(n_inh))
        sums = {name: nengo.Node(size_in=len(rows)) for name in ("exc_in", "exc", "inh_in", "inh")}
        _connect(exc.neurons, sums["exc_in"], exc_to_row.T * problem.dt / 1e3)
        nengo.Connection(sums["exc_in"], sums["exc"], synapse=_excitation(problem))
        _connect(sums["exc"], inh.neurons, inh_to_row * problem.w_ei)
        _connect(inh.neurons, sums["inh_in"], inh_to_row.T * problem.dt / 1e3)
        nengo.Connection(sums["inh_in"], sums["inh"], synapse=_inhibition(problem))
        _connect(sums["inh"], exc.neurons, -exc_to_row)
        kept = nengo.Node(keep, size_in=len(keys) + len(rows))
        _connect(exc.neurons, kept[: len(keys)], exc_to_key.T * problem.dt / 1e3)
        nengo.Connection(sums["inh_in"], kept[len(keys) :], synapse=None)
    simulator = nengo.Simulator(network, dt=problem.dt / 1e3, progress_bar=False)

    def simulate(seed: int) -> Outcome:
        for values in record.values():
            values[:] = 0
        simulator.reset(seed=seed)
        simulator.run_steps(problem.n_steps)
        return Outcome(
            counts=record["counts"].reshape(len(rows), -1).copy(),
            inh_counts=record["inh_counts"].copy(),
            per_step=record["per_step"].copy(),
        )

    return simulate


def _membership(group_of: np.ndarray) -> sparse.csr_matrix:
    """Ones where a cell (row of the matrix) belongs to a group (column)."""
    cells = np.arange(len(group_of))
    return sparse.csr_matrix((np.ones(len(cells)), (cells, group_of)))


def _connect(source, target, matrix: sparse.spmatrix) -> None:
    transform = nengo.Sparse(matrix.shape, init=matrix.tocsr())
    nengo.Connection(source, target, transform=transform, synapse=None)


def _excitation(problem: Problem) -> nengo.LinearFilter:
    rise, ampa = np.exp(-problem.dt / problem.tau_rise), np.exp(-problem.dt / problem.tau_ampa)
    mix = problem.tau_ampa / (problem.tau_ampa - problem.tau_rise) * (ampa - rise)
    return nengo.LinearFilter([mix], np.poly([rise, ampa, *np.zeros(problem.delay_steps)]), analog=False)


def _inhibition(problem: Problem) -> nengo.LinearFilter:
    gaba = np.exp(-problem.dt / problem.tau_gaba)
    return nengo.LinearFilter([problem.w_ie], np.poly([gaba, *np.zeros(problem.delay_steps)]), analog=False)


if __name__ == "__main__":
    serve(version("nengo"), 1, build)
