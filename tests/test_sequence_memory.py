"""Recall of tokens in turn: one layer with a short convolution, read by softmax, by a linear state, by spikes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge import SpikingScoreMap
from pragmatic.attention import Head, dot_product_head, linear_attention
from pragmatic.machines.sequence_memory import SequenceMemory, answered
from pragmatic.score_maps import Softmax, Uniform
from pragmatic.tasks.synthetic import AssociativeRecall
from spiking import Budget, GammaCircuit, GammaParams

TASK = AssociativeRecall(n_pairs=6, n_symbols=12, length=24)
HEADS = {
    "softmax": dot_product_head(Softmax()),
    "linear": linear_attention,
    "uniform": dot_product_head(Uniform()),
}


def learnt(head: Head) -> SequenceMemory:
    memory = SequenceMemory(8, TASK.n_vocab, head, np.random.default_rng(0))
    optimizer, rng = torch.optim.Adam(memory.parameters(), 2e-2), np.random.default_rng(1)
    for _ in range(250):
        memory.learn(TASK.batch(32, rng), optimizer)
    return memory


@pytest.fixture(scope="module")
def memories() -> dict[str, SequenceMemory]:
    return {name: learnt(head) for name, head in HEADS.items()}


def test_softmax_recalls_what_a_small_state_forgets(memories: dict[str, SequenceMemory]) -> None:
    """64 sequences of 6 pairs: the error of a share is .025 or less; without selection a guess is one of six."""
    right = {name: answered(memory, TASK.held_out(64)).mean() for name, memory in memories.items()}
    assert right["softmax"] > 0.95
    assert right["linear"] < 0.8
    assert right["uniform"] < 0.35


def test_a_few_spikes_read_it_out(memories: dict[str, SequenceMemory]) -> None:
    memory = memories["softmax"]
    spikes = SpikingScoreMap(
        GammaCircuit(GammaParams.regular_brief()), Budget(spikes=8), rng=np.random.default_rng(2)
    )
    memory.head = dot_product_head(spikes)
    right = answered(memory, TASK.held_out(32)).mean()
    memory.head = HEADS["softmax"]
    assert right > 0.85


def test_the_value_comes_from_the_token_before(memories: dict[str, SequenceMemory]) -> None:
    """Another value in the first pair changes its answer and no other key's."""
    batch = TASK.held_out(1)
    tokens = batch.tokens.clone()
    tokens[0, 1] = 1 + TASK.n_symbols + (tokens[0, 1] - TASK.n_symbols) % TASK.n_symbols
    assert tokens[0, 1] != batch.tokens[0, 1]
    with torch.no_grad():
        before, after = (memories["softmax"](each).argmax(-1)[0] for each in (batch.tokens, tokens))
    asked = batch.tokens[0] == batch.tokens[0, 0]
    asked[:12] = False
    others = (batch.targets[0] >= 0) & ~asked
    assert after[asked] == tokens[0, 1]
    assert (before[others] == after[others]).all()
