"""Metrics against scipy and by hand, and the sampling floor: analytic against Monte Carlo."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from doubles import softmax
from scipy.spatial.distance import jensenshannon
from scipy.stats import binom, entropy, spearmanr

from bridge.comparison.metrics import (
    cosine,
    js_nats,
    kl_nats,
    rank_correlation,
    top1_agreement,
    total_variation,
)
from bridge.comparison.sampling import kl_floor_nats, sampling_floor, total_variation_floor

ROW_METRICS = [kl_nats, js_nats, total_variation, top1_agreement, rank_correlation]


@pytest.fixture
def weights() -> np.ndarray:
    return softmax(np.random.default_rng(1).normal(0.0, 1.5, (20, 8)))


@pytest.fixture
def counts(weights: np.ndarray) -> np.ndarray:
    return np.random.default_rng(2).multinomial(30, weights)


def test_kl_is_scipys_relative_entropy(counts: np.ndarray, weights: np.ndarray) -> None:
    np.testing.assert_allclose(kl_nats(counts, weights), entropy(counts, weights, axis=1))


def test_js_is_the_square_of_scipys_distance(counts: np.ndarray, weights: np.ndarray) -> None:
    np.testing.assert_allclose(js_nats(counts, weights), jensenshannon(counts, weights, axis=1) ** 2)


def test_rank_correlation_is_scipys_over_the_keys_that_take_part(
    counts: np.ndarray, weights: np.ndarray
) -> None:
    """Counts of 30 spikes on 8 keys tie often, so mid-ranks are tried too."""
    mask = np.random.default_rng(3).random(weights.shape) < 0.7
    mask[:, :3] = True
    expected = [spearmanr(c[m], w[m]).statistic for c, w, m in zip(counts, weights, mask, strict=True)]
    np.testing.assert_allclose(rank_correlation(counts, weights, mask), expected)


def test_total_variation_by_hand() -> None:
    share, weights = (
        np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]),
        np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]]),
    )
    np.testing.assert_allclose(total_variation(share, weights), [0.5, 1.0])


def test_js_between_disjoint_rows_is_log_two() -> None:
    assert js_nats(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(np.log(2))


def test_kl_is_infinite_where_the_target_forbids_the_spike() -> None:
    assert kl_nats(np.array([1, 1]), np.array([1.0, 0.0])) == np.inf
    assert kl_nats(np.array([2, 0]), np.array([1.0, 0.0])) == 0


def test_top1_shares_ties() -> None:
    """Keys 0 and 1 tie for most spikes and only key 0 is wanted; then two wanted keys, one of them wins."""
    share = np.array([[5, 5, 1], [1, 9, 0], [0, 1, 9]])
    weights = np.array([[0.8, 0.1, 0.1], [0.45, 0.45 * (1 + 1e-15), 0.1], [0.5, 0.3, 0.2]])
    np.testing.assert_array_equal(top1_agreement(share, weights), [0.5, 1.0, 0.0])


def test_cosine_of_outputs() -> None:
    output = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(cosine(output, np.array([2.0, 0.0])), [1.0, np.sqrt(0.5), np.nan])


@pytest.mark.parametrize("metric", ROW_METRICS)
def test_a_silent_row_is_nan_never_a_number(metric, weights: np.ndarray, counts: np.ndarray) -> None:
    counts[4] = 0
    values = metric(counts, weights)
    assert np.isnan(values[4])
    assert np.isfinite(np.delete(values, 4)).all()


@pytest.mark.parametrize("metric", ROW_METRICS)
def test_masked_keys_count_for_nothing(metric, weights: np.ndarray, counts: np.ndarray) -> None:
    """Even if something stands there; the same as rows without these keys."""
    mask = np.arange(8) < 5
    expected = metric(counts[:, :5], weights[:, :5])
    np.testing.assert_allclose(metric(counts, weights, mask), expected)


@pytest.mark.parametrize("metric", ROW_METRICS)
def test_leading_dimensions_broadcast(metric, weights: np.ndarray) -> None:
    counts = np.random.default_rng(4).multinomial(30, weights, size=(3, 20))
    np.testing.assert_array_equal(metric(counts, weights)[1], metric(counts[1], weights))


@pytest.mark.parametrize("metric", ROW_METRICS)
def test_perfect_agreement(metric, weights: np.ndarray) -> None:
    perfect = 1.0 if metric in (top1_agreement, rank_correlation) else 0.0
    np.testing.assert_allclose(metric(weights, weights), perfect, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.99])
def test_de_moivres_mean_deviation_is_the_sum_over_the_binomial(n: int, p: float) -> None:
    x = np.arange(n + 1)
    by_sum = np.sum(np.abs(x / n - p) * binom.pmf(x, n, p))
    assert total_variation_floor(np.array([[p, 1 - p]]), np.array([n]))[0] == pytest.approx(by_sum, rel=1e-10)


def test_total_variation_floor_is_what_monte_carlo_finds(weights: np.ndarray) -> None:
    """2000 draws of each of 20 rows, at 5 to 800 spikes; z-scores of mean 0 and spread 1 at 4 errors each."""
    n_spikes = np.linspace(5, 800, 20).astype(int)
    floor = sampling_floor(total_variation, weights, n_spikes, np.random.default_rng(5), 2000)
    z = (floor.mean - total_variation_floor(weights, n_spikes)) / (floor.sd / np.sqrt(2000))
    assert abs(z.mean()) < 4 / np.sqrt(20)
    assert z.std() == pytest.approx(1.0, abs=4 / np.sqrt(40))


def test_total_variation_floor_for_many_spikes_is_the_normal_one(weights: np.ndarray) -> None:
    normal = np.sqrt(weights * (1 - weights) / (2 * np.pi * 1e6)).sum(axis=1)
    np.testing.assert_allclose(total_variation_floor(weights, np.full(20, 10**6)), normal, rtol=1e-4)


def test_kl_floor_is_k_minus_one_over_two_n() -> None:
    """The numbers of the race law for 8 keys, and Monte Carlo at 1000 spikes: sd of a mean of 8000 is 0.6 %."""
    weights = softmax(np.random.default_rng(6).normal(0.0, 1.0, (4, 8)))
    np.testing.assert_allclose(kl_floor_nats(weights, np.full(4, 20)), 0.175)
    floor = sampling_floor(kl_nats, weights, np.full(4, 1000), np.random.default_rng(7), 2000)
    assert floor.mean.mean() == pytest.approx(0.0035, rel=0.025)


def test_floors_count_only_keys_with_weight() -> None:
    weights = np.array([[0.5, 0.5, 0.0]])
    assert kl_floor_nats(weights, np.array([100]))[0] == 1 / 200
    two_keys = total_variation_floor(weights[:, :2], np.array([100]))
    np.testing.assert_allclose(total_variation_floor(weights, np.array([100])), two_keys)
    masked = sampling_floor(
        partial(rank_correlation, mask=weights > 0), weights, np.array([101]), np.random.default_rng(8), 50
    )
    assert np.isnan(masked.mean[0])  # two equal weights have no order


def test_floors_of_silent_rows_are_nan(weights: np.ndarray) -> None:
    n_spikes = np.full(20, 50)
    n_spikes[3] = 0
    floors = [
        kl_floor_nats(weights, n_spikes),
        total_variation_floor(weights, n_spikes),
        sampling_floor(js_nats, weights, n_spikes, np.random.default_rng(9), 10).mean,
    ]
    for floor in floors:
        assert np.flatnonzero(np.isnan(floor)).tolist() == [3]


def test_a_row_with_one_key_has_no_floor_to_clear() -> None:
    weights = np.array([[1.0, 0.0, 0.0]])
    assert total_variation_floor(weights, np.array([40]))[0] == 0
    assert sampling_floor(kl_nats, weights, np.array([40]), np.random.default_rng(10), 5).mean[0] == 0


def test_the_same_generator_gives_the_same_floor(weights: np.ndarray) -> None:
    one, two = (
        sampling_floor(kl_nats, weights, np.full(20, 60), np.random.default_rng(11), 20) for _ in range(2)
    )
    np.testing.assert_array_equal(one.mean, two.mean)


def test_too_few_draws_are_refused(weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match="n_draws must be >= 2, got 1"):
        sampling_floor(kl_nats, weights, np.full(20, 60), np.random.default_rng(12), 1)
