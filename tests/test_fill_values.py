"""A score far below its row's maximum is a masked key: to circuits, comparisons and fits, which all end."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge import Comparison, SpikingScoreMap, compare_scores, fit, fit_softmax
from bridge.laws.counted import CountedRows
from bridge.laws.depletion import FittedLaw, fit_law
from bridge.laws.softmax_fit import newton_beta
from scenarios.workbench.execute import run_scenario
from spiking import Budget, GammaCircuit, GammaParams
from spiking.fill import taking_part

FILLS = [
    -1e3,
    -1e4,
    float(np.finfo(np.float16).min),
    -1e9,
    float(np.finfo(np.float32).min),
    np.finfo(float).min,
]


def rows(fill: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of rows with 3 to 12 keys, `fill` in the place of the others, and the mask that says the same."""
    rng = np.random.default_rng(0)
    mask = np.arange(12) < rng.integers(3, 13, 60)[:, None]
    return np.where(mask, rng.normal(0, 1.5, mask.shape), fill), mask


@cache
def with_mask() -> Comparison:
    scores, mask = rows(0.0)
    return compare_scores(scores, GammaCircuit(), duration_ms=300, rng=np.random.default_rng(1), mask=mask)


@pytest.mark.parametrize("fill", FILLS)
def test_a_fill_value_compares_as_a_mask(fill: float) -> None:
    """Spike for spike: -1e3 up to the lowest double, on which the search for beta never ended."""
    scores, mask = rows(fill)
    with pytest.warns(UserWarning, match=f"{(~mask).sum()} of 720 scores lie .* masked keys; pass mask="):
        compared = compare_scores(scores, GammaCircuit(), duration_ms=300, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(compared.selection.mask, mask)
    np.testing.assert_array_equal(compared.selection.counts, with_mask().selection.counts)
    assert compared.fitted == with_mask().fitted
    assert compared.fitted.beta == pytest.approx(1, abs=5 * compared.fitted.beta_se_quasi)


@pytest.mark.parametrize("fill", [-1e3, -1e9, np.finfo(float).min])
def test_laws_are_fitted_to_the_keys_that_take_part(fill: float) -> None:
    """Softmax was 0.3 nats behind a power law at -1e3, and top-k won at -1e9."""
    scores, mask = rows(fill)
    counts = with_mask().selection.counts
    laws = ("softmax", "top-k", "linear", "uniform")
    with pytest.warns(UserWarning, match="masked keys"):
        filled = fit(counts, scores, laws=laws)
    masked = fit(counts, scores, mask, laws=laws)
    assert str(filled) == str(masked)
    assert filled["softmax"].behind < 3 * filled["softmax"].behind_se + 1e-6


def test_scores_of_many_units_are_scores() -> None:
    """At a temperature of 100 a key 1000 below the maximum still gets its share; so does one among many steps."""
    steps = np.array([[0.0, -20.0, -150.0, -900.0, -5000.0]])
    assert taking_part(np.array([[0.0, -1000.0]]), None, temperature=100.0).all()
    assert taking_part(steps, None).all()
    spiked = np.array([[5, 0, 0, 0, 1]])
    assert taking_part(steps * [1, 1, 1, 1, 1e3], None, counts=spiked).all()
    with pytest.warns(UserWarning, match="1 of 2 scores"):
        assert not taking_part(np.array([[0.0, -1000.0]]), None).all()


def test_mean_inhibition_leaves_fill_values_out() -> None:
    """The mean of a row with -1e9 in it would drive every other key by +1e8."""
    scores, mask = rows(-1e9)
    circuit = GammaCircuit(GammaParams(feedforward="mean"))
    with pytest.warns(UserWarning, match="masked keys"):
        filled = circuit.attend(scores, duration_ms=100, rng=np.random.default_rng(2))
    masked = circuit.attend(scores, duration_ms=100, rng=np.random.default_rng(2), mask=mask)
    np.testing.assert_array_equal(filled.counts, masked.counts)


def test_a_score_map_takes_fill_values_for_a_mask() -> None:
    scores, mask = rows(-1e9)
    made = [
        SpikingScoreMap(GammaCircuit(), Budget(spikes=64), np.random.default_rng(3), record="counts")
        for _ in range(2)
    ]
    with pytest.warns(UserWarning, match="masked keys"):
        filled = made[0](torch.from_numpy(scores))
    assert torch.equal(filled, made[1](torch.from_numpy(scores), torch.from_numpy(mask)))


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1.0, 1e3, 1e25])
def test_beta_is_in_units_of_the_scores(scale: float) -> None:
    """The search runs on scores of size 1, so that no square of a score overflows or vanishes."""
    scores, mask = rows(0.0)
    counts = with_mask().selection.counts
    fitted, plain = (fit_softmax(counts, scores * s, mask) for s in (scale, 1.0))
    assert fitted.beta * scale == pytest.approx(plain.beta, rel=1e-8)
    assert fitted.beta_se * scale == pytest.approx(plain.beta_se, rel=1e-8)


@pytest.mark.parametrize("scale", [1e-300, 1e-7, 1e7, 1e24])
def test_laws_are_not_told_apart_at_any_size(scale: float) -> None:
    """Their searches step and stop at the size of usual scores; elsewhere they ended on a wrong law."""
    scores, mask = rows(0.0)
    with pytest.raises(
        ValueError, match=r"scores must spread by 1e-05 to 100000 within rows .* multiply them"
    ):
        fit(with_mask().selection.counts, scores * scale, mask)


def test_scores_beyond_every_unit_are_refused() -> None:
    """Spread over many sizes, so that none is a fill value."""
    scores = -np.geomspace(1, 1e300, 400)[None]
    with pytest.raises(
        ValueError, match=r"scores must lie within \+-1e\+30, got one of size 1e\+300; divide"
    ):
        taking_part(scores, None)


def test_every_search_for_beta_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A likelihood that is nan everywhere, which was halved for ever: both searches stop where they began."""
    import bridge.laws.depletion
    import bridge.laws.softmax_fit

    scores, mask = rows(0.0)
    counted = CountedRows.of(with_mask().selection.counts, scores, mask)
    monkeypatch.setattr(bridge.laws.softmax_fit, "_log_likelihood", lambda *_: np.nan)
    assert newton_beta(counted) == 0
    monkeypatch.undo()
    monkeypatch.setattr(bridge.laws.depletion, "_log_likelihood", lambda *_: np.nan)

    def counts(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
        share = FittedLaw(beta=1.0).weights(torch.from_numpy(np.where(mask, scores, -np.inf))).numpy()
        return np.random.default_rng(4).multinomial(50, share)

    assert fit_law(counts, np.random.default_rng(5), n_rows_each=4).depletion == 0


def test_the_report_says_how_many_keys_take_no_part(tmp_path: Path) -> None:
    from scenarios.compare_file import Params

    scores, mask = rows(-1e9)
    np.save(tmp_path / "scores.npy", scores[:8])
    params = Params(scores=str(tmp_path / "scores.npy"), duration_ms=100.0, n_cells=10)
    with pytest.warns(UserWarning, match="masked keys"):
        stored = run_scenario("compare-file", params, out=tmp_path / "run")
    assert f"{(~mask[:8]).sum()} of 96 keys are masked or have a fill value" in stored.verdict
