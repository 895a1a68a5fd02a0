"""I cells knocked down: what is left of selection, of the rhythm and of the held total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge import fit_softmax
from bridge.comparison.versus_softmax import compare_selection
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, bootstrap, fraction, mean, ratio
from spiking import GammaCircuit, GammaParams

if TYPE_CHECKING:
    from scenarios.crick_koch import Params

__all__ = ["Knocked", "measure_knocked"]

N_INH = 10


@dataclass(frozen=True, kw_only=True)
class Knocked:
    """The circuit with some of its I cells."""

    left: int  # I cells that are left
    beta: Estimate
    off_softmax: Estimate  # total variation that infinitely many spikes leave
    rhythmic: Estimate  # rows with a gamma peak
    f_gamma: Estimate
    rate_Hz: Estimate  # of a row
    unsteady: Estimate  # coefficient of variation of rows' totals
    penumbra: Estimate  # spikes of all but the best key, as a share
    expected: float  # the same by the softmax


def measure_knocked(params: Params, ctx: RunContext) -> list[Knocked]:
    """All, half, few and none of the I cells, on the same scores; each cell as strong as before."""
    scores = ctx.rng.normal(0, params.spread, (params.knocked_rows, params.n_keys))
    found = []
    for left in params.inh_left:
        whole = GammaParams(feedforward="none")
        kept = max(left, 1)
        circuit = GammaCircuit(whole).varied(
            n_inh=kept,
            inhibition=whole.inhibition * kept / N_INH,
            gain=GammaCircuit(whole).gain,
            w_ei=whole.w_ei if left else 0.0,
        )
        with simulation(ctx, f"{left} of {N_INH} I cells", share=1 / len(params.inh_left)) as options:
            selection = circuit.attend(scores, duration_ms=params.knocked_ms, record="all", **options)
        fitted = fit_softmax(selection.counts, scores)
        bias = compare_selection(selection, scores, temperature=1.0, rng=ctx.rng)["total_variation"].bias
        totals = selection.n_spikes.astype(float)
        best = scores.argmax(axis=1)
        weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        rows = np.arange(len(scores))

        def spread(chosen: np.ndarray, totals: np.ndarray = totals) -> float:
            return ratio(float(totals[chosen].std(ddof=1)), float(totals[chosen].mean()))

        found.append(
            Knocked(
                left=left,
                beta=Estimate(value=fitted.beta, error=fitted.beta_se_quasi),
                off_softmax=Estimate(value=bias.value, error=bias.se),
                rhythmic=fraction(np.isfinite(selection.f_gamma_Hz)),
                f_gamma=mean(selection.f_gamma_Hz),
                rate_Hz=mean(totals / params.knocked_ms * 1e3),
                unsteady=bootstrap(spread, len(scores), ctx.rng),
                penumbra=mean(1 - selection.weights[rows, best]),
                expected=float(1 - weights[rows, best].mean()),
            )
        )
    return found
