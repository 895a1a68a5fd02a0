"""Selection laws on spike counts: estimates, errors, dispersion, ranking, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import entmax
import numpy as np
import pytest
import torch
from doubles import softmax
from scipy.optimize import minimize_scalar

from bridge import LAWS, fit, fit_softmax
from bridge.laws.counted import CountedRows
from bridge.laws.likelihood import row_log_likelihood, standard_errors

TRUTHS = {
    "softmax": (0.9, 0.02),
    "entmax": (0.9, 1.5, 0.02),
    "power": (4.0, 3.0, 0.02),
    "linear": (2.0, 0.02),
    "top-k": (0.9, 5.0, 0.02),
    "uniform": (),
}


def scores_of(n_rows: int, n_keys: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 1.5, (n_rows, n_keys))


def counts_of(law: str, scores: np.ndarray, n_spikes: int = 500, seed: int = 2) -> np.ndarray:
    present = np.ones(scores.shape, dtype=bool)
    weights = LAWS[law].probability(np.array(TRUTHS[law]), scores, present)
    return np.random.default_rng(seed).multinomial(n_spikes, weights)


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return scores_of(64, 16)


@pytest.fixture(scope="module")
def counts(scores: np.ndarray) -> np.ndarray:
    return np.random.default_rng(2).multinomial(500, softmax(0.9 * scores))


def test_newton_finds_what_scipy_finds(scores: np.ndarray, counts: np.ndarray) -> None:
    """The maximum of the same likelihood, written out, by another optimiser."""
    found = minimize_scalar(lambda b: -np.sum(counts * np.log(softmax(b * scores))), bracket=(0.5, 1.5))
    assert fit_softmax(counts, scores).beta == pytest.approx(found.x, rel=1e-6)
    assert fit_softmax(counts, scores).log_likelihood_per_spike == pytest.approx(-found.fun / counts.sum())


def test_the_error_of_beta_is_its_spread_over_repeats(scores: np.ndarray) -> None:
    """400 repeats give the spread to 1 / sqrt(800) = 3.5 %, so four times that is 14 %."""
    rng = np.random.default_rng(3)
    fits = [fit_softmax(rng.multinomial(100, softmax(scores)), scores) for _ in range(400)]
    z = np.array([(f.beta - 1.0) / f.beta_se for f in fits])
    assert z.std() == pytest.approx(1.0, abs=0.14)
    assert abs(z.mean()) < 4 / np.sqrt(400) + 0.1  # 0.1: the estimate's bias of order 1 / spikes


def test_scores_in_other_units_give_beta_in_other_units(scores: np.ndarray, counts: np.ndarray) -> None:
    plain, scaled = fit_softmax(counts, scores), fit_softmax(counts, 40 * scores - 7)
    assert scaled.beta == pytest.approx(plain.beta / 40, rel=1e-8)
    assert scaled.beta_se == pytest.approx(plain.beta_se / 40, rel=1e-8)


def test_masked_keys_are_as_if_absent(scores: np.ndarray) -> None:
    """Half the rows have 10 keys; NaN and -inf stand where the others would be."""
    mask = np.ones(scores.shape, dtype=bool)
    mask[32:, 10:] = False
    counts = np.random.default_rng(4).multinomial(300, softmax(scores, mask))
    holes = np.where(mask, scores, np.nan)
    holes[40, 12] = -np.inf
    whole = fit_softmax(counts, holes, mask)
    parts = [fit_softmax(counts[:32], scores[:32]), fit_softmax(counts[32:, :10], scores[32:, :10])]
    precision = np.array([p.beta_se**-2 for p in parts])
    together = np.sum([p.beta * w for p, w in zip(parts, precision, strict=True)]) / precision.sum()
    assert whole.beta == pytest.approx(together, abs=0.02 * whole.beta_se)  # 0.02: beyond the parabola
    for name in ("softmax", "power", "top-k", "entmax"):
        report = fit(counts, holes, mask, laws=[name])
        weights = report[name].weights(holes, mask)
        assert np.all(weights[~mask] == 0)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0)


def test_silent_and_one_key_rows_are_left_out_and_counted(scores: np.ndarray, counts: np.ndarray) -> None:
    mask = np.ones((68, 16), dtype=bool)
    mask[66:, 1:] = False
    more_scores = np.vstack([scores, scores[:4] + 3])
    more_counts = np.vstack([counts, np.zeros((4, 16), dtype=int)])
    more_counts[66:, 0] = 200
    plain, more = fit_softmax(counts, scores), fit_softmax(more_counts, more_scores, mask)
    assert (more.n_rows, more.n_silent, more.n_single, more.n_spikes) == (64, 2, 2, counts.sum())
    assert (more.beta, more.dispersion) == (plain.beta, plain.dispersion)
    report = fit(more_counts, more_scores, mask, laws=["softmax"])
    assert (report.n_rows, report.n_silent, report.n_single) == (64, 2, 2)


@pytest.mark.parametrize("burst", [1, 3])
def test_dispersion_is_the_length_of_bursts(scores: np.ndarray, burst: int) -> None:
    """Its spread is about sqrt(2 / degrees of freedom) = 4.6 % at 64 rows of 16 keys; four times that."""
    counts = burst * np.random.default_rng(5).multinomial(400, softmax(scores))
    found = fit_softmax(counts, scores)
    assert found.dispersion == pytest.approx(burst, rel=0.18)
    assert found.beta_se_quasi == pytest.approx(found.beta_se * np.sqrt(found.dispersion))


def test_spikes_more_regular_than_chance_have_dispersion_below_one(scores: np.ndarray) -> None:
    assert fit_softmax(np.round(1000 * softmax(scores)), scores).dispersion < 0.05


def test_dispersion_is_one_when_most_keys_expect_no_spike() -> None:
    """Sparse counts: 8 spikes over 64 keys. 400 rows give the mean to a few per cent."""
    scores = scores_of(400, 64)
    counts = np.random.default_rng(6).multinomial(8, softmax(scores))
    assert fit_softmax(counts, scores).dispersion == pytest.approx(1.0, abs=0.2)


def test_where_beta_has_no_finite_value() -> None:
    scores = np.array([[0.0, 1.0, 2.0], [2.0, 0.0, 1.0]])
    winners = 5 * np.eye(3, dtype=int)[[2, 0]]
    losers = 5 * np.eye(3, dtype=int)[[0, 1]]
    assert fit_softmax(winners, scores).beta == np.inf
    assert fit_softmax(losers, scores).beta == -np.inf
    assert np.isnan(fit_softmax(winners, np.ones((2, 3))).beta)
    assert np.isnan(fit_softmax(0 * winners, scores).beta)
    assert fit(winners, scores, laws=["softmax"]).best["beta"].value > 5  # bounded, not lost


@pytest.mark.parametrize("name", ["softmax", "entmax", "power", "linear", "top-k"])
def test_each_law_recovers_its_own_parameters(name: str, scores: np.ndarray) -> None:
    """Within four standard errors, a whole number exactly; and no law predicts better than the true one."""
    report = fit(counts_of(name, scores), scores)
    for estimate, true in zip(report[name].estimates, TRUTHS[name], strict=True):
        if estimate.name == "k":
            assert estimate.value == true
        else:
            assert estimate.value == pytest.approx(true, abs=4 * estimate.se), estimate.name
    assert report[name].behind <= 2 * report[name].behind_se
    assert report[name].dispersion == pytest.approx(1.0, abs=0.2)


def test_wrong_laws_are_told_from_the_right_one(scores: np.ndarray) -> None:
    """Softmax counts: linear and uniform lie behind by far more than their error."""
    report = fit(counts_of("softmax", scores), scores)
    assert report.best.law.name in {"softmax", "top-k", "entmax"}  # the last two contain it
    for name in ("linear", "uniform"):
        assert report[name].behind > 5 * report[name].behind_se > 0
    assert report["uniform"].dispersion > 5


def test_ranking_is_by_what_held_out_rows_say(scores: np.ndarray) -> None:
    report = fit(counts_of("entmax", scores), scores)
    heldout = [fitted.heldout for fitted in report.laws]
    assert heldout == sorted(heldout, reverse=True)
    assert all(fitted.heldout <= fitted.log_likelihood + fitted.heldout_se for fitted in report.laws)


def test_a_held_out_row_takes_no_part_in_the_fit_that_judges_it() -> None:
    """Against the leave-one-out by hand: few rows and spikes, so that each row moves beta by much."""
    scores = scores_of(5, 4)
    counts = counts_of("softmax", scores, n_spikes=12)
    report = fit(counts, scores, laws=["softmax"])
    nats, law = 0.0, LAWS["softmax"]
    for row in range(5):
        rest = np.arange(5) != row
        elsewhere = fit(counts[rest], scores[rest], laws=["softmax"]).best
        alone = CountedRows.of(counts[[row]], scores[[row]])
        parameters = np.array([e.value for e in elsewhere.estimates])
        nats += row_log_likelihood(law, parameters, alone).sum()
    assert report.best.heldout == pytest.approx(nats / counts.sum(), abs=1e-5)
    assert (
        report.best.heldout < report.best.log_likelihood - 1e-3
    )  # what the fit to the same rows would claim


def test_no_law_beats_saturation_and_the_true_law_reaches_the_ceiling() -> None:
    """At 4000 spikes on 6 keys Miller's correction is good to well under the error."""
    scores = scores_of(200, 6)
    weights = softmax(scores)
    report = fit(np.random.default_rng(7).multinomial(4000, weights), scores)
    entropy = -np.sum(weights * np.log(weights), axis=1).mean()
    assert all(fitted.log_likelihood < report.saturated for fitted in report.laws)
    assert report.ceiling == pytest.approx(-entropy, abs=4 / np.sqrt(200 * 4000))
    assert report["softmax"].heldout == pytest.approx(report.ceiling, abs=1e-3)


def test_errors_of_a_law_are_the_curvature_of_its_likelihood(scores: np.ndarray, counts: np.ndarray) -> None:
    """The Fisher information, by differences of probabilities, against second differences of the likelihood."""
    law, rows = LAWS["softmax"], CountedRows.of(counts, scores)
    best = fit(counts, scores, laws=["softmax"]).best
    at = np.array([best["beta"].value, 0.05])

    def curvature(i: int, j: int, h: float = 1e-3) -> float:
        steps = [(a, b) for a in (h, -h) for b in (h, -h)]
        values = [
            np.sign(a * b) * expected_log_likelihood(at + a * np.eye(2)[i] + b * np.eye(2)[j])
            for a, b in steps
        ]
        return -sum(values) / (4 * h * h)

    target = law.probability(at, rows.scores, rows.mask)

    def expected_log_likelihood(parameters: np.ndarray) -> float:
        logs = law.log_probability(parameters, rows.scores, rows.mask)
        return float(np.sum(rows.n_spikes[:, None] * target * logs))

    hessian = np.array([[curvature(i, j) for j in range(2)] for i in range(2)])
    expected = np.sqrt(np.diag(np.linalg.inv(hessian)))
    np.testing.assert_allclose(standard_errors(law, at, rows), expected, rtol=1e-2)


@pytest.mark.parametrize("alpha", [1.05, 1.5, 2.0, 2.5])
def test_entmax_is_the_entmax_of_its_library(alpha: float) -> None:
    scores = scores_of(50, 12)
    mask = np.random.default_rng(8).random(scores.shape) < 0.7
    mask[:, 0] = True
    ours = LAWS["entmax"].choice(scores, mask, 0.8, alpha)
    far_below = torch.from_numpy(np.where(mask, 0.8 * scores, -1e9))
    theirs = entmax.entmax_bisect(far_below, alpha=alpha, n_iter=100).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_laws_that_contain_one_another_agree_where_they_meet(scores: np.ndarray) -> None:
    present = np.ones(scores.shape, dtype=bool)
    plain = LAWS["softmax"].choice(scores, present, 0.7)
    np.testing.assert_allclose(LAWS["top-k"].choice(scores, present, 0.7, 16), plain)
    np.testing.assert_allclose(LAWS["entmax"].choice(scores, present, 0.7, 1 + 1e-5), plain, atol=1e-4)
    np.testing.assert_allclose(LAWS["power"].choice(scores, present, 7e4, 0.7 * 7e4), plain, atol=1e-3)
    linear = LAWS["linear"].choice(scores, present, 1.0)
    np.testing.assert_allclose(linear, LAWS["power"].choice(scores, present, 1.0, 1.0))
    rectified = np.maximum(scores + 1, 0)
    np.testing.assert_allclose(linear, rectified / rectified.sum(axis=1, keepdims=True))


def test_a_row_without_drive_is_uniform_over_its_keys() -> None:
    mask = np.array([[True, True, False]])
    weights = LAWS["power"].choice(np.array([[-3.0, -4.0, 9.0]]), mask, 1.0, 2.0)
    np.testing.assert_array_equal(weights, [[0.5, 0.5, 0.0]])


def test_a_tie_at_the_last_place_of_top_k_lets_both_in() -> None:
    weights = LAWS["top-k"].choice(np.array([[2.0, 1.0, 1.0, 0.0]]), np.ones((1, 4), dtype=bool), 1.0, 2.0)
    np.testing.assert_allclose(weights, softmax(np.array([[2.0, 1.0, 1.0, -np.inf]])))


def test_a_stray_spike_on_a_key_of_probability_zero_costs_finitely_much(scores: np.ndarray) -> None:
    counts = counts_of("entmax", scores)
    counts[0, np.argmin(scores[0])] += 1
    assert np.isfinite(fit(counts, scores, laws=["entmax"]).best.heldout)


def test_permuting_keys_within_rows_changes_nothing(scores: np.ndarray, counts: np.ndarray) -> None:
    order = np.random.default_rng(9).permuted(np.tile(np.arange(16), (64, 1)), axis=1)
    shuffled = fit(np.take_along_axis(counts, order, 1), np.take_along_axis(scores, order, 1))
    for fitted in fit(counts, scores).laws:
        assert shuffled[fitted.law.name].heldout == pytest.approx(fitted.heldout, abs=1e-6)


def test_one_row_is_fitted_and_ranked_without_held_out_numbers() -> None:
    scores = scores_of(1, 8)
    report = fit(np.random.default_rng(10).multinomial(2000, softmax(scores)), scores)
    assert np.isnan(report.best.heldout)
    assert report["softmax"]["beta"].value == pytest.approx(1.0, abs=4 * report["softmax"]["beta"].se)


def test_large_inputs_are_fitted_as_well_as_small_ones() -> None:
    """800 rows of 32 keys: the search starts on some of the rows and ends on all."""
    scores = scores_of(800, 32)
    counts = counts_of("top-k", scores, n_spikes=100)
    report = fit(counts, scores, laws=["softmax", "top-k"])
    assert report.best["k"].value == 5
    assert report.best["beta"].value == pytest.approx(0.9, abs=4 * report.best["beta"].se)
    rows = CountedRows.of(counts, scores)
    values = np.array([e.value for e in report.best.estimates])
    reached = row_log_likelihood(report.best.law, values, rows).sum()
    true = row_log_likelihood(report.best.law, np.array(TRUTHS["top-k"]), rows).sum()
    assert reached >= true  # a maximum is above the truth


def test_tensors_are_taken_like_arrays(scores: np.ndarray, counts: np.ndarray) -> None:
    tensor = torch.from_numpy(scores).requires_grad_()
    assert fit_softmax(torch.from_numpy(counts), tensor).beta == fit_softmax(counts, scores).beta


def test_a_report_is_ready_for_json_and_for_the_eye(scores: np.ndarray, counts: np.ndarray) -> None:
    report = fit(counts, scores)
    assert json.loads(json.dumps(report.summary()))["laws"][0]["name"] == report.best.law.name
    assert all(name in str(report) for name in LAWS)


def test_names_load_at_first_use_and_stay_functions() -> None:
    """Whatever is imported first, `bridge.fit` is the function; importing the package loads no library."""
    program = (
        "import sys, bridge; assert not {'torch', 'scipy', 'brian2'} & set(sys.modules);"
        "import bridge.laws.fitting, bridge.comparison.versus_softmax, bridge.laws.softmax_fit;"
        "from bridge import fit, compare; assert callable(fit) and callable(compare) and callable(bridge.fit);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_unknown_name_lists_the_known_ones(scores: np.ndarray, counts: np.ndarray) -> None:
    import bridge

    with pytest.raises(AttributeError, match="fit_softmax"):
        _ = bridge.fti
    with pytest.raises(ValueError, match="law must be one of softmax, entmax"):
        fit(counts, scores, laws=["softmx"])
    report = fit(counts, scores, laws=["softmax"])
    with pytest.raises(ValueError, match="parameter must be one of beta, lapse"):
        report.best["gamma"]
    with pytest.raises(ValueError, match="law must be one of softmax"):
        report["linear"]
    with pytest.raises(ValueError, match="at least one law"):
        fit(counts, scores, laws=[])


@pytest.mark.parametrize(
    ("counts", "scores", "mask", "message"),
    [
        ([[0.5, 0.5]], [[1.0, 2.0]], None, "counts must be whole numbers >= 0, got 0.5; pass spike counts"),
        ([[-1, 3]], [[1.0, 2.0]], None, "counts must be whole numbers >= 0"),
        ([[1e17, 3]], [[1.0, 2.0]], None, r"counts must be at most 2\*\*53, .*got 1e\+17"),
        ([[1, 2, 3]], [[1.0, 2.0]], None, r"counts must have the shape of scores \(1, 2\)"),
        ([[1, 2]], [[1.0, np.nan]], None, "scores must be finite"),
        ([[1, 2]], [[1.0, 2.0]], [[True, False]], "counts must be 0 where mask is False"),
        ([[1, 2]], [[1.0, 2.0]], [[False, False]], "at least one key in every row"),
        ([[0, 0]], [[1.0, 2.0]], None, "a row with a spike and at least two keys, got 1 silent"),
    ],
)
def test_bad_input_is_named(counts: list, scores: list, mask: list | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(np.array(counts), np.array(scores), None if mask is None else np.array(mask))
