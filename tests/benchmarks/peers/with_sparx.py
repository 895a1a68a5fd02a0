"""The gamma circuit in sparx, which simulates circuits of neuron models in JAX.

A row is a trial of one network: trials run side by side, each with a state of its own, and the E cells hold their
scores in theirs. A neuron model is a pair of a state and a step, as sparx's own are; a network draws no random
numbers for its cells, so that each E cell counts its thresholds and hashes the count. Synapses, delays and the
loop over time are sparx's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from protocol import Outcome, Problem, serve
from sparx.dynamics import BiExponential, Exponential, LeakyIntegrateAndFire, Output, Receptor, SynapticInput
from sparx.graph import AllToAll, Monitor, Network, Population, Projection, SpikeCounts, simulate

CHUNK = 1000  # steps that sparx compiles into one loop


class EscapeState(NamedTuple):
    """One entry a cell."""

    v: jax.Array
    hazard: jax.Array
    threshold: jax.Array
    bits: jax.Array  # uint32, counter of the thresholds drawn
    score: jax.Array


@struct.dataclass
class Escape:
    """A leaky integrator that fires when its integrated hazard passes an exponential number."""

    tau: float
    drive: float
    theta: float
    rho_0: float
    reset_by: float
    graded = False

    def init_state(self, shape: tuple[int, ...], dtype: jnp.dtype) -> EscapeState:
        zero = jnp.zeros(shape, dtype)
        return EscapeState(zero, zero, zero, jnp.zeros(shape, jnp.uint32), zero)

    def step(self, state: EscapeState, inputs: SynapticInput, dt: float) -> tuple[EscapeState, Output]:
        hazard = state.hazard + dt * self.rho_0 * jnp.exp(state.v - self.theta)
        fired = hazard > state.threshold
        current = self.drive + state.score - inputs.current_at(0.0)
        v = state.v + dt / self.tau * (current - state.v) - self.reset_by * fired
        bits = state.bits + fired * jnp.uint32(0x9E3779B9)  # the golden ratio: a Weyl sequence
        state = EscapeState(
            v=v,
            hazard=jnp.where(fired, 0.0, hazard),
            threshold=jnp.where(fired, exponential(bits), state.threshold),
            bits=bits,
            score=state.score,
        )
        return state, Output(fired.astype(v.dtype), jnp.ones_like(v))

    def is_refractory(self, state: EscapeState, dt: float) -> jax.Array:
        return jnp.zeros(state.v.shape, bool)

    def after_threshold(self, state: EscapeState, jump: jax.Array, fired: jax.Array) -> EscapeState:
        return state


def exponential(bits: jax.Array) -> jax.Array:
    """An exponential number of mean 1 for each counter, by the finalizer of MurmurHash3 (Appleby 2011)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
    bits = bits ^ (bits >> 16)
    return -jnp.log((bits >> 8).astype(jnp.float32) * 2.0**-24 + 2.0**-25)


class HeldCurrent(LeakyIntegrateAndFire):
    """sparx's cell under the synaptic current of the step's start, as in the other simulators."""

    def step(self, state: NamedTuple, inputs: SynapticInput, dt: float) -> tuple[NamedTuple, Output]:
        return super().step(state, SynapticInput(current=inputs.current_at(0.0)), dt)


class SpikesPerStep(Monitor):
    """Spikes of the E cells in each step."""

    def record(self, outputs: dict[str, jax.Array], *_: object) -> jax.Array:
        return outputs["exc"].sum()


def network(problem: Problem) -> Network:
    """Of one row."""
    escape = Escape(
        tau=problem.tau_e,
        drive=problem.drive,
        theta=problem.theta,
        rho_0=problem.rho_0,
        reset_by=problem.reset_by,
    )
    lif = HeldCurrent(
        tau_m=problem.tau_i,
        c_m=problem.tau_i,  # a leak of 1
        e_l=0.0,
        v_th=np.array(problem.v_th, np.float32),
        v_reset=0.0,
        t_ref=(problem.refractory_steps - 1) * problem.dt,
    )
    ampa = BiExponential(problem.tau_rise, problem.tau_ampa)
    # sparx scales a synapse to its peak, the circuit to what each spike adds before the rise
    w_ei = problem.w_ei * problem.tau_ampa / (problem.tau_ampa - problem.tau_rise) / ampa.peak_factor
    delay = problem.delay_steps * problem.dt
    return Network(
        populations=(
            Population("exc", problem.n_exc, escape, {"gaba": Receptor(Exponential(problem.tau_gaba))}),
            Population("inh", problem.n_inh, lif, {"ampa": Receptor(ampa)}),
        ),
        projections=(
            Projection("exc", "inh", AllToAll(), w_ei, delay, receptor="ampa", format="dense"),
            Projection("inh", "exc", AllToAll(), problem.w_ie, delay, receptor="gaba", format="dense"),
        ),
        dt=problem.dt,
    )


def begun(variables: dict, problem: Problem, rng: np.random.Generator) -> dict:
    """The state of every row at its start, with a leading axis of rows."""
    rows, exc, inh = problem.n_rows, problem.n_exc, problem.n_inh
    state = jax.tree.map(lambda a: jnp.broadcast_to(a, (rows, *jnp.shape(a))), variables["state"])
    populations = state["network"]["populations"]
    u = np.repeat(np.array(problem.score_input, np.float32), problem.n_cells, axis=1)
    start = {
        "exc": {
            "v": problem.v_start + u,
            "threshold": rng.exponential(size=(rows, exc)).astype(np.float32),
            "bits": rng.integers(1, 2**32, (rows, exc), np.uint32),
            "score": u,
        },
        "inh": {"v": rng.random((rows, inh), np.float32) / 2},
    }
    for name, values in start.items():
        cells = populations[name]["point_neuron"]
        neuron = cells.neuron._replace(**{field: jnp.asarray(v) for field, v in values.items()})
        populations[name]["point_neuron"] = cells._replace(neuron=neuron)
    return {**variables, "state": state}


def build(problem: Problem) -> Callable[[int], Outcome]:
    # JAX 0.11.2 hands products to a library that refuses them on some processors ("YNNPACK operation failed")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_experimental_ynn_fusion_type=")
    row = network(problem)
    at_rest = row.init(jax.random.key(0))
    monitors = {"exc": SpikeCounts("exc"), "inh": SpikeCounts("inh"), "per_step": SpikesPerStep()}

    def simulated(seed: int, steps: int) -> Outcome:
        run = simulate(
            row,
            begun(at_rest, problem, np.random.default_rng(seed)),
            duration=steps * problem.dt,
            chunk=CHUNK * problem.dt,
            trials=problem.n_rows,
            monitors=monitors,
        )
        by_cell = run.records["exc"].reshape(problem.n_rows, problem.n_keys, problem.n_cells)
        return Outcome(
            counts=by_cell.sum(2),
            inh_counts=run.records["inh"].sum(1),
            per_step=run.records["per_step"],
        )

    simulated(0, CHUNK)  # compiles
    return lambda seed: simulated(seed, problem.n_steps)


if __name__ == "__main__":
    serve(version("sparxml"), 1, build)  # it may use more, and did not
