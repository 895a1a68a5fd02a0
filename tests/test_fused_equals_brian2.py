"""The fused engine against the reference: the same spikes from the same noise, the same law from free noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from spiking import (
    Brian2,
    DiffusiveLIF,
    Engine,
    EscapeRate,
    Fused,
    GammaCircuit,
    GammaParams,
    Selection,
    SpikeRecord,
    Streams,
)
from tests.doubles import DrawnThresholds

FALSE_ALARM = 1e-3  # of each family of two-sample tests, shared among its tests (Bonferroni)


def _both(n_cells: int = 20, spikes: int | None = None) -> tuple[Selection, Selection]:
    """One full row of 8 keys on both engines, with thresholds drawn beforehand and one beginning."""
    drawn = np.random.default_rng(0).exponential(size=(400, 8 * n_cells))
    circuit = GammaCircuit(GammaParams(n_cells=n_cells, cell=DrawnThresholds(drawn=drawn), gain=1.0))
    scores = -np.abs(np.random.default_rng(1).normal(0, 1.5, (1, 8)))
    reference, fused = (
        circuit.attend(scores, rng=Streams(3), duration_ms=1000, spikes=spikes, engine=engine)
        for engine in (Brian2(), Fused("float64"))
    )
    return reference, fused


def test_same_noise_same_spikes_cell_by_cell_and_step_by_step() -> None:
    """Thresholds handed in as an array, 1 s of the full circuit in float64: not one spike differs."""
    whole = [selection.spikes for selection in _both()]
    assert len(whole[0]) > 300
    _assert_same_spikes(*whole)


@pytest.mark.parametrize("n_spikes", [1, 64, 10**6])
def test_both_engines_end_a_row_at_the_same_step(n_spikes: int) -> None:
    """With the same noise: the same spikes to the end of the step of spike 64, and the same I spikes."""
    reference, fused = _both(spikes=n_spikes)
    _assert_same_spikes(reference.spikes, fused.spikes)
    np.testing.assert_array_equal(reference.other_counts["inh"], fused.other_counts["inh"])
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


def _run(params: GammaParams, engine: Engine, seed: int, **options: Any) -> Selection:
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
        "I rate": stats.ttest_rel(a.other_counts["inh"], b.other_counts["inh"]).pvalue,
        "f_gamma": stats.ttest_rel(a.f_gamma_Hz[both], b.f_gamma_Hz[both]).pvalue,
        "first spike": stats.ks_2samp(_first_spikes(a), _first_spikes(b)).pvalue,
    }


@pytest.mark.parametrize("cell", [EscapeRate(), DiffusiveLIF()], ids=["escape", "lif"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_free_noise_gives_the_same_law(cell: Any, precision: str) -> None:
    """Counts, rates, gamma frequency, first spikes: no test of five below FALSE_ALARM / 5."""
    params = GammaParams(n_cells=20, cell=cell, gain=1.0)
    found = _differences(_run(params, Brian2(), 5), _run(params, Fused(precision), 6))
    assert min(found.values()) > FALSE_ALARM / len(found), found


def test_the_two_sample_tests_see_a_small_change() -> None:
    """Five per cent weaker inhibition is found, so that passing means something."""
    params = GammaParams(n_cells=20, gain=1.0)
    weaker = GammaParams(n_cells=20, gain=1.0, inhibition=params.inhibition * 0.95)
    found = _differences(_run(params, Fused(), 5), _run(weaker, Fused(), 6))
    assert min(found.values()) < FALSE_ALARM / len(found), found


def test_single_precision_shifts_nothing() -> None:
    """float32 and float64 draw the same random numbers; their means agree within three standard errors."""
    params = GammaParams(n_cells=20, gain=1.0)
    single, double = (_run(params, Fused(p), 7) for p in ("float32", "float64"))
    for a, b in (
        (single.counts.sum(axis=1), double.counts.sum(axis=1)),
        (single.f_gamma_Hz, double.f_gamma_Hz),
        (single.weights.max(axis=1), double.weights.max(axis=1)),
    ):
        gap = (a - b)[np.isfinite(a - b)]
        assert abs(gap.mean()) <= 3 * gap.std(ddof=1) / np.sqrt(len(gap))
