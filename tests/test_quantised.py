"""Softmax weights in whole counts and in few bits: closed forms, limits, masks, the number of lists of counts."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pragmatic import Hardmax, Softmax
from pragmatic.quantised import FewBits, WholeCounts, bits_of_counts

quarters = st.integers(-40, 40).map(lambda n: n / 4)
rows = st.lists(quarters, min_size=1, max_size=6).map(lambda s: torch.tensor([s], dtype=torch.float64))
repeatable = settings(derandomize=True, deadline=None)


def test_counts_by_hand() -> None:
    """4 x (.5, .3, .2) = (2, 1.2, .8): the largest remainder takes the last count."""
    scores = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64).log()
    assert torch.equal(WholeCounts(total=4)(scores), torch.tensor([[2, 1, 1]], dtype=torch.float64) / 4)


@repeatable
@given(rows, st.integers(1, 5))
def test_no_list_of_counts_is_nearer_to_the_softmax(scores: torch.Tensor, total: int) -> None:
    weights, exact = WholeCounts(total=total)(scores)[0], Softmax()(scores)[0]
    n_keys = len(exact)
    lists = [
        torch.bincount(torch.tensor(keys), minlength=n_keys)
        for keys in itertools.combinations_with_replacement(range(n_keys), total)
    ]
    assert len(lists) == pytest.approx(2 ** bits_of_counts(total, n_keys))
    nearest = min(float((counts.double() / total - exact).square().sum()) for counts in lists)
    assert float((weights - exact).square().sum()) == pytest.approx(nearest, abs=1e-12)
    assert float(weights.sum()) == pytest.approx(1)


@repeatable
@given(rows)
def test_many_counts_and_many_bits_are_the_softmax(scores: torch.Tensor) -> None:
    exact = Softmax()(scores)
    torch.testing.assert_close(WholeCounts(total=10**7)(scores), exact, atol=1e-6, rtol=0)
    torch.testing.assert_close(FewBits(bits=24)(scores), exact, atol=1e-6, rtol=0)


def test_one_bit_keeps_keys_within_a_half_of_the_largest() -> None:
    got = FewBits(bits=1)(torch.tensor([[1.0, 0.4, 0.2, -3.0]]))  # exp(-.6) = .55, exp(-.8) = .45
    torch.testing.assert_close(got, torch.tensor([[0.5, 0.5, 0.0, 0.0]]))


def test_one_count_is_hardmax() -> None:
    scores = torch.tensor([[0.3, 2.0, 1.9]])
    assert torch.equal(WholeCounts(total=1)(scores), Hardmax()(scores))


@pytest.mark.parametrize("score_map", [WholeCounts(total=8), FewBits(bits=3)], ids=str)
def test_masked_keys_get_nothing_and_no_gradient_flows(score_map: WholeCounts | FewBits) -> None:
    scores = torch.randn(5, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mask = torch.arange(6) < 4
    weights = score_map(scores, mask)
    assert not weights.requires_grad
    assert float(weights[:, 4:].sum()) == 0
    torch.testing.assert_close(weights[:, :4], score_map(scores[:, :4]))


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"WholeCounts.total must be"):
        WholeCounts(total=0)
    with pytest.raises(ValueError, match=r"FewBits.bits must be"):
        FewBits(bits=0)
    assert bits_of_counts(64, 1) == pytest.approx(0)
    assert bits_of_counts(1, 512) == pytest.approx(math.log2(512))
