"""The scenario search-attention: what an exhaustive search meets, and that its shortcuts are judged by numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pragmatic.attention import dot_product_head
from pragmatic.masks import causal_mask
from pragmatic.score_maps import Softmax
from pragmatic.transformer import Transformer, TransformerParams
from scenarios.search_attention import Params, run
from scenarios.search_attention.alpha import CrossNormalised
from scenarios.search_attention.expressions import search
from scenarios.search_attention.solutions import NOISY, _first, _phase, _winner, family_of, solutions
from scenarios.search_attention.untrained import activity_score
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    heads=("exact",),
    draws=32,
    noise=1.0,
    alphas=(0.0, 1.0),
    seeds=2,
    iterations=3,
    tune_iterations=2,
    candidates=4,
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_the_search_is_complete_and_linear_attention_comes_first(outcome: Outcome) -> None:
    """24 expressions of one operation, 173 more values of two, as a prototype of this search counted."""
    metrics = outcome.metrics
    assert metrics["expressions_1"].value == 24
    assert metrics["expressions_2"].value == 197
    assert metrics["operations_linear"].value == 3
    assert "(Q (Kᵀ V))" in metrics["operations_linear"].note
    for family in ("softmax", "column_softmax", "relu"):
        assert metrics[f"operations_{family}"].value == 4
    assert "(Q (Kᵀ V)), linear attention, with 3 operations" in outcome.in_short[0]


def test_softmax_reads_noisy_queries_better_than_linear_attention(outcome: Outcome) -> None:
    """256 queries, noise as long as a key: .98 against .90 to .91, with errors of .01 and .02."""
    softmax, linear = outcome.metrics["noisy_softmax"], outcome.metrics["noisy_linear"]
    assert softmax.value > linear.value + 0.03
    assert softmax.value > 0.94


def test_figures(outcome: Outcome) -> None:
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_circuits_add_their_primitives() -> None:
    """Every primitive is met in a search of two operations, and only where it is asked for."""
    few = {"operations": 2, "n_items": 4, "dim": 6, "draws": 2, "noise": 0.0, "spikes": 16}
    params = replace(SMALL, **few)
    ctx = RunContext(rng=np.random.default_rng(1), progress=silent())
    every = replace(params, heads=("exact", "spiking", "sampled"))
    families = {family_of(found.text) for found in solutions(every, ctx)[NOISY].best}
    assert {"spikes", "samples", "winner", "first spikes"} <= families
    exact = {family_of(found.text) for found in solutions(params, ctx)[NOISY].best}
    assert not exact & {"spikes", "samples", "winner", "first spikes", "phases"}


def test_primitives_of_circuits_are_what_they_say() -> None:
    x = np.array([[[0.1, 3.0, 2.0], [1.0, 0.0, -1.0]]])
    np.testing.assert_array_equal(_winner(x), [[[0, 1, 0], [1, 0, 0]]])
    np.testing.assert_array_equal(_first(x), [[[0, 0.5, 0.5], [0.5, 0.5, 0]]])
    y = x.swapaxes(1, 2)
    by_hand = np.cos(x[:, :, None] - y.swapaxes(1, 2)[:, None]).sum(axis=-1)
    np.testing.assert_allclose(_phase(x, y), by_hand)


def test_equal_values_are_one_expression() -> None:
    """X + X is 2 X once; X and its transpose are apart, its transpose's transpose is not."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    texts = [made.text for made in search({"X": x}, 2, unary={"{}ᵀ": lambda v: v.swapaxes(1, 2)}, binary={})]
    assert texts == ["X", "Xᵀ"]


def test_an_expression_is_of_the_first_family_that_it_names() -> None:
    assert family_of("(softmax_row((Q Kᵀ)) V)") == "softmax"
    assert family_of("(spikes(softmax_row(Q)) V)") == "spikes"
    assert family_of("(Q (Kᵀ V))") == "linear"


def test_normalised_values_see_no_later_position() -> None:
    head = CrossNormalised(2.0, dot_product_head(Softmax()))
    query, key, value = (torch.randn(1, 5, 3) for _ in range(3))
    mask = causal_mask(5, 5)
    before = head(query, key, value, mask).output
    value[:, 3:] += 1
    torch.testing.assert_close(head(query, key, value, mask).output[:, :3], before[:, :3])
    plain = dot_product_head(Softmax())(query, key, value, mask).output
    torch.testing.assert_close(
        CrossNormalised(0.0, dot_product_head(Softmax()))(query, key, value, mask).output, plain
    )


def test_the_score_without_training_is_that_of_the_codes() -> None:
    """One layer: units by hand from its hidden inputs; equal sequences make K singular."""
    model = Transformer(
        TransformerParams(n_vocab=7, n_layers=1, n_heads=1, width=8), np.random.default_rng(0)
    )
    tokens = torch.randint(0, 7, (4, 5))
    assert np.isfinite(activity_score(model, tokens))
    assert activity_score(model, tokens[:1].repeat(3, 1)) == -np.inf


def test_impossible_parameters() -> None:
    with pytest.raises(UsageError, match="dim must differ from n_items, got 8"):
        Params(dim=8)
    with pytest.raises(UsageError, match="heads must have exact among them"):
        Params(heads=("spiking",))


def test_the_control_is_always_measured() -> None:
    assert Params(alphas=(1.0, 2.0)).all_alphas == (0.0, 1.0, 2.0)
