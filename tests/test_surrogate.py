"""The gradient through spikes and sampled counts, each against what it should be exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from doubles import MultinomialCircuit, softmax
from scipy import stats
from torch import Tensor

from bridge import FittedLaw, SpikingScoreMap
from bridge.heads.surrogate import sampled_counts, spike_share
from pragmatic import causal_mask
from spiking import Budget

SCORES = torch.from_numpy(np.random.default_rng(0).normal(0.0, 1.5, (2, 3, 6)))


def gradient(scores: Tensor, share: Tensor, law: FittedLaw, upstream: Tensor) -> Tensor:
    scores = scores.clone().requires_grad_()
    (spike_share(scores, lambda _: share, law) * upstream).sum().backward()
    assert scores.grad is not None
    return scores.grad


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.3])
def test_shares_go_forward_and_the_laws_jacobian_back(beta: float) -> None:
    generator = torch.Generator().manual_seed(1)
    share = torch.rand(SCORES.shape, generator=generator, dtype=SCORES.dtype)
    upstream = torch.randn(SCORES.shape, generator=generator, dtype=SCORES.dtype)
    law = FittedLaw(beta=beta)
    assert torch.equal(spike_share(SCORES, lambda _: share, law), share)
    exact = SCORES.clone().requires_grad_()
    (torch.softmax(beta * exact, -1) * upstream).sum().backward()
    torch.testing.assert_close(gradient(SCORES, share, law, upstream), exact.grad)


def test_a_silent_row_hands_back_no_gradient() -> None:
    share = torch.full_like(SCORES, 1 / 6)
    share[1, 2] = 0.0
    found = gradient(SCORES, share, FittedLaw(beta=1.0), torch.arange(6.0, dtype=SCORES.dtype))
    assert (found[1, 2] == 0).all()
    assert (found.abs().sum(-1) > 0).sum() == 5


def test_a_masked_key_gets_no_gradient_and_the_others_one_without_it() -> None:
    mask = causal_mask(6, 6)[3:]
    scores = SCORES.clone().requires_grad_()
    score_map = SpikingScoreMap(
        MultinomialCircuit(), Budget(duration_ms=200), np.random.default_rng(0), gradient=True
    )
    upstream = torch.arange(6.0, dtype=scores.dtype)
    (score_map(scores, mask) * upstream).sum().backward()
    exact = SCORES.clone().requires_grad_()
    (torch.softmax(exact.masked_fill(~mask, -torch.inf), -1) * upstream).sum().backward()
    torch.testing.assert_close(scores.grad, exact.grad)
    assert (scores.grad[:, ~mask] == 0).all()


def test_second_derivatives_are_refused_and_not_wrong() -> None:
    scores = SCORES.clone().requires_grad_()
    shares = spike_share(scores, lambda s: s.softmax(-1), FittedLaw(beta=1.0))
    (first,) = torch.autograd.grad(shares.square().sum(), scores, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_the_gradient_is_at_the_circuits_temperature_unless_a_law_is_given() -> None:
    circuit = MultinomialCircuit(temperature=2.0)
    rng = np.random.default_rng(0)
    assert SpikingScoreMap(circuit, Budget(duration_ms=200), rng).law == FittedLaw(beta=0.5)
    given = FittedLaw(beta=0.7)
    assert SpikingScoreMap(circuit, Budget(duration_ms=200), rng, law=given).law is given


def test_sampled_counts_are_multinomial() -> None:
    """Counts of each key summed over 4000 rows by chi-square, and spread as a multinomial's; alarms at 1e-4."""
    p = softmax(np.array([1.0, 0.0, -1.0, 2.0, 0.5]))
    n_rows, n_spikes = 4000, 16
    counts = sampled_counts(np.tile(p, (n_rows, 1)), n_spikes, seed=5, streams=np.arange(n_rows))
    assert (counts.sum(axis=1) == n_spikes).all()
    assert stats.chisquare(counts.sum(axis=0), n_rows * n_spikes * p).pvalue > 1e-4
    spread = ((counts - n_spikes * p) ** 2 / (n_spikes * p)).sum()
    assert 1e-4 < stats.chi2.cdf(spread, n_rows * (len(p) - 1)) < 1 - 1e-4


def test_sampled_counts_hang_on_seed_and_stream_alone() -> None:
    p = softmax(SCORES.reshape(6, 6).numpy())
    streams = np.array([7, 0, 2**40, 3, 4, 5])
    counts = sampled_counts(p, 50, seed=1, streams=streams)
    np.testing.assert_array_equal(sampled_counts(p[2:3], 50, seed=1, streams=streams[2:3]), counts[2:3])
    wider = np.concatenate([p, np.zeros((6, 3))], axis=1)
    np.testing.assert_array_equal(sampled_counts(wider, 50, seed=1, streams=streams)[:, :6], counts)
    assert (sampled_counts(p, 50, seed=2, streams=streams) != counts).any()
    same_row = sampled_counts(np.tile(p[:1], (6, 1)), 50, seed=1, streams=streams)
    assert len(np.unique(same_row, axis=0)) > 1
