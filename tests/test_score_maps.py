"""Score maps: closed forms, limits, the rules about masks, gradients, errors."""

from __future__ import annotations

import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pragmatic import (
    SCORE_MAPS,
    Divisive,
    Entmax,
    Hardmax,
    Power,
    ScoreMap,
    Softmax,
    Sparsemax,
    TopK,
    Uniform,
    causal_mask,
)

ALL = [
    Softmax(),
    Softmax(temperature=0.3),
    Sparsemax(),
    Entmax(),
    Entmax(alpha=1.0),
    Entmax(alpha=1.2),
    Entmax(alpha=2.5),
    Divisive(),
    Divisive(exponent=1.0, semisaturation=0.2),
    Power(offset=20.0),
    TopK(k=2),
    Hardmax(),
    Uniform(),
]
DIFFERENTIABLE = [m for m in ALL if not isinstance(m, Hardmax | Uniform)]
SHIFT_INVARIANT = [m for m in ALL if not isinstance(m, Divisive | Power)]
each = pytest.mark.parametrize("score_map", ALL, ids=str)

# Quarters are exact in floating point, also after a shift: ties stay ties and no draw lies beside a kink.
quarters = st.integers(-40, 40).map(lambda n: n / 4)
rows = st.lists(quarters, min_size=1, max_size=9).map(lambda s: torch.tensor([s], dtype=torch.float64))
maps = st.sampled_from(ALL)
repeatable = settings(derandomize=True, deadline=None)


def random_scores(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).mul(1.5).to(dtype)


# Closed forms; the three maps' values as printed in the entmax package's documentation and papers.
Z = ([-2.0, 0.0, 0.5], [0.0, 0.25, 0.5, 0.75, 1.0], [1.0, 2.0, 3.0])
PUBLISHED = [
    (Softmax(), Z[0], [0.048611, 0.359188, 0.592201]),
    (Softmax(), Z[1], [0.114051, 0.146444, 0.188038, 0.241445, 0.310022]),
    (Softmax(), Z[2], [0.090031, 0.244728, 0.665241]),
    (Sparsemax(), Z[0], [0.0, 0.25, 0.75]),
    (Sparsemax(), Z[1], [0.0, 0.0, 0.083333, 0.333333, 0.583333]),
    (Sparsemax(), Z[2], [0.0, 0.0, 1.0]),
    (Entmax(alpha=1.5), Z[0], [0.0, 0.326007, 0.673993]),
    (Entmax(alpha=1.5), Z[1], [0.025854, 0.081677, 0.16875, 0.287073, 0.436646]),
    (Entmax(alpha=1.5), Z[2], [0.0, 0.169281, 0.830719]),
]


@pytest.mark.parametrize(("score_map", "scores", "weights"), PUBLISHED)
def test_published_values(score_map: ScoreMap, scores: list[float], weights: list[float]) -> None:
    """Six digits are printed, so 1e-6 holds the rounding of the last."""
    got = score_map(torch.tensor([scores], dtype=torch.float64))
    torch.testing.assert_close(got, torch.tensor([weights], dtype=torch.float64), atol=1e-6, rtol=0)


def test_divisive_by_hand() -> None:
    """r = (0, 1, 2), n = 2, sigma = 1: (0 + 1/3, 1 + 1/3, 4 + 1/3) / 6."""
    got = Divisive(exponent=2.0, semisaturation=1.0)(torch.tensor([[-3.0, 1.0, 2.0]], dtype=torch.float64))
    torch.testing.assert_close(got, torch.tensor([[1 / 18, 4 / 18, 13 / 18]], dtype=torch.float64))


def test_divisive_without_semisaturation_is_the_power_law() -> None:
    got = Divisive(exponent=3.0, semisaturation=0.0)(torch.tensor([[-1.0, 1.0, 2.0]]))
    torch.testing.assert_close(got, torch.tensor([[0.0, 1 / 9, 8 / 9]]))


def test_divisive_at_semisaturation_gives_half_the_weight_to_the_drive() -> None:
    got = Divisive(semisaturation=0.7)(torch.tensor([[0.7, 0.0, -1.0, 0.0]]))
    torch.testing.assert_close(got, torch.tensor([[0.5 + 0.125, 0.125, 0.125, 0.125]]))


def test_divisive_row_that_rectifies_to_zero_is_uniform_over_the_keys_taking_part() -> None:
    mask = torch.tensor([[True, True, False, True]])
    got = Divisive()(torch.tensor([[-1.0, -2.0, 5.0, 0.0]]), mask)
    torch.testing.assert_close(got, torch.tensor([[1 / 3, 1 / 3, 0.0, 1 / 3]]))


def test_divisive_without_semisaturation_refuses_a_row_that_rectifies_to_zero() -> None:
    with pytest.raises(ValueError, match="needs a score > 0 in every row"):
        Divisive(semisaturation=0.0)(torch.tensor([[1.0, 2.0], [-1.0, 0.0]]))


def test_power_is_the_divisive_map_without_semisaturation_and_uniform_without_drive() -> None:
    scores = torch.tensor([[1.0, 2.0, -4.0], [-1.0, -2.0, -4.0]], dtype=torch.float64)
    expected = torch.tensor([[1 / 9, 8 / 9, 0.0], [1 / 3, 1 / 3, 1 / 3]], dtype=torch.float64)
    torch.testing.assert_close(Power(exponent=3.0)(scores), expected)
    torch.testing.assert_close(Divisive(exponent=3.0, semisaturation=0.0)(scores[:1]), expected[:1])
    torch.testing.assert_close(Power(offset=1.0, exponent=3.0)(scores - 1.0), expected)


def test_top_k_is_softmax_over_the_largest() -> None:
    got = TopK(k=2, temperature=0.5)(torch.tensor([[3.0, -1.0, 2.0, 0.0]]))
    first = 1 / (1 + math.exp(-2.0))
    torch.testing.assert_close(got, torch.tensor([[first, 0.0, 1 - first, 0.0]]))


def test_top_k_keeps_ties_with_the_kth() -> None:
    got = TopK(k=2)(torch.tensor([[1.0, 0.0, 1.0, 1.0]]))
    torch.testing.assert_close(got, torch.tensor([[1 / 3, 0.0, 1 / 3, 1 / 3]]))


def test_hardmax_shares_ties() -> None:
    got = Hardmax()(torch.tensor([[2.0, 1.0, 2.0], [0.0, 5.0, 1.0]]))
    assert torch.equal(got, torch.tensor([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]))


# Where theory says that two maps are one.
@repeatable
@given(rows)
def test_top_1_is_hardmax(scores: Tensor) -> None:
    torch.testing.assert_close(TopK(k=1)(scores), Hardmax()(scores))


@repeatable
@given(rows)
def test_top_k_of_all_keys_is_softmax(scores: Tensor) -> None:
    torch.testing.assert_close(TopK(k=scores.shape[-1])(scores), Softmax()(scores))


@repeatable
@given(rows)
def test_entmax_ends_at_softmax_and_sparsemax(scores: Tensor) -> None:
    torch.testing.assert_close(Entmax(alpha=1.0)(scores), torch.softmax(scores, -1))
    torch.testing.assert_close(Entmax(alpha=2.0)(scores), Sparsemax()(scores))


def test_entmax_is_continuous_in_alpha_at_its_special_cases() -> None:
    """Bisection beside 1, 1.5 and 2 meets the exact algorithms there: to first order in the distance 1e-5."""
    scores = random_scores(50, 6)
    for alpha in (1.0, 1.5, 2.0):
        exact, beside = Entmax(alpha=alpha)(scores), Entmax(alpha=alpha + 1e-5)(scores)
        torch.testing.assert_close(beside, exact, atol=1e-4, rtol=0)


@repeatable
@given(rows)
def test_softmax_tends_to_hardmax_and_to_uniform(scores: Tensor) -> None:
    """Scores differ by 0.25 or more, so at T = 0.005 the losers weigh at most exp(-50) each."""
    torch.testing.assert_close(Softmax(temperature=0.005)(scores), Hardmax()(scores))
    torch.testing.assert_close(Softmax(temperature=1e9)(scores), Uniform()(scores))


# Properties.
@repeatable
@given(rows, maps)
def test_rows_are_distributions(scores: Tensor, score_map: ScoreMap) -> None:
    weights = score_map(scores)
    assert weights.shape == scores.shape
    assert bool((weights >= 0).all())
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, dtype=torch.float64))


@repeatable
@given(rows, maps, st.data())
def test_permuting_keys_permutes_weights(scores: Tensor, score_map: ScoreMap, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(scores.shape[-1])))
    torch.testing.assert_close(score_map(scores[:, order]), score_map(scores)[:, order], atol=1e-9, rtol=1e-7)


@repeatable
@given(rows, st.sampled_from(SHIFT_INVARIANT), st.integers(-1000, 1000))
def test_shifting_a_row_changes_nothing(scores: Tensor, score_map: ScoreMap, shift: int) -> None:
    torch.testing.assert_close(score_map(scores + shift), score_map(scores), atol=1e-9, rtol=1e-7)


@repeatable
@given(rows, maps)
def test_a_larger_score_never_weighs_less(scores: Tensor, score_map: ScoreMap) -> None:
    by_score = score_map(scores)[0][scores[0].argsort()]
    assert bool((by_score.diff() >= -1e-12).all())


# Gradients and precision.
@pytest.mark.parametrize("score_map", DIFFERENTIABLE, ids=str)
def test_gradient_agrees_with_finite_differences(score_map: ScoreMap) -> None:
    """Seeded rows far enough (> 1e-3) from the kinks of the sparse maps for the check's step of 1e-6."""
    scores = random_scores(2, 3, 5, seed=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: score_map(s, causal_mask(3, 5)), (scores,), fast_mode=True)


@pytest.mark.parametrize("score_map", [Hardmax(), Uniform()], ids=str)
def test_piecewise_constant_maps_carry_no_gradient(score_map: ScoreMap) -> None:
    assert not score_map(random_scores(2, 4).requires_grad_()).requires_grad


@each
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float16, 1e-3), (torch.bfloat16, 8e-3)])
def test_half_precision_rounds_only_the_result(score_map: ScoreMap, dtype: torch.dtype, atol: float) -> None:
    """Tolerances are two units in the last place of a weight near 1 (2^-11 and 2^-8 each)."""
    scores = random_scores(20, 7, dtype=dtype)
    weights = score_map(scores)
    assert weights.dtype == dtype
    torch.testing.assert_close(weights.double(), score_map(scores.double()), atol=atol, rtol=0)


@each
def test_large_scores_do_not_overflow(score_map: ScoreMap) -> None:
    weights = score_map(torch.tensor([[3e38, 0.0, -3e38], [1e30, 1e30, -1e30]]))
    assert bool(weights.isfinite().all())
    torch.testing.assert_close(weights.sum(-1), torch.ones(2))


# Errors.
@each
@pytest.mark.parametrize(
    ("scores", "mask", "error", "message"),
    [
        (
            torch.zeros(2, 3),
            torch.tensor([[True], [False]]),
            ValueError,
            r"1 of 2 rows .* \(first at \(1,\)\)",
        ),
        (torch.full((2, 3), -math.inf), None, ValueError, "every row must have a key that takes part"),
        (torch.tensor([[0.0, math.nan]]), None, ValueError, "scores must be finite"),
        (torch.tensor([[0.0, math.inf]]), None, ValueError, "scores must be finite"),
        (torch.zeros(2, 0), None, ValueError, r"at least one key.*got shape \(2, 0\)"),
        (torch.tensor(1.0), None, ValueError, "at least one key"),
        (torch.zeros(2, 3), torch.ones(2, 4, dtype=torch.bool), ValueError, r"\(2, 3\), got \(2, 4\)"),
        (torch.zeros(3), torch.ones(2, 3, dtype=torch.bool), ValueError, r"\(3,\), got \(2, 3\)"),
        (torch.zeros(2, 3), torch.ones(2, 3), TypeError, "mask must be a bool tensor.*got torch.float32"),
        (torch.zeros(2, 3, dtype=torch.int64), None, TypeError, "floating-point tensor, got torch.int64"),
        ([[0.0, 1.0]], None, TypeError, "floating-point tensor, got list"),
    ],
)
def test_bad_input(score_map: ScoreMap, scores: Tensor, mask: Tensor, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        score_map(scores, mask)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("softmax", {"temperature": -1.0}, "Softmax.temperature must be finite and > 0, got -1.0; use"),
        ("softmax", {"temperature": 0.0}, "Softmax.temperature"),
        ("softmax", {"temperature": math.nan}, "Softmax.temperature"),
        ("softmax", {"temperature": math.inf}, "Softmax.temperature"),
        ("entmax", {"alpha": 0.9}, "Entmax.alpha must be finite and >= 1, got 0.9"),
        ("entmax", {"alpha": math.inf}, "Entmax.alpha"),
        ("divisive", {"exponent": 0.5}, "Divisive.exponent must be finite and >= 1, got 0.5"),
        ("divisive", {"semisaturation": -1.0}, "Divisive.semisaturation must be finite and >= 0, got -1.0"),
        ("power", {"exponent": 0.0}, "Power.exponent must be finite and > 0, got 0.0"),
        ("power", {"offset": math.inf}, "Power.offset must be finite, got inf; use 0.0"),
        ("top_k", {"k": 0}, "TopK.k must be >= 1, got 0"),
        ("top_k", {"k": 2, "temperature": 0.0}, "TopK.temperature"),
    ],
)
def test_bad_parameters(name: str, parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SCORE_MAPS[name](**parameters)


def test_k_must_be_whole() -> None:
    with pytest.raises(TypeError, match=r"TopK\.k must be a whole number, got 2.0"):
        TopK(k=2.0)  # type: ignore[arg-type]


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(
        ValueError,
        match=r"unknown score map 'softmin'; did you mean 'softmax'\? known: divisive",
    ):
        SCORE_MAPS["softmin"]


def test_the_table_names_every_map() -> None:
    assert {type(m) for m in ALL} == set(SCORE_MAPS.values())


@each
def test_maps_travel_between_processes(score_map: ScoreMap) -> None:
    assert pickle.loads(pickle.dumps(score_map)) == score_map
