"""How much a head hears of the heads before it when all share one circuit: measured, and by theory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.laws.mixing import fit_mixture
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate
from spiking import EscapeRate, GammaParams
from spiking.circuits.slots import Slotted, SlottedCircuit

if TYPE_CHECKING:
    from scenarios.theta_gamma_heads import Params

__all__ = ["CONDITIONS", "Mixed", "carried", "measure_mixing"]

SPREAD = 1.5  # of the scores
STEP_ms = 0.1  # of the theory's integration


def _circuit(**changes: object) -> SlottedCircuit:
    settings: dict[str, Any] = {"params": GammaParams.brief(gain=1.0), **changes}
    return SlottedCircuit(**settings)


CONDITIONS: Mapping[str, SlottedCircuit] = {
    "base": _circuit(),
    "slots of 20 ms": _circuit(slot_ms=20.0),
    "slots of 40 ms": _circuit(slot_ms=40.0),
    "membranes of 5 ms": _circuit(
        params=GammaParams.brief(gain=1.0, cell=EscapeRate(reset_by=0.25, tau_ms=5.0))
    ),
    "GABA of 16 ms": _circuit(params=GammaParams.brief(gain=1.0, tau_gaba_ms=16.0)),
    "strong resets": _circuit(params=GammaParams.brief(gain=1.0, cell=EscapeRate(reset_by=2.0))),
    "NMDA of 20 ms": _circuit(tau_nmda_ms=20.0),
    "NMDA of 100 ms": _circuit(tau_nmda_ms=100.0),
}


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """One condition: which scores drive which slot."""

    circuit: SlottedCircuit
    matrix: np.ndarray  # (n_slots, n_slots) coefficient of the scores of slot h' in slot h
    errors: np.ndarray
    theory: np.ndarray  # (n_slots,) by how many slots ago, over that of the own scores
    spikes: float  # of a slot
    volley_ms: float  # mean time of spikes in a slot

    def back(self, steps: int) -> Estimate:
        """Mean coefficient of the scores so many slots ago, over that of the own scores."""
        n = len(self.matrix)
        own = np.diag(self.matrix).mean()
        ago = [(h, (h - steps) % n) for h in range(n)]
        values = np.array([self.matrix[at] for at in ago]) / own
        errors = np.array([self.errors[at] for at in ago]) / own
        return Estimate(value=float(values.mean()), error=float(np.sqrt((errors**2).sum()) / n))


def measure_mixing(params: Params, ctx: RunContext) -> dict[str, Mixed]:
    """Random scores for every slot, in each condition."""
    mixed = {}
    for name, circuit in CONDITIONS.items():
        circuit = replace(circuit, n_slots=params.n_slots)
        scores = ctx.rng.normal(0, SPREAD, (params.n_rows, params.n_slots, params.n_keys))
        with simulation(ctx, name, share=1 / len(CONDITIONS)) as options:
            options = {key: value for key, value in options.items() if key != "engine"}
            selected = circuit.attend(scores, periods=params.periods, **options)
        mixed[name] = _mixed(circuit, selected, scores)
    return mixed


def _mixed(circuit: SlottedCircuit, selected: Slotted, scores: np.ndarray) -> Mixed:
    vectors = scores.swapaxes(0, 1)  # (n_slots, n_rows, n_keys)
    fits = [fit_mixture(selected.counts[:, h], vectors) for h in range(circuit.n_slots)]
    times_ms = selected.selection.spikes.time_ms % circuit.slot_ms
    return Mixed(
        circuit=circuit,
        matrix=np.array([fit.coefficients for fit in fits]),
        errors=np.array([fit.errors for fit in fits]),
        theory=carried(circuit, times_ms),
        spikes=float(selected.counts.sum(axis=2).mean() / _periods(selected, circuit)),
        volley_ms=float(times_ms.mean()),
    )


def _periods(selected: Slotted, circuit: SlottedCircuit) -> float:
    return selected.selection.duration_ms / (circuit.n_slots * circuit.slot_ms)


def carried(circuit: SlottedCircuit, spike_ms: np.ndarray) -> np.ndarray:
    """What a linear membrane carries of a score from slot to slot, (n_slots,), over what it makes of its own.

    A unit score in one slot of the period passes the synapse, if there is one, and the gated membrane; what is left
    of it at the times of the spikes in later slots adds to the log rate of its key. Inhibition is common to all
    keys and drops out; resets are left out.
    """
    dt, n, cell = STEP_ms, circuit.n_slots, circuit.params.cell
    steps = round(circuit.slot_ms / dt)
    open_steps = round(circuit.open_ms / dt)
    u = v = 0.0
    trace = np.empty((2 * n, steps))
    for slot in range(2 * n):  # the second period is steady
        for step in range(steps):
            given = 1.0 if slot % n == 0 else 0.0
            u = u + dt * (given - u) / circuit.tau_nmda_ms if circuit.tau_nmda_ms else given
            heard = u if step < open_steps else 0.0
            v += dt * (heard - v) / cell.tau_ms
            trace[slot, step] = v
    at = np.clip((spike_ms / dt).astype(int), 0, steps - 1)
    left = trace[n:, at].mean(axis=1)  # of slots 0, 1, ... after the score's own
    return left / left[0]
