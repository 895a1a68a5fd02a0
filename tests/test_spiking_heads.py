"""Spiking circuits keep the contract of heads: shapes, masks, dtype, and the softmax up to sampling."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge import SpikingScoreMap, SpikingVectorHead
from pragmatic import Head, Softmax, dot_product_head
from spiking import Budget, GammaCircuit, GammaParams, VectorCircuit


@pytest.fixture(params=["score map", "whole head"])
def head(request: pytest.FixtureRequest) -> Head:
    rng = np.random.default_rng(0)
    if request.param == "whole head":
        return SpikingVectorHead(VectorCircuit(), duration_ms=600, rng=rng)
    return dot_product_head(SpikingScoreMap(GammaCircuit(GammaParams()), Budget(duration_ms=600), rng))


def test_a_spiking_head_stands_where_a_softmax_head_stands(head: Head) -> None:
    """Cosine above .93 for every query: about 300 spikes leave 1 - cos of about .01, the worst of 12 below .05."""
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(1, 2, 6, 16, generator=generator)
    key, value = (torch.randn(1, 2, 5, 16, generator=generator) for _ in range(2))
    mask = torch.ones(1, 1, 6, 5, dtype=torch.bool)
    mask[..., :3, 4] = False
    output, weights = head(query, key, value, mask)
    expected, target = dot_product_head(Softmax())(query, key, value, mask)
    assert output.shape == expected.shape
    assert weights.shape == target.shape
    assert output.dtype == query.dtype
    assert (weights[..., :3, 4] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2, 6))
    assert torch.nn.functional.cosine_similarity(output, expected, dim=-1).min() > 0.93
    assert (weights - target).abs().sum(-1).mean() / 2 < 0.08
