"""Recurrent networks from sequence to sequence: free and forced decoding agree, attention learns to reverse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pragmatic.score_maps import Uniform
from pragmatic.seq2seq import Reversal, Seq2Seq, Seq2SeqParams, train_seq2seq
from pragmatic.training.train import TrainParams

TASK = Reversal(n_symbols=5, shortest=3, longest=6)


def model_of(attends: bool, seed: int = 0) -> Seq2Seq:
    return Seq2Seq(Seq2SeqParams(n_symbols=5, width=24, attends=attends), np.random.default_rng(seed))


@pytest.mark.parametrize("attends", [False, True])
def test_free_decoding_is_forced_decoding_of_its_own_words(attends: bool) -> None:
    model = model_of(attends)
    source, _ = TASK.pairs(8, np.random.default_rng(1), 6)
    said = model.decode(source, 6)
    assert torch.equal(model(source, said).argmax(dim=-1), said)


def test_a_target_is_predicted_without_itself_and_what_follows() -> None:
    model = model_of(attends=True)
    source, target = TASK.pairs(4, np.random.default_rng(1), 6)
    other = target.clone()
    other[:, 3:] = (other[:, 3:] + 1) % 5
    torch.testing.assert_close(model(source, other)[:, :4], model(source, target)[:, :4])


def test_the_score_map_of_the_head_can_be_replaced() -> None:
    """Without selection the decoder gets another vector."""
    model = model_of(attends=True)
    source, target = TASK.pairs(4, np.random.default_rng(1), 6)
    before = model(source, target)
    assert model.head is not None
    model.head.score_map = Uniform()
    assert not torch.allclose(model(source, target), before)


def test_attention_learns_to_reverse_and_repeats_itself() -> None:
    """300 iterations on 3 to 6 symbols of 5: a guess is .2."""
    rates = TrainParams(
        n_iterations=300, batch_size=32, learning_rate=1e-2, min_learning_rate=1e-3, n_warmup=20
    )
    losses = []
    for _ in range(2):
        model = model_of(attends=True)
        losses.append(train_seq2seq(model, TASK, rates, rng=np.random.default_rng(2)))
    source, target = TASK.pairs(64, np.random.default_rng(3), 5)
    assert (model.decode(source, 5) == target).double().mean() > 0.9
    np.testing.assert_array_equal(*losses)


def test_sequences_are_reversed_and_of_the_lengths_asked_for() -> None:
    source, target = TASK.pairs(3, np.random.default_rng(0))
    assert 3 <= source.shape[1] <= 6
    assert torch.equal(source.flip(1), target)
    with pytest.raises(ValueError, match=r"Reversal.longest must be >= 6, got 3"):
        Reversal(shortest=6, longest=3)
