"""A circuit as a score map: shapes, masks, silence and gradients, on a stand-in with a known law."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch
from doubles import MultinomialCircuit

from bridge import SpikingScoreMap
from pragmatic import Softmax, causal_mask, dot_product_head
from spiking import Budget


def spiking(circuit: MultinomialCircuit | None = None, duration_ms: float = 1000.0) -> SpikingScoreMap:
    return SpikingScoreMap(
        circuit or MultinomialCircuit(), Budget(duration_ms=duration_ms), np.random.default_rng(1)
    )


@pytest.fixture
def scores() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).normal(0.0, 1.5, (2, 3, 5, 5)))


def test_weights_are_a_softmax_at_the_circuits_temperature(scores: torch.Tensor) -> None:
    """20,000 spikes a row: each weight is within 5 standard deviations, 0.5 / sqrt(20000) or less."""
    score_map = spiking(MultinomialCircuit(temperature=2.0, rate_Hz=20_000))
    expected = Softmax(temperature=2.0)(scores)
    assert (score_map(scores) - expected).abs().max() < 5 * 0.5 / 20_000**0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_weights_have_the_scores_shape_and_dtype(scores: torch.Tensor, dtype: torch.dtype) -> None:
    weights = spiking()(scores.to(dtype))
    assert (weights.shape, weights.dtype, weights.device) == (scores.shape, dtype, scores.device)
    torch.testing.assert_close(weights.double().sum(-1), torch.ones(2, 3, 5).double(), atol=0.02, rtol=0)


def test_all_rows_run_at_once_and_the_selection_is_kept(scores: torch.Tensor) -> None:
    circuit = MultinomialCircuit()
    score_map = spiking(circuit)
    weights = score_map(scores)
    assert [rows.shape for rows in circuit.calls] == [(30, 5)]
    np.testing.assert_array_equal(score_map.selection.weights.reshape(2, 3, 5, 5), weights.numpy())


def test_masked_keys_get_nothing_by_mask_or_by_minus_infinity(scores: torch.Tensor) -> None:
    mask = causal_mask(5, 5)
    score_map = spiking()
    by_mask = score_map(scores, mask)
    assert (by_mask.masked_select(~mask) == 0).all()
    np.testing.assert_array_equal(score_map.selection.mask, mask.expand(2, 3, 5, 5).reshape(30, 5).numpy())
    by_score = spiking()(scores.masked_fill(~mask, -torch.inf))
    torch.testing.assert_close(by_score, by_mask, rtol=0, atol=0)


def test_a_silent_row_is_zero_and_flagged(scores: torch.Tensor) -> None:
    score_map = spiking(MultinomialCircuit(silent_rows=(7,)))
    weights = score_map(scores).reshape(30, 5)
    assert (weights[7] == 0).all()
    assert np.flatnonzero(score_map.selection.silent).tolist() == [7]


def test_no_gradient_flows_through_the_weights(scores: torch.Tensor) -> None:
    assert not spiking()(scores.requires_grad_()).requires_grad


def test_each_call_draws_new_spikes_and_a_seed_repeats_them(scores: torch.Tensor) -> None:
    score_map = spiking()
    first, second = score_map(scores), score_map(scores)
    assert not torch.equal(first, second)
    assert torch.equal(spiking()(scores), first)


def counting(*, gradient: bool = False) -> SpikingScoreMap:
    return SpikingScoreMap(
        MultinomialCircuit(),
        Budget(duration_ms=1000.0),
        np.random.default_rng(1),
        record="counts",
        gradient=gradient,
    )


CHANGES: dict[str, Callable[[torch.Tensor], object]] = {
    "two keys swapped": lambda weights: weights.copy_(weights.flip(-1)),
    "through a view": lambda weights: weights.reshape(-1)[:7].zero_(),
    "dropout": lambda weights: torch.nn.functional.dropout(weights, 0.5, inplace=True),
    "through an array": lambda weights: weights.numpy().fill(0.0),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("gradient", [False, True])
def test_counts_are_refused_once_the_weights_have_changed(
    scores: torch.Tensor, change: str, mode: Callable[[], AbstractContextManager[None]], gradient: bool
) -> None:
    """Counts are worked out from the weights, which are the caller's: they were then those of other spikes."""
    score_map = counting(gradient=gradient)
    with mode():
        weights = score_map(scores.requires_grad_(gradient)).detach()
        CHANGES[change](weights)
    with pytest.raises(ValueError, match=r"weights changed in place; read counts first, or .*clone\(\)\.$"):
        score_map.counts  # noqa: B018
    score_map.readout = "spikes"
    with pytest.raises(ValueError, match="changed in place"):
        score_map.read_out(weights, torch.ones(2, 3, 5, 4).double())


def test_counts_outlive_a_change_of_the_weights_where_they_are_known(scores: torch.Tensor) -> None:
    """Read before, of weights in another precision (a copy), or of a simulation that is kept."""
    whole, half, kept = counting(), counting(), spiking()
    weights = whole(scores)
    expected = weights.reshape(30, 5).numpy() * whole.counts.sum(axis=1, keepdims=True)
    weights.zero_()
    np.testing.assert_allclose(whole.counts, expected, atol=1e-9)
    half(scores.to(torch.bfloat16)).zero_()
    assert (half.counts.sum(axis=1) > 0).all()
    kept(scores).zero_()
    np.testing.assert_array_equal(kept.counts, kept.selection.counts)


def test_it_makes_a_head_like_any_score_map() -> None:
    rng = np.random.default_rng(3)
    query, key, value = (torch.from_numpy(rng.normal(size=(2, 4, 6, 8))) for _ in range(3))
    mask = causal_mask(6, 6)
    spiked = dot_product_head(spiking(MultinomialCircuit(rate_Hz=20_000)))(query, key, value, mask)
    exact = dot_product_head(Softmax())(query, key, value, mask)
    assert torch.nn.functional.cosine_similarity(spiked.output, exact.output, dim=-1).min() > 0.99


def test_what_a_score_map_refuses_is_refused(scores: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="every row must have a key"):
        spiking()(scores, torch.zeros(5, 5, dtype=torch.bool))
    with pytest.raises(ValueError, match="finite"):
        spiking()(scores.fill_(torch.nan))
