"""One row seen from inside: the spikes of its E and I cells, its field, and two voltages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scenarios.workbench.competition import Competition
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from spiking import GammaCircuit, Row, Wiring

__all__ = ["WatchedRow", "watch"]

SAMPLED = ("exc.v", "inh.v")


class Watched(GammaCircuit):
    """The gamma circuit, its voltages recorded every millisecond."""

    def build(self, row: Row) -> Wiring:
        """Make one row."""
        return replace(super().build(row), sample=SAMPLED)


@dataclass(frozen=True, kw_only=True)
class WatchedRow:
    """A row, and the voltage of one of its cells of each kind."""

    row: Competition  # of one row
    exc_v: np.ndarray  # (n_samples,) of the E cell that fires most, in scores
    inh_v: np.ndarray  # (n_samples,) of an I cell, in thresholds


def watch(
    circuit: GammaCircuit, like: Competition, row: int, ctx: RunContext, duration_ms: float, share: float
) -> WatchedRow:
    """Simulate a row of `like` once more, its voltages recorded."""
    scores = like.scores[[row]]
    with simulation(ctx, "voltages of a row", share=share) as options:
        seen = Watched(circuit.params).attend(scores, duration_ms=duration_ms, record="all", **options)
    spikes, exc_v = seen.spikes, seen.samples["exc.v"][0]
    n_spikes = np.bincount(spikes.key * spikes.n_cells + spikes.cell, minlength=len(exc_v))
    return WatchedRow(
        row=Competition(selection=seen, scores=scores, reference_Hz=like.reference_Hz),
        exc_v=exc_v[n_spikes.argmax()],
        inh_v=seen.samples["inh.v"][0, 0],
    )
