"""The head to swap in: budgets, streams, silence, gradients; simulated and sampled alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from mini_model import TOKENS, mini_model
from torch import Tensor

from bridge import SpikingHead, Usage, swap
from pragmatic import Softmax, causal_mask, dot_product_head
from spiking import Brian2, Budget, Engine, EscapeRate, Fused, GammaCircuit, GammaParams

PARAMS = GammaParams(n_cells=10, settle_ms=50.0)
CIRCUIT = GammaCircuit(PARAMS)
SILENT = GammaCircuit(replace(PARAMS, cell=EscapeRate(drive=-30.0), gain=1.0))


@pytest.fixture(params=["simulated", "sampled"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


def vectors(seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    query, key, value = (torch.randn(2, 3, 7, 16, generator=generator) for _ in range(3))
    return query.to(dtype), key.to(dtype), value.to(dtype)


def scores(seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0.0, 1.5, (12, 6)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_stands_where_a_softmax_head_stands(mode: str, dtype: torch.dtype) -> None:
    """256 spikes a row: total variation .5 sum sqrt(2 p (1 - p) / (pi N)) is below .06 for 7 keys."""
    query, key, value = vectors(dtype=dtype)
    mask = causal_mask(7, 7)
    output, weights = SpikingHead(CIRCUIT, spikes=256, mode=mode)(query, key, value, mask)
    expected, target = dot_product_head(Softmax())(query, key, value, mask)
    assert (output.shape, output.dtype) == (expected.shape, dtype)
    assert (weights.shape, weights.dtype) == (target.shape, dtype)
    assert (weights.masked_select(~mask) == 0).all()
    torch.testing.assert_close(weights.double().sum(-1), torch.ones(2, 3, 7).double(), atol=0.02, rtol=0)
    assert (weights - target).abs().sum(-1).mean() / 2 < 0.06


def test_a_row_gets_its_budget(mode: str) -> None:
    """A simulated row ends with the step of its last spike, which a second one may share."""
    head = SpikingHead(CIRCUIT, spikes=32, mode=mode)
    head.score_map(scores())
    assert head.usage.rows == 12
    assert head.usage.keys == 72
    assert 32 <= head.usage.spikes / 12 < 34


def test_64_spikes_unless_told_otherwise() -> None:
    assert SpikingHead(CIRCUIT).score_map.budget.spikes == 64
    timed = SpikingHead(CIRCUIT, duration_ms=200).score_map
    assert timed.budget == Budget(duration_ms=200)


def test_usage_adds_up_and_is_reset(mode: str) -> None:
    head = SpikingHead(CIRCUIT, spikes=16, mode=mode)
    head.score_map(scores())
    once = head.usage
    head.score_map(scores())
    assert head.usage.rows == 2 * once.rows
    head.reset_usage()
    assert head.usage == Usage()


def test_each_call_draws_new_spikes_and_going_back_repeats_them(mode: str) -> None:
    head = SpikingHead(CIRCUIT, spikes=16, mode=mode)
    first, second = head.score_map(scores()), head.score_map(scores())
    assert not torch.equal(first, second)
    head.next_stream -= 24
    assert torch.equal(head.score_map(scores()), first)
    assert torch.equal(SpikingHead(CIRCUIT, spikes=16, mode=mode).score_map(scores()), first)
    assert not torch.equal(SpikingHead(CIRCUIT, spikes=16, mode=mode, seed=1).score_map(scores()), first)


def test_a_stream_fixes_a_rows_spikes_whatever_the_batch(mode: str) -> None:
    head = SpikingHead(CIRCUIT, spikes=16, mode=mode)
    streams = np.array([5, 3, 2**40, 7, 0, 1, 9, 8, 12, 11, 10, 4])
    batch = head.score_map(scores(), streams=streams)
    assert head.next_stream == 0
    few = head.score_map(scores()[4:7], streams=streams[4:7])
    assert torch.equal(few, batch[4:7])
    shaped = head.score_map(scores().reshape(3, 4, 6), streams=streams.reshape(3, 4))
    assert torch.equal(shaped.reshape(12, 6), batch)


@pytest.mark.parametrize("gradient", [True, False])
def test_a_gradient_reaches_queries_and_keys_if_wanted(mode: str, gradient: bool) -> None:
    query, key, value = (x.requires_grad_() for x in vectors())
    head = SpikingHead(CIRCUIT, spikes=16, mode=mode, gradient=gradient)
    output, weights = head(query, key, value)
    output.square().mean().backward()
    assert value.grad is not None
    assert weights.requires_grad == gradient
    for x in (query, key):
        assert (x.grad is not None and bool((x.grad != 0).any())) == gradient


@pytest.mark.parametrize("engine", [Fused(), Brian2()], ids=["fused", "brian2"])
def test_a_row_without_a_spike_is_zero_and_counted_and_hands_back_nothing(engine: Engine) -> None:
    query, key, value = (x.requires_grad_() for x in vectors())
    head = SpikingHead(SILENT, duration_ms=50, engine=engine)
    output, weights = head(query, key, value)
    assert (output == 0).all()
    assert (weights == 0).all()
    assert (head.usage.rows, head.usage.silent_rows) == (42, 42)
    output.square().sum().backward()
    assert (query.grad == 0).all()


def test_a_later_token_changes_nothing_before_it(mode: str) -> None:
    """Every head swapped; each pass draws from the same streams. The changed token and what sees it do change."""
    model = mini_model()
    changed = TOKENS.clone()
    changed[:, 7] = (changed[:, 7] + 3) % 11
    head = SpikingHead(CIRCUIT, spikes=16, mode=mode)
    with swap(model, head=head), torch.no_grad():
        logits = []
        for tokens in (TOKENS, changed):
            head.next_stream = 0
            logits.append(model(tokens))
    assert torch.equal(logits[0][:, :7], logits[1][:, :7])
    same = torch.isclose(logits[0], logits[1]).all(-1)
    assert not same[:, 7].any()
    assert not same[:, 8:].all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "guessed"}, r"^mode must be one of simulated, sampled; got 'guessed'"),
        ({"mode": "sampled", "duration_ms": 200}, r'^mode "sampled" needs the number of spikes .* got None'),
        ({"spikes": 0}, r"spikes must be >= 1, got 0"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpikingHead(CIRCUIT, **options)


def test_streams_must_be_one_a_row_and_need_keyed_randomness() -> None:
    with pytest.raises(ValueError, match="a number for each of 12 rows, got 3"):
        SpikingHead(CIRCUIT, spikes=4, mode="sampled").score_map(scores(), streams=np.arange(3))
    with pytest.raises(ValueError, match=r"streams need a compiled engine, got Brian2\(\)"):
        SpikingHead(CIRCUIT, duration_ms=50, engine=Brian2()).score_map(scores(), streams=np.arange(12))


def test_activations_that_are_not_finite_are_refused(mode: str) -> None:
    query, key, value = vectors()
    with pytest.raises(ValueError, match="scores must be finite"):
        SpikingHead(CIRCUIT, spikes=4, mode=mode)(query * torch.nan, key, value)
