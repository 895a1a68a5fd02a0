"""A gamma burst that loads a memory: synaptic facilitation, read out after a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, fraction
from spiking import GammaCircuit, GammaParams, SpikeRecord, gamma_off

if TYPE_CHECKING:
    from scenarios.crick_koch import Params

__all__ = ["Loaded", "facilitation", "measure_memory"]

TAU_F_ms = 1500.0  # of facilitation
U = 0.2  # part of the rest that a spike adds
BACKGROUND_Hz = 1.0  # of every cell during the delay


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Whether the item that was attended is read out of the synapses after the delay."""

    right: Mapping[str, np.ndarray]  # "gamma", "off" -> (n_rows,) bool
    attended: Mapping[str, np.ndarray]  # the same without a delay, from the burst's own spikes
    spikes: Mapping[str, np.ndarray]  # of each row's burst

    def success(self, name: str) -> Estimate:
        """Rows read right."""
        return fraction(self.right[name])

    def at_once(self, name: str) -> Estimate:
        """Rows whose burst had most spikes of the best item."""
        return fraction(self.attended[name])

    def unsteady(self, name: str) -> float:
        """Spread of a burst's spikes over rows, over their mean."""
        return float(self.spikes[name].std(ddof=1) / self.spikes[name].mean())


def measure_memory(params: Params, ctx: RunContext) -> Loaded:
    """Load with the loop, and with it cut at the same rate; then wait, and read with few spikes."""
    scores = ctx.rng.normal(0, params.spread, (params.n_rows, params.n_keys))
    loop = GammaCircuit(GammaParams())
    with ctx.progress.stage("match the rate", share=0.2):
        options: dict[str, Any] = {"rng": ctx.rng, "engine": ctx.engine}
        off = gamma_off(loop, scores, duration_ms=params.burst_ms, **options).circuit
    best, right, attended, spikes = scores.argmax(axis=1), {}, {}, {}
    for name, circuit in (("gamma", loop), ("off", off)):
        with simulation(ctx, f"load, {name}", share=0.4) as told:
            burst = circuit.attend(scores, duration_ms=params.burst_ms, **told)
        trace = facilitation(burst.spikes, params.burst_ms + params.delay_ms, ctx.rng)
        weights = trace / trace.sum(axis=1, keepdims=True)
        read = np.array([ctx.rng.multinomial(params.read_spikes, row) for row in weights])
        read = read + ctx.rng.random(read.shape)  # equal counts at random
        right[name] = read.argmax(axis=1) == best
        attended[name] = (burst.counts + ctx.rng.random(burst.counts.shape)).argmax(axis=1) == best
        spikes[name] = burst.n_spikes
    return Loaded(right=right, attended=attended, spikes=spikes)


def facilitation(spikes: SpikeRecord, at_ms: float, rng: np.random.Generator) -> np.ndarray:
    """What a read-out pulse releases at each item's synapses at a time, (n_rows, n_keys).

    du/dt = -u / tau_F and u := u + U (1 - u) at each spike of a cell (Tsodyks, Pawelzik and Markram 1998, Neural
    Comput. 10:821), the burst's and some background spikes after it; a pulse finds u + U (1 - u).
    """
    shape = spikes.n_rows, spikes.n_keys, spikes.n_cells
    value, last_ms = np.zeros(shape), np.zeros(shape)

    def hear(cells: tuple[np.ndarray, ...], time_ms: np.ndarray) -> None:
        order = np.argsort(time_ms, kind="stable")
        for row, key, cell, time in zip(*(c[order] for c in cells), time_ms[order], strict=True):
            u = value[row, key, cell] * np.exp((last_ms[row, key, cell] - time) / TAU_F_ms)
            value[row, key, cell] = u + U * (1 - u)
            last_ms[row, key, cell] = time

    hear((spikes.row, spikes.key, spikes.cell), spikes.time_ms)
    delay_ms = at_ms - spikes.duration_ms
    n = rng.poisson(BACKGROUND_Hz * delay_ms * 1e-3 * np.prod(shape))
    cells = tuple(rng.integers(size, size=n) for size in shape)
    hear(cells, spikes.duration_ms + delay_ms * rng.random(n))
    value = value * np.exp((last_ms - at_ms) / TAU_F_ms)
    return (value + U * (1 - value)).sum(axis=2)
