"""`GammaParams.brief`: about 64 spikes a row, cheap, still a softmax of the temperature asked for, still gamma."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax

from bridge import fit_softmax
from bridge.comparison.metrics import total_variation
from bridge.comparison.sampling import total_variation_floor
from spiking import Brian2, Fused, GammaCircuit, GammaParams, Selection, cut_loop
from tests.doubles import Unprimed

SPIKES = 64


def rows(n_rows: int, keys: tuple[int, int], sd: float, seed: int = 2024) -> tuple[np.ndarray, np.ndarray]:
    """Scores N(0, sd^2) over a number of keys drawn from `keys`, and their mask."""
    rng = np.random.default_rng(seed)
    n_keys = rng.integers(*keys, n_rows)
    return rng.normal(0, sd, (n_rows, keys[1] - 1)), np.arange(keys[1] - 1) < n_keys[:, None]


def attend(params: GammaParams, scores: np.ndarray, mask: np.ndarray, **options: Any) -> Selection:
    asked: dict[str, Any] = {"duration_ms": 2000, "spikes": SPIKES, "rng": np.random.default_rng(3)}
    asked |= {"record": "counts", **options}
    return GammaCircuit(params).attend(scores, mask=mask, **asked)


@pytest.mark.parametrize("temperature", [0.25, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("n_cells", [5, 10, 30])
def test_temperature_is_the_one_asked_for(temperature: float, n_cells: int) -> None:
    """beta x temperature within 5 % of 1 on rows the calibration never saw; the standard error is checked."""
    scores, mask = rows(1000, (2, 33), 1.5)
    params = GammaParams.brief(n_cells=n_cells, temperature=temperature)
    fitted = fit_softmax(attend(params, scores, mask).counts, scores / temperature, mask)
    assert fitted.beta_se_quasi < 0.012
    assert fitted.beta == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("n_rows", "keys", "sd"),
    [(6000, (2, 6), 1.5), (2000, (8, 21), 1.0), (3000, (8, 21), 2.5), (2000, (2, 65), 1.5)],
    ids=["few keys", "flat rows", "peaked rows", "causal"],
)
def test_weights_are_as_near_the_softmax_as_64_samples_of_it(
    n_rows: int, keys: tuple[int, int], sd: float
) -> None:
    """Total variation within 5 % of the multinomial's, its standard error below 1 %."""
    scores, mask = rows(n_rows, keys, sd)
    selection = attend(GammaParams.brief(), scores, mask)
    target = softmax(np.where(mask, scores, -np.inf), axis=1)
    found = total_variation(selection.weights, target)
    floor = total_variation_floor(target, selection.counts.sum(axis=1))
    ratio = found.mean() / floor.mean()
    assert (found - floor).std() / np.sqrt(len(found)) < 0.01 * floor.mean()
    assert ratio < 1.05
    assert ratio > 0.85  # resets make counts a little more regular than a multinomial's, no more than that


def test_temperature_holds_at_other_budgets() -> None:
    """Calibrated at 64 spikes; 16 to 512 move beta by less than 5 %."""
    scores, mask = rows(1000, (2, 33), 1.5)
    for spikes in (16, 512):
        few = slice(None) if spikes == 16 else slice(200)
        counts = attend(GammaParams.brief(), scores[few], mask[few], spikes=spikes, duration_ms=10_000).counts
        assert fit_softmax(counts, scores[few], mask[few]).beta == pytest.approx(1, abs=0.05)


def test_few_spikes_come_before_any_depletion() -> None:
    """The gain makes up for depletion, which 2 of 320 cells hardly know: beta is the gain, within 3 errors."""
    circuit = GammaParams.brief()
    scores, mask = rows(8000, (31, 33), 1.5)
    fitted = fit_softmax(attend(circuit, scores, mask, spikes=2).counts, scores, mask)
    assert abs(fitted.beta - GammaCircuit(circuit).gain) < 3 * fitted.beta_se


@cache
def rhythm(loop: bool) -> Selection:
    scores, mask = rows(48, (8, 21), 1.5)
    circuit = GammaCircuit(GammaParams.brief())
    params = (circuit if loop else cut_loop(circuit)).params
    return attend(params, scores, mask, spikes=None, duration_ms=1000, record="spikes")


def test_rows_beat_in_gamma_and_a_cut_loop_does_not() -> None:
    """Nine rows in ten have a significant peak in 30 to 80 Hz; without E to I hardly one beyond chance."""
    beating, cut = (np.isfinite(rhythm(loop).f_gamma_Hz) for loop in (True, False))
    assert beating.mean() > 0.9
    assert 30 < np.nanmedian(rhythm(loop=True).f_gamma_Hz) < 80
    assert cut.mean() < 0.1
    assert (rhythm(loop=True).other_counts["inh"] > 0).all()


def test_64_spikes_take_two_cycles() -> None:
    """At 8 to 20 keys, in less than 150 steps: what makes a row cheap. Fewer cycles would be a single volley."""
    scores, mask = rows(500, (8, 21), 1.5)
    selection = attend(GammaParams.brief(), scores, mask)
    cycles = selection.row_ms * np.nanmedian(rhythm(loop=True).f_gamma_Hz) / 1000
    assert 1.5 < cycles.mean() < 2.5
    assert selection.row_ms.mean() / GammaParams.brief().dt_ms < 150
    assert not selection.unfinished.any()


def test_the_time_step_moves_neither_the_law_nor_the_time() -> None:
    """Half the step: beta within 3 standard errors of the difference, time within 5 %."""
    scores, mask = rows(1500, (8, 21), 1.5)
    fits, times = [], []
    for dt_ms in (0.5, 0.25):
        selection = attend(GammaParams.brief(dt_ms=dt_ms), scores, mask)
        fits.append(fit_softmax(selection.counts, scores, mask))
        times.append(selection.row_ms.mean())
    assert abs(fits[0].beta - fits[1].beta) < 3 * np.hypot(fits[0].beta_se, fits[1].beta_se)
    assert times[0] == pytest.approx(times[1], rel=0.05)


def test_unprimed_rows_without_settling_are_far_from_the_temperature() -> None:
    """The control of the start: membranes that begin without their score flatten the weights by over 5 %."""
    scores, mask = rows(1000, (2, 33), 1.5)
    stored = attend(GammaParams.brief(), scores, mask)
    gain = GammaCircuit(GammaParams.brief()).gain  # the stored calibration does not cover the control
    cold = attend(GammaParams.brief(cell=Unprimed(reset_by=0.25), gain=gain), scores, mask)
    assert fit_softmax(stored.counts, scores, mask).beta > 0.97
    assert fit_softmax(cold.counts, scores, mask).beta < 0.95


def test_both_engines_give_the_same_law_and_the_same_time() -> None:
    """64 spikes on both: rows' times (paired t), pooled counts (chi-square), none of two tests below .001 / 2."""
    scores = np.random.default_rng(1).normal(0, 1.5, (64, 8))
    mask = np.ones(scores.shape, dtype=bool)
    runs = [
        attend(GammaParams.brief(), scores, mask, engine=e, rng=np.random.default_rng(7), duration_ms=600)
        for e in (Brian2(), Fused())
    ]
    assert stats.ttest_rel(*(r.row_ms for r in runs)).pvalue > 5e-4
    rank = np.argsort(scores, axis=1)
    by_rank = np.stack([np.take_along_axis(r.counts, rank, axis=1).sum(axis=0) for r in runs])
    assert stats.chi2_contingency(by_rank).pvalue > 5e-4
