"""The law by which each circuit selects among random scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge import FitReport, fit
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate
from spiking import GammaCircuit, GammaParams, RowCircuit
from spiking.circuits.inhibited_attention import InhibitedAttention

if TYPE_CHECKING:
    from scenarios.attention_by_inhibition import Params

__all__ = ["SHIPPED", "Law", "fit_laws"]

SHIPPED = "shipped"


@dataclass(frozen=True, kw_only=True)
class Law:
    """Selection laws fitted to one circuit."""

    fitted: FitReport
    scores: np.ndarray  # (n_rows, n_keys)
    counts: np.ndarray  # (n_rows, n_keys)

    @property
    def behind(self) -> Estimate:
        """Nats per 1000 spikes by which the softmax predicts held-out spikes worse than the best law."""
        softmax = self.fitted["softmax"]
        return Estimate(value=1e3 * softmax.behind, error=1e3 * softmax.behind_se)

    @property
    def beta(self) -> Estimate:
        """Inverse temperature of the nearest softmax, its error widened by the dispersion."""
        beta = self.fitted["softmax"]["beta"]
        return Estimate(value=beta.value, error=beta.se_quasi)


def fit_laws(circuits: Mapping[str, InhibitedAttention], params: Params, ctx: RunContext) -> dict[str, Law]:
    """The same random scores for every circuit, and for the shipped gamma circuit."""
    scores = ctx.rng.normal(0, params.spread, (params.n_law_rows, params.n_keys))
    everything: dict[str, RowCircuit] = {**circuits, SHIPPED: GammaCircuit(GammaParams(gain=1.0))}
    laws = {}
    for name, circuit in everything.items():
        with simulation(ctx, f"laws, {name}", share=1 / len(everything)) as options:
            selection = circuit.attend(scores, duration_ms=params.duration_ms, record="counts", **options)
        laws[name] = Law(fitted=fit(selection.counts, scores), scores=scores, counts=selection.counts)
    return laws
