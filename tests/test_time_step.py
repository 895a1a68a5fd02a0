"""Halving the time step moves nothing beyond its error."""

from __future__ import annotations

import numpy as np

from bridge import fit_softmax
from spiking import GammaCircuit, GammaParams


def test_halving_dt_moves_beta_rate_and_frequency_less_than_their_errors() -> None:
    """Same rows, dt .1 and .05 ms: differences within 2.6 standard errors of a difference.

    Three independent comparisons at 1 % each. Rate and frequency are paired over the same 48 rows.
    """
    scores = np.random.default_rng(5).normal(0, 1.5, (48, 8))
    found = []
    for dt_ms in (0.1, 0.05):
        circuit = GammaCircuit(GammaParams(dt_ms=dt_ms))
        selection = circuit.attend(scores, duration_ms=1500, rng=np.random.default_rng(7))
        fitted = fit_softmax(selection.counts, scores)
        found.append((fitted, selection.counts.sum(axis=1) / 1.5, selection.f_gamma_Hz))
    (coarse, rate, f), (fine, rate_fine, f_fine) = found
    assert abs(coarse.beta - fine.beta) < 2.6 * np.hypot(coarse.beta_se_quasi, fine.beta_se_quasi)
    for difference in (rate - rate_fine, (f - f_fine)[np.isfinite(f - f_fine)]):
        assert abs(difference.mean()) < 2.6 * difference.std(ddof=1) / np.sqrt(len(difference))
