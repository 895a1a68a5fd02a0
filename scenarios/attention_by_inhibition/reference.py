"""PING_1 and PING_8 of Boergers (2017): driven I cells break the volleys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from scenarios.workbench.outcome import RunContext
from spiking.circuits.ping import PING_1, PING_8, Ping
from spiking.measures.synchrony import vector_strength
from spiking.networks import simulate_circuit

__all__ = ["PUBLISHED", "Ran", "measure_reference"]

DURATION_ms, SETTLE_ms = 400.0, 100.0  # the window of the published programs
# of one network each: C. Boergers, An Introduction to Modeling Neuronal Dynamics (2017), programs of chapter 30
PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "PING_1": {"exc_Hz": 47.9, "inh_Hz": 46.8, "peak_Hz": 47.7, "exc_strength": 0.761, "inh_strength": 0.954},
    "PING_8": {"exc_strength": 0.097, "inh_strength": 0.171},
}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """Networks of one recipe, each measure (n_networks,)."""

    exc_Hz: np.ndarray
    inh_Hz: np.ndarray
    peak_Hz: np.ndarray  # of the mean voltage of the E cells
    exc_strength: np.ndarray  # vector strength of pooled spikes at that peak
    inh_strength: np.ndarray


def measure_reference(n_networks: int, ctx: RunContext) -> dict[str, Ran]:
    """Run both recipes, or neither."""
    recipes = {"PING_1": PING_1, "PING_8": PING_8} if n_networks else {}
    return {name: _ran(replace(recipe, dt_ms=0.02), n_networks, ctx) for name, recipe in recipes.items()}


def _ran(recipe: Ping, n_networks: int, ctx: RunContext) -> Ran:
    ran = simulate_circuit(
        recipe.build, duration_ms=DURATION_ms, settle_ms=SETTLE_ms, rng=ctx.rng, n_networks=n_networks,
        record=["exc", "inh"], sample=["exc.v"], progress=ctx.progress,
    )  # fmt: skip
    field = ran.samples["exc.v"].mean(axis=1)
    peak_Hz = np.array([_peak_Hz(one) for one in field])
    rates, strengths = {}, {}
    for group, spikes in ran.spikes.items():
        rates[group] = ran.counts[group] / ran.n_cells[group] / (DURATION_ms * 1e-3)
        phase_rad = 2 * np.pi * peak_Hz[spikes.row] * spikes.time_ms * 1e-3
        strengths[group] = vector_strength(phase_rad, spikes.row, n_networks)
    return Ran(
        exc_Hz=rates["exc"], inh_Hz=rates["inh"], peak_Hz=peak_Hz, exc_strength=strengths["exc"],
        inh_strength=strengths["inh"],
    )  # fmt: skip


def _peak_Hz(field: np.ndarray) -> float:
    """Highest peak of the spectrum between 20 and 100 Hz, of a field sampled every millisecond."""
    power = np.abs(np.fft.rfft(field - field.mean(), 2**14)) ** 2
    f_Hz = np.fft.rfftfreq(2**14, 1e-3)
    band = (f_Hz > 20) & (f_Hz < 100)
    return float(f_Hz[band][power[band].argmax()])
