"""Programs against a plain interpreter, and transformers whose memory is read off some or all of their layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from pragmatic.attention import dot_product_head
from pragmatic.machines.feedback import (
    MEMORIES,
    FeedbackParams,
    FeedbackTransformer,
    GatedReader,
    learn_programs,
)
from pragmatic.score_maps import Softmax
from pragmatic.tasks.batch import IGNORED
from pragmatic.tasks.programs import Programs
from pragmatic.training.train import TrainParams


def interpreted(task: Programs, tokens: list[int]) -> list[int]:
    """Run a program statement by statement from its tokens, written apart from the task: what it prints."""
    v, c = task.n_variables, task.n_values
    state, printed = [0] * v, []
    for token in tokens:
        if token < v * c:
            state[token // c] = token % c
        elif token < v * c + v:
            x = token - v * c
            state[x] = min(state[x] + 1, c - 1)
        elif token < v * c + 2 * v:
            x = token - v * c - v
            state[x] = max(state[x] - 1, 0)
        elif token < task.n_vocab - v:
            rest, x = divmod(token - v * c - 2 * v, v)
            rest, is_up = divmod(rest, 2)
            y, than = divmod(rest, c - 1)
            if state[y] > than:
                state[x] = min(max(state[x] + 2 * is_up - 1, 0), c - 1)
        else:
            printed.append(state[token - (task.n_vocab - v)])
    return printed


@pytest.mark.parametrize("task", [Programs(), Programs(n_variables=3, n_values=4, length=40, assigning=0.2)])
def test_printed_values_are_those_of_an_interpreter(task: Programs) -> None:
    tokens, targets = task.batch(50, np.random.default_rng(0))
    for program, printed in zip(tokens.tolist(), targets, strict=True):
        assert interpreted(task, program) == printed[printed != IGNORED].tolist()
    assert (targets[:, -1] != IGNORED).all()


def test_kinds_of_statement_are_as_likely_as_asked() -> None:
    """Of statements between the first and the last: four standard errors."""
    task = Programs(length=30, assigning=0.5)
    tokens = task.batch(400, np.random.default_rng(0)).tokens[:, 2:-1].numpy()
    share = (tokens < task.n_variables * task.n_values).mean()
    assert abs(share - 0.5 / 4.5) < 4 * np.sqrt(0.11 * 0.89 / tokens.size)
    assert not (Programs(assigning=0.0).batch(50, np.random.default_rng(0)).tokens[:, 2:] < 10).any()


def model_of(memory: str, n_layers: int = 2) -> FeedbackTransformer:
    sizes = FeedbackParams(
        n_vocab=11, n_classes=3, n_context=8, n_layers=n_layers, n_heads=2, width=8, memory=memory
    )
    return FeedbackTransformer(sizes, np.random.default_rng(0))


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, 11, (4, 8)))


@pytest.mark.parametrize("memory", MEMORIES)
def test_no_memory_looks_ahead(memory: str, tokens: torch.Tensor) -> None:
    model, changed = model_of(memory), tokens.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % 11
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert float((before[:, 5:] - after[:, 5:]).detach().abs().max()) > 1e-3


def test_the_memory_of_embeddings_is_the_same_position_by_position(tokens: torch.Tensor) -> None:
    """The control has no feedback: all at once or through the sequential path."""
    model = model_of("first")
    x = model.token_vectors[tokens] + model.position_vectors
    by_step = functional.linear(model.norm(model.recurrent(x)), model.to_logits)
    torch.testing.assert_close(model(tokens), by_step)


def test_feedback_reaches_over_more_steps_than_layers(tokens: torch.Tensor) -> None:
    """With one layer whose attention sees the position before alone, only feedback carries the first token on."""
    reach = {}
    for memory in ("first", "all"):
        model = model_of(memory, n_layers=1)
        model.head = lambda q, k, v, mask: (v[..., -1:, :], None)  # type: ignore[assignment]
        x = model.token_vectors[tokens] + model.position_vectors
        other = x.clone()
        other[:, 0] = other[:, 0].flip(-1)
        last = [model.recurrent(each)[:, -1] for each in (x, other)]
        reach[memory] = float((last[0] - last[1]).detach().abs().max())
    assert reach["first"] == 0
    assert reach["all"] > 1e-4


def test_a_head_of_exact_attention_changes_nothing(tokens: torch.Tensor) -> None:
    for memory in ("none", "all"):
        model = model_of(memory)
        fused = model(tokens)
        model.head = dot_product_head(Softmax())
        torch.testing.assert_close(model(tokens), fused, rtol=1e-4, atol=1e-5)


def test_levels_weigh_the_layers(tokens: torch.Tensor) -> None:
    """All weight on the last layer is the memory of the last layer."""
    everything, last = model_of("all"), model_of("last")
    with torch.no_grad():
        everything.level_logits[:] = torch.tensor([-40.0, -40.0, 0.0])
    torch.testing.assert_close(everything(tokens), last(tokens))


def test_a_short_training_lowers_the_loss() -> None:
    """From the entropy of three classes, 1.10 nats; both kinds of network."""
    task = Programs(n_variables=1, n_values=3, length=8)
    sizes = FeedbackParams(n_vocab=task.n_vocab, n_classes=3, n_context=8, n_layers=1, n_heads=2, width=16)
    plan = TrainParams(n_iterations=60, batch_size=32, learning_rate=1e-2, min_learning_rate=1e-3, n_warmup=5)
    for model in (
        FeedbackTransformer(sizes, np.random.default_rng(0)),
        GatedReader(sizes, np.random.default_rng(0)),
    ):
        losses = learn_programs(model, task, plan, rng=np.random.default_rng(1))
        assert losses[-10:].mean() < 0.75 < losses[0]


def test_a_sequence_beyond_the_context_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than the model's context of 8 tokens, got 9"):
        model_of("all")(torch.zeros(1, 9, dtype=torch.int64))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"width": 10, "n_heads": 4}, r"width must be a multiple of n_heads \(4\), got 10; use 12"),
        ({"memory": "some"}, "memory must be one of none, first, last, all; got 'some'"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FeedbackParams(n_vocab=3, n_classes=2, n_context=4, **changes)  # type: ignore[arg-type]
