"""The fused engine against the reference: the same spikes from the same noise, the same law from free noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from spiking import DiffusiveLIF, EscapeRate, GammaCircuit, GammaParams, Selection, SpikeRecord
from spiking.circuits.gamma import gamma_core, initial_state
from spiking.circuits.gamma_rows import compile_core, simulate_rows
from spiking.engines.brian2 import Core, Recording, building, simulate
from spiking.rows import Layout
from tests.doubles import DrawnThresholds

FALSE_ALARM = 1e-3  # of each family of two-sample tests, shared among its tests (Bonferroni)


def _both(precision: str, n_cells: int = 20, **asked: Any) -> tuple[Recording, Recording]:
    """One full row of 8 keys on both engines, with thresholds and initial state drawn beforehand."""
    drawn = np.random.default_rng(0).exponential(size=(400, 8 * n_cells))
    params = GammaParams(n_cells=n_cells, cell=DrawnThresholds(drawn=drawn), gain=1.0)
    layout = Layout.of(np.ones((1, 8), dtype=bool), n_cells)
    u = -np.abs(np.random.default_rng(1).normal(0, 1.5, 8))
    rng = np.random.default_rng(2)
    state = initial_state(params, layout.per_cell(u), 1, rng, rng)

    def core() -> Core:
        with building():
            return gamma_core(params, layout, np.random.default_rng(2), u)

    options: dict[str, Any] = {"duration_ms": 1000.0, "rng": np.random.default_rng(3), **asked}
    kernel = compile_core(core(), params, state, precision=precision)
    fused = simulate_rows(kernel, layout, params, u, lambda *_: state, **options)
    return simulate(core(), layout, params, **options), fused


def test_same_noise_same_spikes_cell_by_cell_and_step_by_step() -> None:
    """Thresholds handed in as an array, 1 s of the full circuit in float64: not one spike differs."""
    whole = [recording.spikes for recording in _both("float64")]
    assert len(whole[0]) > 300
    _assert_same_spikes(*whole)


@pytest.mark.parametrize("n_spikes", [1, 64, 10**6])
def test_both_engines_end_a_row_at_the_same_step(n_spikes: int) -> None:
    """With the same noise: the same spikes to the end of the step of spike 64, and the same I spikes."""
    reference, fused = _both("float64", spikes=n_spikes)
    _assert_same_spikes(reference.spikes, fused.spikes)
    np.testing.assert_array_equal(reference.inh_counts, fused.inh_counts)
    np.testing.assert_allclose(reference.row_ms, fused.row_ms, atol=1e-6)
    np.testing.assert_allclose(reference.field, fused.field, atol=1e-4)
    ended = n_spikes < 10**6
    assert (reference.row_ms[0] < 1000) == ended
    assert not ended or n_spikes <= len(fused.spikes) < n_spikes + 12
    assert fused.spikes.time_ms.max() == pytest.approx(fused.row_ms[0] - 0.1) or not ended


def _assert_same_spikes(reference: SpikeRecord, fused: SpikeRecord) -> None:
    order = [np.lexsort((r.cell, r.key, np.round(r.time_ms / 0.1))) for r in (reference, fused)]
    for name in ("key", "cell"):
        np.testing.assert_array_equal(getattr(reference, name)[order[0]], getattr(fused, name)[order[1]])
    steps = [np.round(r.time_ms[o] / 0.1) for r, o in zip((reference, fused), order, strict=True)]
    np.testing.assert_array_equal(*steps)


def _run(params: GammaParams, engine: str, seed: int, **options: Any) -> Selection:
    scores = np.random.default_rng(1).normal(0, 1.5, (64, 8))
    rng = np.random.default_rng(seed)
    return GammaCircuit(params).attend(scores, duration_ms=1000, rng=rng, engine=engine, **options)


def _first_spikes(selection: Selection) -> np.ndarray:
    """Time of each row's first spike in the measured window."""
    spikes = selection.spikes
    first = np.full(spikes.n_rows, np.inf)
    np.minimum.at(first, spikes.row, spikes.time_ms)
    return first


def _differences(a: Selection, b: Selection) -> dict[str, float]:
    """p values that two runs of the same rows differ; paired by row where the rows' scores matter."""
    total = [s.counts.sum(axis=1) for s in (a, b)]
    both = np.isfinite(a.f_gamma_Hz) & np.isfinite(b.f_gamma_Hz)
    # counts: chi-square of homogeneity over the keys of each row, summed over rows; resets make the
    # counts a little more regular than Poisson, so the test is conservative against over-dispersion
    chi2, dof = 0.0, 0
    for x, y in zip(a.counts, b.counts, strict=True):
        keys = (x + y) >= 10
        found = stats.chi2_contingency(np.stack([x, y])[:, keys], correction=False)
        chi2, dof = chi2 + found.statistic, dof + found.dof
    return {
        "counts": float(stats.chi2.sf(chi2, dof)),
        "rate": stats.ttest_rel(*total).pvalue,
        "I rate": stats.ttest_rel(a.inh_counts, b.inh_counts).pvalue,
        "f_gamma": stats.ttest_rel(a.f_gamma_Hz[both], b.f_gamma_Hz[both]).pvalue,
        "first spike": stats.ks_2samp(_first_spikes(a), _first_spikes(b)).pvalue,
    }


@pytest.mark.parametrize("cell", [EscapeRate(), DiffusiveLIF()], ids=["escape", "lif"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_free_noise_gives_the_same_law(cell: Any, precision: str) -> None:
    """Counts, rates, gamma frequency, first spikes: no test of five below FALSE_ALARM / 5."""
    params = GammaParams(n_cells=20, cell=cell, gain=1.0)
    found = _differences(_run(params, "brian2", 5), _run(params, "fused", 6, precision=precision))
    assert min(found.values()) > FALSE_ALARM / len(found), found


def test_the_two_sample_tests_see_a_small_change() -> None:
    """Five per cent weaker inhibition is found, so that passing means something."""
    params = GammaParams(n_cells=20, gain=1.0)
    weaker = GammaParams(n_cells=20, gain=1.0, inhibition=params.inhibition * 0.95)
    found = _differences(_run(params, "fused", 5), _run(weaker, "fused", 6))
    assert min(found.values()) < FALSE_ALARM / len(found), found


def test_single_precision_shifts_nothing() -> None:
    """float32 and float64 draw the same random numbers; their means agree within three standard errors."""
    params = GammaParams(n_cells=20, gain=1.0)
    single, double = (_run(params, "fused", 7, precision=p) for p in ("float32", "float64"))
    for a, b in (
        (single.counts.sum(axis=1), double.counts.sum(axis=1)),
        (single.f_gamma_Hz, double.f_gamma_Hz),
        (single.weights.max(axis=1), double.weights.max(axis=1)),
    ):
        gap = (a - b)[np.isfinite(a - b)]
        assert abs(gap.mean()) <= 3 * gap.std(ddof=1) / np.sqrt(len(gap))
