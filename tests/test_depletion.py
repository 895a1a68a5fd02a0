"""The law with depletion: its equation, its Jacobian, its fit, and the circuit's own numbers behind it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from doubles import MultinomialCircuit

from bridge import FittedLaw, SpikingScoreMap, fit_law
from bridge.heads.surrogate import sampled_counts
from spiking import Budget, GammaCircuit, GammaParams
from spiking.calibration import effective_gain

SCORES = torch.from_numpy(np.random.default_rng(0).normal(0.0, 1.5, (7, 6)))
LAWS = [FittedLaw(beta=beta, depletion=depletion) for beta in (0.4, 1.5) for depletion in (-0.5, 0.3, 3.0)]


@pytest.mark.parametrize("law", LAWS)
def test_weights_solve_the_equation_of_the_law(law: FittedLaw) -> None:
    weights = law.weights(SCORES)
    right = torch.softmax(law.beta * SCORES - law.depletion * weights, -1)
    torch.testing.assert_close(weights, right, atol=1e-6, rtol=0)


def test_without_depletion_it_is_the_softmax_and_a_masked_key_gets_nothing() -> None:
    assert torch.equal(FittedLaw(beta=0.7).weights(SCORES), torch.softmax(0.7 * SCORES, -1))
    masked = torch.cat([SCORES, torch.full((7, 2), -torch.inf)], dim=-1)
    weights = LAWS[1].weights(masked)
    assert (weights[:, 6:] == 0).all()
    torch.testing.assert_close(weights[:, :6], LAWS[1].weights(SCORES))


@pytest.mark.parametrize("law", LAWS)
def test_pull_back_is_the_jacobian(law: FittedLaw) -> None:
    """Against central differences of the weights, which are solved to 1e-7: 1e-7 / step, and step^2."""
    upstream = torch.from_numpy(np.random.default_rng(1).normal(size=SCORES.shape))
    step = 1e-2
    ahead, behind = (law.weights(SCORES[:, None] + s * torch.eye(6)) for s in (step, -step))
    expected = ((ahead - behind) / (2 * step) * upstream[:, None]).sum(-1)
    found = law.pull_back(law.weights(SCORES), upstream)
    torch.testing.assert_close(found, expected, atol=5e-4, rtol=0)


@pytest.mark.parametrize("law", [FittedLaw(beta=0.4), FittedLaw(beta=1.2, depletion=0.5)])
def test_fit_law_finds_beta_and_depletion(law: FittedLaw) -> None:
    """200 spikes a row, 250 rows: both within 4 standard errors, which are small enough to tell them."""

    def count(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
        p = law.weights(torch.from_numpy(np.where(mask, scores, -np.inf))).numpy()
        return sampled_counts(p, 200, seed=1, streams=np.arange(len(p)))

    found = fit_law(count, np.random.default_rng(3), n_rows_each=50)
    assert found.beta_se < 0.02 * law.beta
    assert found.depletion_se < 0.1
    assert abs(found.beta - law.beta) < 4 * found.beta_se
    assert abs(found.depletion - law.depletion) < 4 * found.depletion_se
    assert 0.9 < found.dispersion < 1.1


def test_a_score_map_takes_the_law_that_it_measured() -> None:
    circuit = MultinomialCircuit(gain=0.8, temperature=2.0)
    score_map = SpikingScoreMap(circuit, Budget(duration_ms=200), np.random.default_rng(2))
    law = score_map.fit_law(np.random.default_rng(3))
    assert score_map.law is law
    assert abs(law.beta - 0.4) < 4 * law.beta_se


def test_counts_that_tell_no_beta_make_no_law() -> None:
    with pytest.raises(ValueError, match=r"FittedLaw\.beta must be > 0, got nan"):
        fit_law(lambda scores, mask: np.zeros(scores.shape), np.random.default_rng(0))


@pytest.mark.slow
def test_the_law_follows_from_the_circuits_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    """beta is gain / temperature and depletion reset_by * rate * tau_e / cells; the rate is the window's.

    Within 4 standard errors, and a quarter for the depletion: the theory has spikes evenly in time, not in
    volleys.
    """
    with capsys.disabled():
        print("\ncells   gain   beta    ±   depletion    ±   theory")
        for n_cells in (10, 20, 40):
            params = GammaParams(n_cells=n_cells)
            score_map = SpikingScoreMap(GammaCircuit(params), Budget(spikes=256), np.random.default_rng(0))
            law = score_map.fit_law(np.random.default_rng(4))
            score_map(SCORES)
            selection = score_map.selection
            assert selection is not None
            rate_per_ms = selection.counts.sum() / selection.row_ms.sum()
            theory = params.cell.reset_by * rate_per_ms * params.cell.tau_ms / n_cells
            gain = effective_gain(params)
            print(
                f"{n_cells:>5} {gain:.4f} {law.beta:.4f} {law.beta_se:.4f} "
                f"{law.depletion:8.3f} {law.depletion_se:.3f} {theory:8.3f}"
            )
            assert abs(law.beta - gain) < 4 * law.beta_se
            assert abs(law.depletion - theory) < 4 * law.depletion_se + 0.25 * theory
