"""Comparison with softmax, on a stand-in circuit whose law is known, so that every answer is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from doubles import MultinomialCircuit, softmax

from bridge import compare, compare_scores, compare_selection
from bridge.comparison.bias import halves
from bridge.comparison.metrics import cosine, js_nats, kl_nats, total_variation

WITH_BIAS = ("kl_nats", "js_nats", "total_variation")
ALL = (*WITH_BIAS, "top1_agreement", "rank_correlation")


def scores_of(n_rows: int = 64, n_keys: int = 8, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 1.5, (n_rows, n_keys))


def compared(circuit: MultinomialCircuit, scores: np.ndarray, *, seed: int = 2, **options):
    return compare_scores(scores, circuit, duration_ms=1000, rng=np.random.default_rng(seed), **options)


def test_at_the_exact_law_every_metric_is_at_its_floor() -> None:
    """Within four standard errors of a ratio of 1, five metrics on 256 rows."""
    result = compared(MultinomialCircuit(), scores_of(256))
    for row in result.table():
        assert row.ratio == pytest.approx(1.0, abs=4 * row.ratio_se), row.metric
    for name in WITH_BIAS:  # the others hang on few rows where two keys are close
        assert result[name].summary().ratio_se < 0.1, name


def test_at_the_exact_law_no_bias_remains() -> None:
    """The 95 % interval holds 0 in at least 33 of 40 repeats: chance of fewer 0.1 % at true coverage."""
    hits = dict.fromkeys(WITH_BIAS, 0)
    for seed in range(40):
        result = compared(MultinomialCircuit(), scores_of(40, seed=seed), seed=seed, n_draws=30)
        for name in WITH_BIAS:
            bias = result[name].bias
            hits[name] += bias.low <= 0 <= bias.high
    assert min(hits.values()) >= 33


def test_a_known_bias_is_recovered_from_few_spikes() -> None:
    """softmax(0.9 s) against softmax(s): KL and JS in four errors, total variation in a fifth besides.

    256 rows of 1000 spikes; the distance itself is far off, because it contains the noise.
    """
    scores = scores_of(256)
    target, law = softmax(scores), softmax(0.9 * scores)
    result = compared(MultinomialCircuit(gain=0.9), scores)
    for name, metric, slack in (
        ("kl_nats", kl_nats, 0.05),
        ("js_nats", js_nats, 0.05),
        ("total_variation", total_variation, 0.2),
    ):
        true, row = metric(law, target).mean(), result[name].summary()
        assert row.bias == pytest.approx(true, abs=4 * row.bias_se + slack * true)
        assert row.bias_low > 0
        assert row.spiking - true > 4 * row.se


def test_bursts_raise_the_ratio_but_are_no_bias() -> None:
    """Bursts of 4 double total variation; the spread of the ratio over 256 rows is 2 %."""
    result = compared(MultinomialCircuit(repeats=4, rate_Hz=4000), scores_of(256, 4))
    assert result.excess("total_variation") == pytest.approx(2.0, abs=0.16)
    assert result.fitted.dispersion == pytest.approx(4.0, abs=0.8)
    for name in WITH_BIAS:
        assert result[name].bias.low <= 0 <= result[name].bias.high


def test_the_bias_of_outputs_is_recovered() -> None:
    rng = np.random.default_rng(3)
    query, key, value = 3 * rng.normal(size=(256, 16)), rng.normal(size=(8, 16)), rng.normal(size=(8, 12))
    result = compare(
        query, key, value, MultinomialCircuit(gain=0.8), duration_ms=1000, rng=np.random.default_rng(4)
    )
    scores = query @ key.T / 4
    true = 1 - cosine(softmax(0.8 * scores) @ value, softmax(scores) @ value).mean()
    row = result["cosine"].summary()
    assert row.bias == pytest.approx(true, abs=4 * row.bias_se)
    assert row.bias_low > 0


def test_the_fitted_temperature_is_the_law_that_was_simulated() -> None:
    scores = scores_of()
    warm = MultinomialCircuit(temperature=2.0, gain=0.9)
    own, colder = compared(warm, scores), compared(warm, scores, temperature=1.0)
    assert own.temperature == 2.0
    assert own.fitted.beta == pytest.approx(0.9, abs=4 * own.fitted.beta_se)
    assert colder.fitted.beta == pytest.approx(0.45, abs=4 * colder.fitted.beta_se)
    np.testing.assert_allclose(colder.weights, softmax(scores))


def test_silent_rows_are_flagged_and_enter_no_mean() -> None:
    result = compared(MultinomialCircuit(silent_rows=(0, 5)), scores_of())
    assert result.n_silent == 2
    for metric in result.metrics:
        assert np.flatnonzero(np.isnan(metric.spiking)).tolist() == [0, 5], metric.name
        assert np.isfinite(metric.summary().spiking)
    assert result["kl_nats"].summary().spiking == pytest.approx(np.nanmean(result["kl_nats"].spiking))


def test_masked_keys_take_no_part() -> None:
    """Ragged rows, -inf in the holes; each metric as on the rows' own keys."""
    scores = scores_of(20)
    mask = np.ones(scores.shape, dtype=bool)
    mask[10:, 5:] = False
    result = compared(MultinomialCircuit(), np.where(mask, scores, -np.inf), mask=mask)
    assert np.all(result.selection.counts[~mask] == 0)
    assert np.all(result.weights[~mask] == 0)
    short = kl_nats(result.selection.counts[10:, :5], softmax(scores[10:, :5]))
    np.testing.assert_allclose(result["kl_nats"].spiking[10:], short)


def test_batch_and_heads_become_rows_of_one_simulation_and_back() -> None:
    rng = np.random.default_rng(5)
    query, key = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3, 7, 4))
    value = rng.normal(size=(2, 3, 7, 6))
    mask = rng.random((2, 1, 1, 7)) < 0.8
    mask[..., 0] = True
    circuit = MultinomialCircuit()
    result = compare(query, key, value, circuit, duration_ms=500, rng=rng, mask=mask)
    assert [scores.shape for scores in circuit.calls] == [(30, 7)]
    assert result.shape == (2, 3, 5)
    share = result.selection.weights.reshape(2, 3, 5, 7)
    np.testing.assert_allclose(result.output.reshape(2, 3, 5, 6), share @ value)
    tensors = [torch.from_numpy(a) for a in (query, key, value)]
    reference = torch.nn.functional.scaled_dot_product_attention(*tensors, attn_mask=torch.from_numpy(mask))
    np.testing.assert_allclose(result.reference.reshape(2, 3, 5, 6), reference.numpy(), atol=1e-12)


def test_tensors_and_arrays_give_the_same_comparison() -> None:
    rng = np.random.default_rng(6)
    arrays = [rng.normal(size=(6, 4)) for _ in range(3)]
    tensors = [torch.from_numpy(a).requires_grad_() for a in arrays]
    one, two = (
        compare(*vectors, MultinomialCircuit(), duration_ms=300, rng=np.random.default_rng(7))
        for vectors in (arrays, tensors)
    )
    assert json.dumps(one.summary()) == json.dumps(two.summary())


def test_a_simulation_that_was_run_is_compared_as_one_that_is() -> None:
    scores = scores_of(30)
    whole = compared(MultinomialCircuit(), scores)
    part = compare_selection(whole.selection, scores, temperature=1.0, rng=np.random.default_rng(8))
    for name in ALL:
        np.testing.assert_array_equal(part[name].spiking, whole[name].spiking)
    with pytest.raises(ValueError, match=r"scores must have the selection's shape \(30, 8\)"):
        compare_selection(whole.selection, scores[:5], temperature=1.0, rng=np.random.default_rng(9))


def test_a_single_row_has_values_and_no_standard_error() -> None:
    row = compared(MultinomialCircuit(), scores_of(1))["kl_nats"].summary()
    assert np.isfinite([row.spiking, row.floor, row.bias]).all()
    assert np.isnan([row.se, row.bias_se]).all()


def test_rows_of_one_key_are_perfect_and_have_no_ratio() -> None:
    row = compared(MultinomialCircuit(), np.zeros((4, 1)))["total_variation"].summary()
    assert (row.spiking, row.floor) == (0.0, 0.0)
    assert np.isnan([row.ratio, row.bias]).all()


def test_halves_are_the_earlier_and_the_later_spikes() -> None:
    selection = MultinomialCircuit(rate_Hz=101).attend(
        scores_of(6), duration_ms=1000, rng=np.random.default_rng(10)
    )
    cut = halves(selection.spikes)
    np.testing.assert_array_equal(cut.early + cut.late, selection.counts)
    assert set((cut.early - cut.late).sum(axis=1)) == {1}
    for row in range(6):
        one = selection.spikes.of_row(row)
        middle = np.sort(one.time_ms)[51]
        first = np.bincount(one.key[one.time_ms < middle], minlength=8)
        np.testing.assert_array_equal(cut.early[row], first)


def test_same_generator_same_comparison() -> None:
    one, two = (compared(MultinomialCircuit(), scores_of(12)) for _ in range(2))
    assert json.dumps(one.summary()) == json.dumps(two.summary())


def test_the_table_names_every_metric_beside_its_floor() -> None:
    result = compared(MultinomialCircuit(), scores_of(12))
    assert tuple(row.metric for row in result.table()) == ALL
    text = str(result)
    assert all(name in text for name in ALL)
    assert f"{result['kl_nats'].summary().floor:.4f}" in text
    assert json.loads(json.dumps(result.summary()))["metrics"]["kl_nats"]["floor"] > 0
    with pytest.raises(ValueError, match="metric must be one of kl_nats"):
        result["kl"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": np.ones((5, 3))}, "key must have the query's dim 4, got 3"),
        ({"value": np.ones((6, 2))}, r"value must have one vector per key \(5\), got 6"),
        ({"query": np.ones(4)}, r"query must be \(..., length, dim\)"),
        ({"query": np.full((3, 4), np.nan)}, "query must be finite, got nan"),
        ({"value": np.ones((0, 2))}, "value must be .* no dimension of 0"),
        ({"query": np.ones((2, 3, 4)), "key": np.ones((3, 5, 4))}, "must share leading dimensions"),
        ({"mask": np.ones((2, 5), dtype=bool)}, r"mask must broadcast to the scores' shape \(3, 5\)"),
        ({"mask": np.zeros((3, 5), dtype=bool)}, "at least one key in every row"),
        ({"temperature": 0.0}, "compare.temperature must be > 0, got 0.0"),
        ({"n_draws": 1}, "n_draws must be >= 2, got 1"),
    ],
)
def test_bad_input_is_named(change: dict, message: str) -> None:
    good = {"query": np.ones((3, 4)), "key": np.ones((5, 4)), "value": np.ones((5, 2))}
    with pytest.raises(ValueError, match=message):
        compare(
            **(good | change), circuit=MultinomialCircuit(), duration_ms=100, rng=np.random.default_rng(11)
        )


def test_scores_that_are_no_table_are_refused() -> None:
    for scores in (np.ones(3), np.ones((0, 3)), np.ones((3, 0)), np.ones((2, 0, 3))):
        with pytest.raises(ValueError, match="scores must"):
            compared(MultinomialCircuit(), scores)
