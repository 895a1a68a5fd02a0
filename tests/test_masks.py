"""Masks: a key that does not take part has no weight, no gradient and no influence, in every score map."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pragmatic import SCORE_MAPS, Hardmax, ScoreMap, Uniform, causal_mask

ALL = [make(k=2) if name == "top_k" else make() for name, make in SCORE_MAPS.items()] + [
    SCORE_MAPS["entmax"](alpha=alpha) for alpha in (1.0, 1.2, 2.5)
]
DIFFERENTIABLE = [m for m in ALL if not isinstance(m, Hardmax | Uniform)]
each = pytest.mark.parametrize("score_map", ALL, ids=str)
rows = st.lists(st.integers(-40, 40), min_size=1, max_size=9).map(lambda s: torch.tensor([s]).double() / 4)
maps = st.sampled_from(ALL)
repeatable = settings(derandomize=True, deadline=None)


def random_scores(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@repeatable
@given(rows, maps, st.data())
def test_a_masked_key_equals_an_absent_key(scores: Tensor, score_map: ScoreMap, data: st.DataObject) -> None:
    """Exactly 0 for the masked, by mask and by -inf alike; the rest as if the key were not there."""
    n_keys = scores.shape[-1]
    keep = data.draw(st.lists(st.booleans(), min_size=n_keys, max_size=n_keys).filter(any))
    mask = torch.tensor([keep])
    by_mask = score_map(scores, mask)
    assert bool((by_mask[~mask] == 0).all())
    assert torch.equal(by_mask, score_map(scores.masked_fill(~mask, -math.inf)))
    dropped = score_map(scores[mask].unsqueeze(0))[0]
    torch.testing.assert_close(by_mask[mask], dropped, atol=1e-9, rtol=1e-7)


@each
def test_what_stands_at_a_masked_key_does_not_matter(score_map: ScoreMap) -> None:
    scores, mask = random_scores(3, 5), causal_mask(3, 5)
    garbage = scores.masked_fill(~mask, math.nan)
    assert torch.equal(score_map(garbage, mask), score_map(scores, mask))


@pytest.mark.parametrize("score_map", DIFFERENTIABLE, ids=str)
@pytest.mark.parametrize("by_inf", [False, True])
def test_masked_keys_get_no_gradient(score_map: ScoreMap, by_inf: bool) -> None:
    mask = causal_mask(3, 5)
    scores = random_scores(3, 5)
    if by_inf:
        scores = scores.masked_fill(~mask, -math.inf)
    scores.requires_grad_()
    weights = score_map(scores) if by_inf else score_map(scores, mask)
    (weights * random_scores(3, 5, seed=1)).sum().backward()
    assert scores.grad is not None
    assert bool((scores.grad[~mask] == 0).all())
    assert bool((scores.grad[mask] != 0).any())
    assert bool(scores.grad.isfinite().all())


@each
def test_mask_broadcasts_over_leading_dimensions(score_map: ScoreMap) -> None:
    scores, mask = random_scores(2, 3, 4, 4), causal_mask(4, 4)
    whole = score_map(scores, mask)
    assert torch.equal(whole[1, 2], score_map(scores[1, 2], mask))


def test_causal_mask_is_aligned_at_the_last_key() -> None:
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True, True, True, True]]
    assert torch.equal(causal_mask(4, 4), torch.ones(4, 4).tril().bool())


def test_causal_mask_is_made_where_it_is_wanted() -> None:
    assert causal_mask(2, 4, device="meta").device.type == "meta"


@pytest.mark.parametrize(("n_queries", "n_keys"), [(3, 2), (0, 2)])
def test_causal_mask_refuses_queries_without_keys(n_queries: int, n_keys: int) -> None:
    with pytest.raises(ValueError, match=f"got n_queries={n_queries}, n_keys={n_keys}"):
        causal_mask(n_queries, n_keys)
