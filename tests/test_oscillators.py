"""Oscillator attention: what phases alone say, the fit of its couplings, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch

from pragmatic import Softmax, causal_mask, dot_product_head
from pragmatic.oscillators import OscillatorHead, fit_coupling

N_HEADS, N_PAIRS, LENGTH = 2, 3, 24


def vectors(seed: int, *, amplitudes: torch.Tensor | None = None) -> torch.Tensor:
    """(1, heads, length, dim) of random phases, with amplitudes of the pairs (heads, pairs)."""
    generator = torch.Generator().manual_seed(seed)
    phase = 2 * math.pi * torch.rand(1, N_HEADS, LENGTH, N_PAIRS, generator=generator, dtype=torch.float64)
    size = torch.ones(N_HEADS, N_PAIRS, dtype=torch.float64) if amplitudes is None else amplitudes
    return torch.cat([size[:, None] * phase.cos(), size[:, None] * phase.sin()], dim=-1)


def test_weights_follow_the_cosine_of_the_phase_difference() -> None:
    """One pair: weights are exp(kappa cos(difference)) over their sum, whatever the amplitudes."""
    query = torch.tensor([[[0.0, 5.0]]])  # phase 90 degrees
    key = torch.tensor([[[0.0, 0.1], [3.0, 0.0], [0.0, -1.0]]])  # 90, 0, 270 degrees
    output, weights = OscillatorHead(torch.tensor([2.0]))(query, key, torch.eye(3)[None])
    expected = torch.tensor([math.e**2, 1.0, math.e**-2])
    torch.testing.assert_close(weights[0, 0], expected / expected.sum())
    torch.testing.assert_close(output[0, 0], weights[0, 0])


def test_constant_amplitudes_lose_nothing() -> None:
    """Vectors whose pairs have the same amplitude everywhere are phases: the fitted head is the softmax head."""
    sizes = torch.tensor([[2.0, 1.0, 0.5], [0.3, 3.0, 1.0]], dtype=torch.float64)
    query, key, mask = vectors(0, amplitudes=sizes), vectors(1, amplitudes=sizes), causal_mask(LENGTH, LENGTH)
    coupling = fit_coupling(query, key, mask)
    torch.testing.assert_close(coupling, sizes.square() * (2 * N_PAIRS) ** -0.5)
    value = vectors(2)
    exact = dot_product_head(Softmax())(query, key, value, mask)
    torch.testing.assert_close(OscillatorHead(coupling)(query, key, value, mask).weights, exact.weights)


def test_the_fit_comes_nearer_than_mean_amplitudes_do() -> None:
    generator = torch.Generator().manual_seed(3)
    shape = (1, N_HEADS, LENGTH, 2 * N_PAIRS)
    query, key = (2 * torch.randn(shape, generator=generator) for _ in range(2))
    exact = dot_product_head(Softmax())(query, key, key).weights

    def divergence(coupling: torch.Tensor) -> torch.Tensor:
        weights = OscillatorHead(coupling)(query, key, key).weights
        return (exact * (exact / weights).log()).sum(-1).mean(dim=(0, -1))

    fitted = fit_coupling(query, key)
    for factor in (0.9, 1.1):
        assert bool((divergence(fitted) < divergence(factor * fitted)).all())


def test_vectors_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="query must have 4 components, two for each coupling, got 6"):
        OscillatorHead(torch.ones(2))(torch.ones(1, 1, 6), torch.ones(1, 1, 6), torch.ones(1, 1, 6))
