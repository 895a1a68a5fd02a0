"""PPC, vector strength, PLV and coherence, against theory, brute force and Elephant."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from spiking.measures.synchrony import coherence_by_row, plv, ppc, spike_field_coherence, vector_strength


def test_ppc_is_the_mean_cosine_over_all_pairs() -> None:
    """The closed form equals the definition of Vinck et al. (2010), pair by pair."""
    rng = np.random.default_rng(0)
    phase, group = rng.vonmises(0.5, 1.0, 40), rng.integers(0, 3, 40)
    by_pairs = [np.mean([np.cos(a - b) for a, b in combinations(phase[group == g], 2)]) for g in range(3)]
    np.testing.assert_allclose(ppc(phase, group, 3), by_pairs)


def test_perfect_locking_is_one() -> None:
    phase, group = np.full(10, 2.0), np.repeat([0, 1], 5)
    np.testing.assert_allclose(ppc(phase, group, 2), 1.0)
    np.testing.assert_allclose(vector_strength(phase, group, 2), 1.0)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_ppc_of_independent_phases_is_unbiased_and_vector_strength_is_not(n: int) -> None:
    """PPC averages 0 at every count; vector strength averages about sqrt(pi / 4 n)."""
    n_groups = 4000
    phase = np.random.default_rng(n).uniform(-np.pi, np.pi, n * n_groups)
    group = np.repeat(np.arange(n_groups), n)
    values = ppc(phase, group, n_groups)
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(n_groups)
    # the Rayleigh mean is the limit of many phases: 1.6 % too low at n = 2, plus 3 standard errors of 0.007
    assert vector_strength(phase, group, n_groups).mean() == pytest.approx(np.sqrt(np.pi / 4 / n), abs=0.03)


def test_ppc_estimates_the_squared_locking() -> None:
    """For von Mises phases of concentration 1 PPC averages (I1 / I0)^2 = 0.1994 even from 4 spikes."""
    n_groups = 4000
    phase = np.random.default_rng(1).vonmises(0.0, 1.0, 4 * n_groups)
    values = ppc(phase, np.repeat(np.arange(n_groups), 4), n_groups)
    assert values.mean() == pytest.approx(0.1994, abs=3 * values.std() / np.sqrt(n_groups))


def test_vector_strength_is_elephants_mean_phase_vector() -> None:
    analysis = pytest.importorskip("elephant.phase_analysis", reason="needs the extra `neuro`")
    phase = np.random.default_rng(2).vonmises(0.0, 2.0, 30)
    _, length = analysis.mean_phase_vector(phase)
    assert vector_strength(phase, np.zeros(30, dtype=int), 1)[0] == pytest.approx(float(length))


def test_too_few_phases_are_nan_and_unknown_ones_do_not_count() -> None:
    phase, group = np.array([0.0, np.nan, 1.0, 1.0]), np.array([0, 0, 1, 1])
    np.testing.assert_array_equal(ppc(phase, group, 3), [np.nan, 1.0, np.nan])
    np.testing.assert_array_equal(np.isnan(vector_strength(phase, group, 3)), [False, False, True])


def test_plv_is_elephants_phase_locking_value() -> None:
    analysis = pytest.importorskip("elephant.phase_analysis", reason="needs the extra `neuro`")
    a, b = np.random.default_rng(3).uniform(-np.pi, np.pi, (2, 12, 50))
    np.testing.assert_allclose(plv(a, b), analysis.phase_locking_value(a, b))
    np.testing.assert_allclose(plv(a, a + 0.7), 1.0)


def test_coherence_by_row_is_elephants_welch_coherence() -> None:
    """Elephant's magnitude-squared coherence of the same segments is the square of ours."""
    neo = pytest.importorskip("neo", reason="needs the extra `neuro`")
    quantities = pytest.importorskip("quantities", reason="needs the extra `neuro`")
    spectral = pytest.importorskip("elephant.spectral", reason="needs the extra `neuro`")
    rng = np.random.default_rng(4)
    field = rng.standard_normal((2, 2000))
    spikes = rng.poisson(np.exp(field - 2))
    ours = coherence_by_row(spikes, field, 1.0, segment_ms=250.0)
    signals = [
        neo.AnalogSignal(x.T.astype(float), units="mV", sampling_rate=1000 * quantities.Hz)
        for x in (spikes, field)
    ]
    frequency, squared, _ = spectral.welch_coherence(*signals, len_segment=250, n_segments=None)
    np.testing.assert_allclose(ours.frequency_Hz, frequency.rescale("Hz").magnitude)
    np.testing.assert_allclose(ours.coherence**2, squared.T, rtol=1e-9)


def test_coherence_of_unrelated_trials_is_the_floor_of_their_number() -> None:
    """Over K trials the magnitude averages sqrt(pi / 4 K), the Rayleigh mean."""
    rng = np.random.default_rng(5)
    spikes, field = rng.poisson(0.2, (100, 1000)), rng.standard_normal((100, 1000))
    result = spike_field_coherence(spikes, field, 1.0)
    # some 300 independent bins of relative spread 0.52: standard error 3 %
    assert np.nanmean(result.coherence[2:-2]) == pytest.approx(np.sqrt(np.pi / 400), rel=0.09)


def test_coherence_is_nan_without_spikes() -> None:
    field = np.random.default_rng(6).standard_normal((3, 1000))
    assert np.isnan(spike_field_coherence(np.zeros((3, 1000)), field, 1.0).coherence).all()
    by_row = coherence_by_row(np.vstack([np.zeros(1000), field[1], field[2]]), field, 1.0)
    assert np.isnan(by_row.coherence).any(axis=1).tolist() == [True, False, False]


def test_bad_arguments_name_rule_and_value() -> None:
    with pytest.raises(ValueError, match=r"of one shape, got \(2, 10\) and \(2, 11\)"):
        spike_field_coherence(np.zeros((2, 10)), np.zeros((2, 11)), 1.0)
    with pytest.raises(ValueError, match=r"dt_ms must be > 0, got -1"):
        spike_field_coherence(np.zeros((2, 10)), np.zeros((2, 10)), -1.0)
    with pytest.raises(ValueError, match=r"segment_ms must be <= .* got 80"):
        coherence_by_row(np.zeros((2, 100)), np.zeros((2, 100)), 1.0, segment_ms=80.0)
    with pytest.raises(ValueError, match=r"phase_rad and group must be 1-D and alike"):
        ppc(np.zeros(3), np.zeros(2, dtype=int), 1)
    with pytest.raises(ValueError, match=r"phases must be of shape"):
        plv(np.zeros(3), np.zeros(3))
