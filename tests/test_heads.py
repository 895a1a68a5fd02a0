"""Heads: against PyTorch's attention, against each other where theory says so, and the contract of each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

import pragmatic
from pragmatic import (
    HEADS,
    AdditiveHead,
    DotProductHead,
    Entmax,
    Hardmax,
    Head,
    HopfieldHead,
    ScoreMap,
    Softmax,
    Sparsemax,
    Uniform,
    causal_mask,
    dot_product_head,
)
from pragmatic.attention import check_head

DIM = 6


def vectors(
    n_queries: int = 5, n_keys: int = 7, *, seed: int = 0, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    """Random query, key, value of 2 batches and 3 heads; values have other dimensions than keys."""
    rng = np.random.default_rng(seed)
    shapes = ((2, 3, n_queries, DIM), (2, 3, n_keys, DIM), (2, 3, n_keys, 4))
    query, key, value = (torch.from_numpy(rng.normal(size=shape)).to(dtype) for shape in shapes)
    return query, key, value


def random_mask(seed: int = 1) -> Tensor:
    """One mask a batch and head; key 0 always takes part, so that no row is empty."""
    mask = torch.from_numpy(np.random.default_rng(seed).random((2, 3, 5, 7)) < 0.5)
    mask[..., 0] = True
    return mask


MASKS = {"none": None, "causal": causal_mask(5, 7), "random": random_mask()}
masked = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())


# The oracle: PyTorch.
@masked
@pytest.mark.parametrize("scaling", [None, 0.3, Fraction(1, 3)])
def test_dot_product_equals_pytorch(mask: Tensor | None, scaling: float | None) -> None:
    query, key, value = vectors()
    output, _ = dot_product_head(Softmax(), scaling=scaling)(query, key, value, mask)
    oracle = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=scaling and float(scaling)
    )
    torch.testing.assert_close(output, oracle)


def test_causal_equals_pytorch_for_as_many_queries_as_keys() -> None:
    query, key, value = vectors(7, 7)
    output = dot_product_head(Softmax())(query, key, value, causal_mask(7, 7)).output
    oracle = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(output, oracle)


def test_causal_mask_continues_a_cache() -> None:
    """The newest queries over all keys give the last rows of the whole sequence."""
    query, key, value = vectors(7, 7)
    head = dot_product_head(Softmax())
    whole = head(query, key, value, causal_mask(7, 7)).output
    newest = head(query[..., -2:, :], key, value, causal_mask(2, 7)).output
    torch.testing.assert_close(newest, whole[..., -2:, :])


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float16, 4e-3), (torch.bfloat16, 3e-2)])
def test_half_precision_equals_pytorch(dtype: torch.dtype, atol: float) -> None:
    """Outputs are about 1; each of scores, weights and sum rounds at 2^-11 (half) or 2^-8 (bfloat16)."""
    query, key, value = vectors(dtype=dtype)
    output, weights = dot_product_head(Softmax())(query, key, value, MASKS["causal"])
    oracle = functional.scaled_dot_product_attention(query, key, value, attn_mask=MASKS["causal"])
    assert output.dtype == weights.dtype == dtype
    torch.testing.assert_close(output, oracle, atol=atol, rtol=0)


def test_half_precision_scales_before_it_multiplies() -> None:
    """q·k = 86 400 is beyond half precision's 65 504; q·k / sqrt(6) is not."""
    query, value = torch.full((2, DIM), 120.0, dtype=torch.float16), torch.eye(2, dtype=torch.float16)
    weights = dot_product_head(Softmax())(query, query, value).weights
    assert torch.equal(weights, torch.full((2, 2), 0.5, dtype=torch.float16))


@masked
def test_gradients_equal_pytorch(mask: Tensor | None) -> None:
    query, key, value = inputs = tuple(x.requires_grad_() for x in vectors())
    output = dot_product_head(Softmax())(query, key, value, mask).output
    oracle = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    ours, theirs = (torch.autograd.grad((x**2).sum(), inputs) for x in (output, oracle))
    torch.testing.assert_close(ours, theirs)


def test_multihead_attention_takes_the_opposite_mask() -> None:
    """nn.MultiheadAttention blocks where its mask is True; with identity projections it is our head."""
    torch_head = torch.nn.MultiheadAttention(DIM, 1, bias=False, batch_first=True).double()
    with torch.no_grad():
        torch_head.in_proj_weight.copy_(torch.eye(DIM).repeat(3, 1))
        torch_head.out_proj.weight.copy_(torch.eye(DIM))
    query, key, _ = (x[:, 0] for x in vectors())
    mask = causal_mask(5, 7)
    oracle, oracle_weights = torch_head(query, key, key, attn_mask=~mask)
    output, weights = dot_product_head(Softmax())(query, key, key, mask)
    torch.testing.assert_close(output, oracle)
    torch.testing.assert_close(weights, oracle_weights)
    as_it_stands, _ = torch_head(query[:, :2], key, key, attn_mask=mask[:2])  # rows that block some keys only
    assert not torch.allclose(output[:, :2], as_it_stands)


# The contract, for every entry of the table and for the score maps lifted to heads.
def head_of(name: str) -> Head:
    head = HEADS[name](DIM, np.random.default_rng(0))
    return head.double() if isinstance(head, torch.nn.Module) else head


CONTRACT: dict[str, Head] = {name: head_of(name) for name in HEADS} | {
    "sparsemax": dot_product_head(Sparsemax()),
    "entmax": dot_product_head(Entmax()),
    "hopfield, 3 steps": HopfieldHead(beta=0.7, n_steps=3),
    "additive, sparsemax": AdditiveHead(
        dim_query=DIM, dim_key=DIM, dim_hidden=9, rng=np.random.default_rng(3), score_map=Sparsemax()
    ).double(),
}
each_head = pytest.mark.parametrize("head", CONTRACT.values(), ids=CONTRACT.keys())


@each_head
@masked
def test_contract_shapes_and_distributions(head: Head, mask: Tensor | None) -> None:
    query, key, value = vectors()
    output, weights = head(query, key, value, mask)
    assert output.shape == (2, 3, 5, 4)
    assert weights.shape == (2, 3, 5, 7)
    assert bool((weights >= 0).all())
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 5, dtype=torch.float64))
    torch.testing.assert_close(output, weights @ value)


@each_head
def test_contract_masked_keys_do_not_exist(head: Head) -> None:
    """Weight 0, no gradient, and the output that the other keys alone would give."""
    query, key, value = (x.requires_grad_() for x in vectors())
    taking_part = torch.tensor([True, False, True, True, False, True, True])
    output, weights = head(query, key, value, taking_part)
    alone = head(query, key[..., taking_part, :], value[..., taking_part, :])
    torch.testing.assert_close(output, alone.output)
    assert bool((weights[..., ~taking_part] == 0).all())
    (output**2).sum().backward()
    for grad in (key.grad, value.grad):
        assert grad is not None
        assert bool((grad[..., ~taking_part, :] == 0).all())
        assert bool((grad[..., taking_part, :] != 0).any())


@each_head
def test_contract_causal_output_never_sees_the_future(head: Head) -> None:
    query, key, value = vectors(7, 7)
    mask = causal_mask(7, 7)
    before = head(query, key, value, mask).output
    key[..., 4:, :] += 3.0
    value[..., 4:, :] -= 5.0
    after = head(query, key, value, mask).output
    assert torch.equal(after[..., :4, :], before[..., :4, :])
    assert not torch.allclose(after[..., 4:, :], before[..., 4:, :])


@each_head
def test_contract_reordering_keys_changes_only_the_order_of_weights(head: Head) -> None:
    query, key, value = vectors()
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    plain = head(query, key, value)
    reordered = head(query, key[..., order, :], value[..., order, :])
    torch.testing.assert_close(reordered.output, plain.output)
    torch.testing.assert_close(reordered.weights, plain.weights[..., order])


@each_head
def test_contract_gradient_agrees_with_finite_differences(head: Head) -> None:
    query, key, value = (x[0, 0].clone().requires_grad_() for x in vectors(2, 3))
    assert torch.autograd.gradcheck(
        lambda q, k, v: tuple(head(q, k, v, causal_mask(2, 3))), (query, key, value), fast_mode=True
    )


@each_head
@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((DIM,), (3, DIM), (3, 4)), "must have a length and a dim each"),
        (((2, DIM), (3, DIM), (4, 4)), "must have the same length, got 3 and 4"),
        (((2, DIM), (3, DIM + 1), (3, 4)), "query and key must have"),
        (((5, 2, DIM), (4, 3, DIM), (4, 3, 4)), "leading dimensions of query, key, value must broadcast"),
        (((2, DIM), (0, DIM), (0, 4)), "at least one key"),
    ],
)
def test_contract_bad_shapes(head: Head, shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    query, key, value = (torch.zeros(shape, dtype=torch.float64) for shape in shapes)
    with pytest.raises(ValueError, match=message):
        head(query, key, value)


@each_head
def test_contract_refuses_a_row_without_keys(head: Head) -> None:
    mask = causal_mask(5, 7).clone()
    mask[2] = False
    with pytest.raises(ValueError, match="6 of 30 rows with all keys masked"):
        head(*vectors(), mask)


def test_unknown_head_lists_the_known() -> None:
    with pytest.raises(ValueError, match="unknown head 'cosine'; known: additive, dot_product, "):
        HEADS["cosine"]


# Heads over other maps.
def test_uniform_head_averages_the_values() -> None:
    query, key, value = vectors()
    output = dot_product_head(Uniform())(query, key, value).output
    torch.testing.assert_close(output, value.mean(-2, keepdim=True).expand_as(output))


def test_hardmax_head_looks_up_the_best_key() -> None:
    query, key, value = vectors()
    best = (query @ key.mT).argmax(-1)
    expected = torch.gather(value, -2, best.unsqueeze(-1).expand(-1, -1, -1, 4))
    torch.testing.assert_close(dot_product_head(Hardmax())(query, key, value).output, expected)


def test_any_callable_of_the_contract_becomes_a_head() -> None:
    """The head hands its map scores and mask as they are, and asks nothing more of it."""
    seen: list[Tensor | None] = []

    def recorded(scores: Tensor, mask: Tensor | None = None) -> Tensor:
        seen.extend([scores, mask])
        return Softmax()(scores, mask)

    score_map: ScoreMap = recorded
    query, key, value = vectors()
    dot_product_head(score_map, scaling=2.0)(query, key, value, MASKS["causal"])
    torch.testing.assert_close(seen[0], 2.0 * query @ key.mT)
    assert seen[1] is MASKS["causal"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DotProductHead(Softmax(), 0.0), "DotProductHead.scaling must be finite and > 0, got 0.0"),
        (lambda: HopfieldHead(beta=-1.0), "HopfieldHead.beta must be finite and > 0, got -1.0"),
        (lambda: HopfieldHead(n_steps=0), "HopfieldHead.n_steps must be >= 1, got 0"),
        (
            lambda: AdditiveHead(dim_query=3, dim_key=0, dim_hidden=2, rng=np.random.default_rng(0)),
            "AdditiveHead.dim_key must be >= 1, got 0",
        ),
    ],
)
def test_bad_parameters(make: Callable[[], Head], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_importing_the_package_does_not_load_torch() -> None:
    code = "import pragmatic, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(hasattr(pragmatic, name) for name in pragmatic.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Softmin'; it has HEADS, "):
        pragmatic.Softmin  # noqa: B018


def test_a_head_takes_query_key_value_and_mask() -> None:
    check_head("head", pragmatic.linear_attention)
    check_head("head", AdditiveHead(dim_query=2, dim_key=2, dim_hidden=2, rng=np.random.default_rng(0)))
    with pytest.raises(TypeError, match=r"head must be callable as pragmatic\.Head, got int"):
        check_head("head", 3)
    with pytest.raises(TypeError, match=r"head 1 must take query, key, value and mask, got a function"):
        check_head("head 1", lambda: None)
