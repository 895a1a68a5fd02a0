"""Additive, linear and Hopfield heads: by hand, and where theory makes two of them one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pragmatic import (
    AdditiveHead,
    HopfieldHead,
    Sparsemax,
    causal_mask,
    linear_attention,
    linear_attention_recurrent,
)

DIM = 6


def vectors(
    n_queries: int = 5, n_keys: int = 7, *, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    """Random query, key, value of 2 batches and 3 heads; values have other dimensions than keys."""
    rng = np.random.default_rng(0)
    shapes = ((2, 3, n_queries, DIM), (2, 3, n_keys, DIM), (2, 3, n_keys, 4))
    query, key, value = (torch.from_numpy(rng.normal(size=shape)).to(dtype) for shape in shapes)
    return query, key, value


masked = pytest.mark.parametrize("mask", [None, causal_mask(5, 7)], ids=["none", "causal"])


# Additive attention.
def test_additive_scores_by_hand() -> None:
    head = AdditiveHead(dim_query=2, dim_key=3, dim_hidden=4, rng=np.random.default_rng(5)).double()
    rng = np.random.default_rng(6)
    query, key = rng.normal(size=(2, 2)), rng.normal(size=(5, 3))
    w_query, w_key, w_score = (w.detach().numpy() for w in (head.w_query, head.w_key, head.w_score[:, 0]))
    scores = [[w_score @ np.tanh(w_query.T @ q + w_key.T @ k) for k in key] for q in query]
    weights = head(*(torch.from_numpy(x) for x in (query, key, key))).weights
    torch.testing.assert_close(weights, torch.softmax(torch.tensor(np.array(scores)), -1))


def test_additive_head_takes_any_score_map() -> None:
    head = AdditiveHead(
        dim_query=DIM, dim_key=DIM, dim_hidden=9, rng=np.random.default_rng(3), score_map=Sparsemax()
    ).double()
    query, key, value = (10.0 * x for x in vectors())
    assert bool((head(query, key, value).weights == 0).any())


def test_additive_head_learns() -> None:
    """Its three parameters all get a gradient, and are drawn from the generator alone."""
    head, same = (
        AdditiveHead(dim_query=DIM, dim_key=DIM, dim_hidden=8, rng=np.random.default_rng(2)) for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(head.parameters(), same.parameters(), strict=True))
    (head(*vectors(dtype=torch.float32)).output ** 2).sum().backward()
    assert [name for name, _ in head.named_parameters()] == ["w_query", "w_key", "w_score"]
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in head.parameters())


# Linear attention.
def test_linear_attention_is_elu_plus_one() -> None:
    query, key, value = vectors()
    phi_q, phi_k = functional.elu(query) + 1, functional.elu(key) + 1
    kv = torch.einsum("bhnd,bhnm->bhdm", phi_k, value)
    expected = torch.einsum("bhqd,bhdm->bhqm", phi_q, kv) / (phi_q @ phi_k.sum(-2).unsqueeze(-1))
    torch.testing.assert_close(linear_attention(query, key, value).output, expected)


def test_linear_attention_parallel_equals_recurrent() -> None:
    query, key, value = vectors(9, 9)
    parallel = linear_attention(query, key, value, causal_mask(9, 9))
    recurrent = linear_attention_recurrent(query, key, value)
    torch.testing.assert_close(recurrent.output, parallel.output)
    torch.testing.assert_close(recurrent.weights, parallel.weights)


def test_linear_attention_forms_have_the_same_gradient() -> None:
    forms = [lambda q, k, v: linear_attention(q, k, v, causal_mask(6, 6)), linear_attention_recurrent]
    inputs = tuple(x.requires_grad_() for x in vectors(6, 6))
    parallel, recurrent = (torch.autograd.grad((form(*inputs).output ** 2).sum(), inputs) for form in forms)
    torch.testing.assert_close(recurrent, parallel)


def test_linear_attention_keeps_its_digits_far_below_zero() -> None:
    """elu(-30) + 1 is 0 in single precision; exp(-30) is not, and equal keys share their weight."""
    vector = torch.full((2, 3), -30.0)
    weights = linear_attention(vector, vector, vector).weights
    torch.testing.assert_close(weights, torch.full((2, 2), 0.5))


@pytest.mark.parametrize("number", [-200.0, 1e30, math.nan])
def test_linear_attention_refuses_underflow_overflow_and_nan(number: float) -> None:
    vector = torch.full((2, 3), number)
    with pytest.raises(ValueError, match=r"finite.*; scale query and key down|scores must be finite"):
        linear_attention(vector, vector, vector)
    with pytest.raises(ValueError, match="or underflow; scale query and key down"):
        linear_attention_recurrent(vector, vector, vector)


def test_recurrent_form_refuses_no_keys() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        linear_attention_recurrent(*vectors(0, 0))


def test_recurrent_form_needs_a_query_for_each_key() -> None:
    with pytest.raises(ValueError, match=r"as many positions as key and value \(7\), got 5"):
        linear_attention_recurrent(*vectors(5, 7))


# Modern Hopfield networks (Ramsauer et al. 2021).
@masked
def test_one_hopfield_step_is_softmax_attention(mask: Tensor | None) -> None:
    query, key, value = vectors()
    output, weights = HopfieldHead(beta=1 / math.sqrt(DIM), n_steps=1)(query, key, value, mask)
    oracle = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(output, oracle)
    torch.testing.assert_close(HopfieldHead()(query, key, value, mask).weights, weights)


@masked
def test_hopfield_steps_feed_the_retrieved_pattern_back(mask: Tensor | None) -> None:
    query, key, value = vectors()
    state = query
    for _ in range(2):
        state = HopfieldHead(beta=0.7)(state, key, key, mask).output
    by_hand = HopfieldHead(beta=0.7)(state, key, value, mask)
    torch.testing.assert_close(HopfieldHead(beta=0.7, n_steps=3)(query, key, value, mask), by_hand)


def hopfield_energy(state: Tensor, patterns: Tensor, beta: float) -> Tensor:
    """Equation 2 of the paper without its constants, (n_queries,)."""
    return -torch.logsumexp(beta * state @ patterns.mT, -1) / beta + 0.5 * (state**2).sum(-1)


def test_each_hopfield_step_lowers_the_energy() -> None:
    """Theorem 1: the update rule converges, the energy never rises; far from a fixed point it falls."""
    query, key, _ = vectors()
    states = [query] + [HopfieldHead(beta=2.0, n_steps=n)(query, key, key).output for n in range(1, 6)]
    energies = torch.stack([hopfield_energy(s, key, 2.0) for s in states])
    assert bool((energies.diff(dim=0) <= 1e-12).all())
    assert bool((energies[1] < energies[0]).all())


def test_hopfield_retrieves_a_stored_pattern_from_a_noisy_one() -> None:
    """Patterns of 64 random signs overlap by 8 +- 8 of 64: at beta 1 a wrong one weighs about exp(-50)."""
    rng = np.random.default_rng(4)
    stored = torch.from_numpy(rng.choice([-1.0, 1.0], size=(10, 64)))
    noisy = stored.clone()
    noisy[:, :6] *= -1.0
    torch.testing.assert_close(HopfieldHead(beta=1.0, n_steps=2)(noisy, stored, stored).output, stored)
