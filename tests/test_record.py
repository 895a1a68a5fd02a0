"""`record`: spikes of a block, per token, and rows simulated again spike for spike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hf_models import PLAIN, batch, built, spiking, state, with_gamma

import bridge.huggingface as gamma
from bridge import swap

GREEDY: dict[str, Any] = {"do_sample": False, "pad_token_id": 0}


def generate(model: Any, n_new: int = 5, **keywords: Any) -> torch.Tensor:
    given = {
        **batch("gpt2", length=4),
        "max_new_tokens": n_new,
        "min_new_tokens": n_new,
        **GREEDY,
        **keywords,
    }
    return model.generate(**given)


@pytest.mark.parametrize("circuit", ["regular-brief", "brief"])
def test_a_row_again_has_the_spikes_that_the_model_used(circuit: str) -> None:
    model = with_gamma("gpt2", mode="simulated", circuit=circuit, spikes=24)
    with gamma.record(model) as spikes:
        generate(model)
    assert spikes.n_tokens == 4 + 5 - 1  # the last token is written, not read
    for layer, head, query in ((0, 0, 2), (1, 3, 5), (1, 0, 7)):
        row = spikes.row(layer=layer, head=head, query=query, sequence=1)
        np.testing.assert_array_equal(row.selection.counts[0], row.counts)
        seen = 4 if query < 4 else query + 1  # the prompt in one pass, then token by token
        assert len(row.counts) == seen
        assert row.counts[query + 1 :].sum() == 0
        times = row.selection.spikes.of_row(0)
        np.testing.assert_array_equal(np.bincount(times.key, minlength=len(row.counts)), row.counts)
        assert row.weights.sum() == pytest.approx(1)
        assert row.softmax.sum() == pytest.approx(1)


def test_weights_are_those_that_the_model_puts_out() -> None:
    model, given = with_gamma("bert", mode="simulated"), batch("bert")
    given["attention_mask"][1, 6:] = 0
    with torch.no_grad(), gamma.record(model, heads="1.2") as spikes:
        attentions = model(**given, output_attentions=True).attentions
    for sequence in (0, 1):
        row = spikes.row(layer=1, head=2, query=3, sequence=sequence)
        np.testing.assert_allclose(row.weights, attentions[1][sequence, 2, 3], atol=1e-6)
    assert np.isneginf(row.scores[6:]).all()


def test_spikes_of_each_token_add_up_to_those_of_the_model() -> None:
    model, given = with_gamma("gpt2", mode="simulated", heads="0.1,1.*", spikes=16), batch("gpt2")
    head = next(iter(gamma.plan_of(model).heads.values()))
    with gamma.record(model, heads="0.1") as spikes:
        state(model, given)
    both = spikes.per_token(0) + spikes.per_token(1)
    assert both.sum() == head.usage.spikes
    assert (
        spikes.per_token() >= 16 * 5
    ).all()  # five heads; each row ends at its 16th spike or a little later
    rows = spikes.spikes()
    assert rows.shape == (2, 4, 9)
    assert (rows[0, [0, 2, 3]] == 0).all()
    assert (rows[1] >= 16).all()


def test_recording_changes_no_token_and_ends_with_its_block() -> None:
    model = with_gamma("gpt2", mode="simulated", spikes=8)
    before = generate(model)
    with gamma.record(model) as spikes:
        assert torch.equal(generate(model), before)
    n_tokens = spikes.n_tokens
    generate(model, n_new=9)
    assert spikes.n_tokens == n_tokens


def test_heads_put_in_by_a_block_are_recorded_though_their_noise_is_new() -> None:
    model, given = built("gpt2"), batch("gpt2")
    with swap(model, head=spiking(mode="simulated", spikes=16)), gamma.record(model) as spikes:
        state(model, given)
        state(model, given)
    row = spikes.row(layer=1, head=2, query=8)
    np.testing.assert_array_equal(row.selection.counts[0], row.counts)


def test_without_a_cache_the_last_row_of_a_token_counts() -> None:
    model = with_gamma("gpt2", mode="simulated", spikes=8)
    with gamma.record(model) as spikes:
        generate(model, use_cache=False)
    assert len(spikes.row(layer=0, head=0, query=2).counts) == 8
    assert (spikes.spikes() < 2 * 8).all()


def test_two_recordings_at_once_each_keep_their_own() -> None:
    model, given = with_gamma("bert", mode="simulated", spikes=8), batch("bert")
    with gamma.record(model, heads="0.0") as first, gamma.record(model, heads="1.*") as second:
        state(model, given)
    first.row(layer=0, head=0)
    second.row(layer=1, head=3)
    with pytest.raises(ValueError, match="row must be one that was recorded, got layer 1, head 3"):
        first.row(layer=1, head=3)
    np.testing.assert_array_equal(first.per_token(), second.per_token())


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            {"layer": 2, "head": 0},
            "got layer 2, head 0, query -1, sequence 0; layers 0 to 1 and 9 queries were",
        ),
        ({"layer": 0, "head": 0, "query": 9}, "query 9"),
        ({"layer": 0, "head": 0, "sequence": 2}, "sequence 2"),
    ],
)
def test_a_row_that_was_not_recorded_is_refused(row: dict[str, int], says: str) -> None:
    model = with_gamma("gpt2", mode="simulated", spikes=8)
    with gamma.record(model) as spikes:
        state(model, batch("gpt2"))
    with pytest.raises(ValueError, match=says):
        spikes.row(**row)


def test_what_has_no_spike_times_is_refused_by_name() -> None:
    model = with_gamma("gpt2", spikes=8)
    with gamma.record(model) as spikes:
        state(model, batch("gpt2"))
    assert (spikes.per_token() == 8 * 8).all()  # drawn, exactly 8 a row, eight heads
    with pytest.raises(ValueError, match="got mode 'sampled'"):
        spikes.row(layer=0, head=0)


def test_a_model_without_heads_that_can_be_recorded_is_refused() -> None:
    model = built("gpt2")
    with pytest.raises(ValueError, match="the model must have gamma attention"), gamma.record(model):
        pass
    refused = pytest.raises(
        ValueError, match="needs a SpikingHead among the heads of the model, got DotProductHead"
    )
    with swap(model, head=PLAIN), refused, gamma.record(model):
        pass
    with pytest.raises(ValueError, match="flatness 1"), gamma.record(with_gamma("gpt2", flatness=1.5)):
        pass


def test_before_the_model_has_run_there_is_no_row() -> None:
    with gamma.record(with_gamma("gpt2")) as spikes:
        pass
    with pytest.raises(ValueError, match="no spiking head has been called"):
        spikes.row(layer=0, head=0)
    assert spikes.per_token().size == 0
