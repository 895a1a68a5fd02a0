"""modulating-field and its passes: identity, the triangular fixed point, causality, words that follow numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pragmatic.attention import dot_product_head
from pragmatic.machines.modulation import FIELDS, ModulatedHead, fields_of, passes, surprise
from pragmatic.score_maps import Softmax
from pragmatic.transformer import Transformer, TransformerParams
from scenarios.modulating_field import Params, run
from scenarios.modulating_field.measures import Mapped
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    n_layers=2,
    n_heads=2,
    width=16,
    n_context=12,
    iterations=30,
    batch=16,
    windows=16,
    strengths=(0.1, 1.0),
    passes=4,
    settling=4,
    cycles=3,
    spikes=4,
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


@pytest.fixture
def model() -> Transformer:
    """Matrices six times as large as at the start of a training, so that fields act strongly."""
    sizes = TransformerParams(n_vocab=9, n_layers=2, n_heads=2, width=16, n_context=10)
    made = Transformer(sizes, np.random.default_rng(0))
    with torch.no_grad():
        for weights in made.parameters():
            if weights.ndim > 1:
                weights.mul_(6)
    return made


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, 9, (6, 10)))


@pytest.mark.parametrize("kind", FIELDS)
def test_strength_0_is_the_model_bit_for_bit(kind: str, model: Transformer, tokens: torch.Tensor) -> None:
    plain = model(tokens)
    heads = [block.attention.heads[:] for block in model.blocks]
    for output in passes(model, tokens, kind, 0.0, 3, Softmax()):
        torch.testing.assert_close(output.logits, plain, rtol=0, atol=0)
    assert [block.attention.heads[:] for block in model.blocks] == heads


def test_surprise_is_at_its_fixed_point_after_as_many_passes_as_tokens(
    model: Transformer, tokens: torch.Tensor
) -> None:
    """After k passes the first k + 1 tokens stand, since the first has no field."""
    run_ = [surprise(out.logits, tokens) for out in passes(model, tokens, "surprise", 2.0, 20, Softmax())]
    for k in range(1, 10):
        torch.testing.assert_close(run_[k][:, : k + 1], run_[20][:, : k + 1], rtol=0, atol=1e-5)
    assert float((run_[2] - run_[20]).abs().max()) > 1e-3  # two passes are not enough here
    torch.testing.assert_close(run_[9], run_[20], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", FIELDS)
def test_no_field_looks_ahead(kind: str, model: Transformer, tokens: torch.Tensor) -> None:
    changed = tokens.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 9
    *_, before = passes(model, tokens, kind, 1.0, 3, Softmax())
    *_, after = passes(model, changed, kind, 1.0, 3, Softmax())
    torch.testing.assert_close(before.logits[:, :7], after.logits[:, :7], rtol=0, atol=1e-5)
    assert float((before.logits[:, 7:] - after.logits[:, 7:]).abs().max()) > 1e-3


def test_a_head_with_a_field_shifts_and_scales_scores() -> None:
    rng = np.random.default_rng(0)
    q, k, v = (torch.from_numpy(rng.normal(size=(2, 3, 4, 5))) for _ in range(3))
    plain = dot_product_head(Softmax())(q, k, v, None)
    head = ModulatedHead(Softmax())
    torch.testing.assert_close(head(q, k, v).output, plain.output, rtol=0, atol=0)
    head.shift = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    odds = head(q, k, v).weights / plain.weights
    torch.testing.assert_close(odds[..., 3] / odds[..., 0], torch.full((2, 3, 4), np.e, dtype=torch.float64))
    head.shift, head.log_gain = None, torch.tensor(-40.0)
    torch.testing.assert_close(head(q, k, v).weights, torch.full((2, 3, 4, 4), 0.25, dtype=torch.float64))


def test_a_head_that_keeps_reads_the_mean_of_its_passes() -> None:
    rng = np.random.default_rng(0)
    q, k, v = (torch.from_numpy(rng.normal(size=(1, 1, 4, 5))) for _ in range(3))
    head = ModulatedHead(Softmax(), keeps=True)
    first = head(q, k, v).weights
    second = head(-q, k, v).weights
    alone = dot_product_head(Softmax())(-q, k, v, None).weights
    torch.testing.assert_close(second, (first + alone) / 2)


def test_an_unknown_field_is_refused(model: Transformer, tokens: torch.Tensor) -> None:
    output = model(tokens, keep_weights=True)
    with pytest.raises(ValueError, match="kind must be one of surprise, logit, gain, layer; got 'mood'"):
        fields_of("mood", output, tokens)


def test_an_encoder_is_refused(tokens: torch.Tensor) -> None:
    sizes = TransformerParams(n_vocab=9, n_layers=1, n_heads=2, width=16, n_context=10, causal=False)
    encoder = Transformer(sizes, np.random.default_rng(0))
    with pytest.raises(ValueError, match="passes needs a decoder"):
        next(passes(encoder, tokens, "surprise", 1.0, 1, Softmax()))


def test_the_map_is_an_identity_in_the_middle_and_settles(outcome: Outcome) -> None:
    assert outcome.metrics["identity"].value == 0
    assert outcome.metrics["last"].value < 1e-3
    assert outcome.metrics["settled_0.1"].value >= outcome.metrics["settled"].value
    assert "is the fixed point" in outcome.in_short[0]
    assert set(outcome.dataset.kind.values) == {"surprise", "shuffled", "logit", "gain", "layer"}


def test_the_best_strength_is_chosen_on_other_texts_than_it_is_measured_on() -> None:
    """Texts of even number like -1, those of odd number +1: chosen is -1, measured its rise."""
    rise = np.zeros((3, 2, 10))
    rise[0, 1, ::2], rise[0, 1, 1::2] = -1.0, 2.0
    rise[2, 1, ::2], rise[2, 1, 1::2] = 2.0, -1.0
    of = Mapped(strengths=np.array([-1.0, 0.0, 1.0]), loss=1 + rise, change=np.ones((3, 1, 10)))
    strength, measured = of.best()
    assert strength == -1
    np.testing.assert_allclose(measured, 2.0)


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"convergence", "help", "cycles"}


def test_exact_heads_alone_have_no_cycles() -> None:
    params = replace(SMALL, heads=("softmax",), iterations=4, n_layers=1)
    made = run(params, RunContext(rng=np.random.default_rng(0), progress=silent()))
    assert "cycles" not in made.pictures
    assert "From cycle to cycle" not in made.verdict


def test_strengths_out_of_order_are_refused() -> None:
    with pytest.raises(
        UsageError, match=r"strengths must be ordered without repeats, got 1.0,0.5; use 0.5,1.0"
    ):
        Params(strengths=(1.0, 0.5))
