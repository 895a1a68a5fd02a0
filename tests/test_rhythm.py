"""Spectrum, gamma peak and cycles, against theory, simulated populations and Elephant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spiking.measures.rhythm import Cycles, cycles, gamma_peak, power_spectrum, spike_phases
from spiking.record import SpikeRecord


def make_record(
    row: np.ndarray, cell: np.ndarray, time_ms: np.ndarray, n_rows: int, n_cells: int, duration_ms: float
) -> SpikeRecord:
    return SpikeRecord.of_spikes(
        row=row, cell=cell, time_ms=time_ms, n_rows=n_rows, n_cells=n_cells, duration_ms=duration_ms
    )


def renewal_cells(
    n_rows: int, n_cells: int, rate_Hz: float, order: int, duration_ms: float, rng: np.random.Generator
) -> SpikeRecord:
    """Independent cells with gamma intervals, past their first second; order 1 is Poisson."""
    n = int((duration_ms + 1000) * 1e-3 * rate_Hz * 1.6 + 30)
    interval_ms = rng.gamma(order, 1e3 / rate_Hz / order, (n_rows, n_cells, n))
    time_ms = interval_ms.cumsum(axis=-1) - 1000 - rng.uniform(0, 1e3 / rate_Hz, (n_rows, n_cells, 1))
    row, cell, i = np.nonzero((time_ms >= 0) & (time_ms < duration_ms))
    return make_record(row, cell, time_ms[row, cell, i], n_rows, n_cells, duration_ms)


def volleys(
    f_Hz: float,
    n_rows: int,
    rng: np.random.Generator,
    *,
    spikes_per_cycle: float = 10,
    spread_ms: float = 3.0,
    period_jitter: float = 0.1,
    n_cells: int = 320,
    duration_ms: float = 1000.0,
) -> SpikeRecord:
    """Volleys at jittered periods, each spike from a random cell: a cell fires once in many cycles."""
    n = int(duration_ms * 1e-3 * f_Hz * 1.5) + 10
    period_ms = 1e3 / f_Hz * (1 + period_jitter * rng.standard_normal((n_rows, n)))
    volley_ms = period_ms.cumsum(axis=1) - 1e3 / f_Hz * (1 + rng.random((n_rows, 1)))
    count = rng.poisson(spikes_per_cycle, volley_ms.shape)
    row = np.repeat(np.repeat(np.arange(n_rows), n), count.ravel())
    time_ms = np.repeat(volley_ms.ravel(), count.ravel()) + spread_ms * rng.standard_normal(len(row))
    inside = (time_ms >= 0) & (time_ms < duration_ms)
    cell = rng.integers(0, n_cells, inside.sum())
    return make_record(row[inside], cell, time_ms[inside], n_rows, n_cells, duration_ms)


def test_power_spectrum_is_elephants_welch_psd() -> None:
    """The same signal, segments and window give Elephant's spectral density."""
    neo = pytest.importorskip("neo", reason="needs the extra `neuro`")
    quantities = pytest.importorskip("quantities", reason="needs the extra `neuro`")
    spectral = pytest.importorskip("elephant.spectral", reason="needs the extra `neuro`")
    field = np.random.default_rng(0).standard_normal((3, 2000))
    ours = power_spectrum(field, dt_ms=1.0, segment_ms=500.0)
    signal = neo.AnalogSignal(field.T, units="mV", sampling_rate=1000 * quantities.Hz)
    frequency, theirs = spectral.welch_psd(signal, len_segment=500, overlap=0.5, n_segments=None)
    np.testing.assert_allclose(ours.frequency_Hz, frequency.rescale("Hz").magnitude)
    np.testing.assert_allclose(ours.power, theirs.magnitude, rtol=1e-10)


def test_degrees_of_freedom_give_the_variance_of_white_noise() -> None:
    """Ordinates over their mean have variance 2 / dof, as the chi-square law says."""
    noise = np.random.default_rng(1).standard_normal((4000, 1000))
    spectrum = power_spectrum(noise, dt_ms=1.0, segment_ms=500.0)
    assert spectrum.n_segments == 3
    ordinate = spectrum.power[:, 20] / spectrum.power[:, 20].mean()
    # the variance of 4000 such draws has a relative standard error of sqrt((2 + 12 / dof) / 4000) = 3.2 %
    assert ordinate.var() == pytest.approx(2 / spectrum.dof, rel=0.10)


def test_a_signal_shorter_than_a_segment_is_one_segment() -> None:
    spectrum = power_spectrum(np.random.default_rng(0).standard_normal((2, 200)), 1.0, segment_ms=500.0)
    assert (spectrum.n_segments, spectrum.dof) == (1, 2.0)
    assert spectrum.frequency_Hz[1] == pytest.approx(5.0)


@pytest.mark.parametrize("duration_ms", [200.0, 1000.0])
@pytest.mark.parametrize(
    ("n_cells", "rate_Hz", "order"),
    [(100, 3.0, 1), (20, 20.0, 1), (20, 45.0, 10), (20, 45.0, 1000)],
    ids=["sparse Poisson", "dense Poisson", "regular at 45 Hz", "clocks at 45 Hz"],
)
def test_independent_cells_are_no_rhythm(
    n_cells: int, rate_Hz: float, order: int, duration_ms: float
) -> None:
    """False alarms at alpha = 0.05 stay below it, however regular the single cells are."""
    n_rows, alpha = 250, 0.05
    rng = np.random.default_rng(7)
    peak = gamma_peak(renewal_cells(n_rows, n_cells, rate_Hz, order, duration_ms, rng), alpha=alpha)
    limit = alpha + 3 * np.sqrt(alpha * (1 - alpha) / n_rows)  # three binomial standard errors
    assert peak.significant.mean() <= limit
    assert np.isnan(peak.f_gamma_Hz[~peak.significant]).all()


def test_clocks_that_keep_their_phase_do_not_count_as_many_segments() -> None:
    """Their segments repeat each other; a search of 44-46 Hz leaves no slack that could hide it."""
    n_rows, alpha = 250, 0.05
    clocks = renewal_cells(n_rows, 20, 45.0, 10_000, 2000.0, np.random.default_rng(7))
    peak = gamma_peak(clocks, band_Hz=(44.0, 46.0), alpha=alpha)
    assert peak.significant.mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / n_rows)


def test_the_p_value_is_not_needlessly_large() -> None:
    """For many sparse Poisson cells p < 0.2 comes in at least 0.1 of the rows: conservative, not blind."""
    peak = gamma_peak(renewal_cells(600, 100, 5.0, 1, 500.0, np.random.default_rng(3)))
    # the search over correlated bins costs a quarter of the nominal 0.2; se of the share is 0.015
    assert 0.10 <= (peak.p_value < 0.2).mean() <= 0.2 + 3 * 0.0163


def test_sparse_volleys_with_jittered_periods_are_found() -> None:
    """10 spikes a cycle from 320 cells, 10 % jitter of the period: found, at the mean rate of the volleys."""
    peak = gamma_peak(volleys(45.0, 100, np.random.default_rng(5)))
    assert peak.significant.mean() >= 0.95
    # the rate of 45 volleys has a standard error of 45 * 0.1 / sqrt(45) = 0.67 Hz in a row, 0.067 in the
    # mean; 1 / mean period and the peak of so broad a line differ by up to f * jitter^2 = 0.45 Hz
    assert np.nanmean(peak.f_gamma_Hz) == pytest.approx(45.0, abs=0.45 + 3 * 0.067)


def test_power_grows_with_the_modulation() -> None:
    """The wider the volleys, the fewer rows are called rhythmic."""
    found = [
        gamma_peak(volleys(45.0, 60, np.random.default_rng(6), spread_ms=spread)).significant.mean()
        for spread in (3.0, 6.0, 12.0)
    ]
    assert found[0] > 0.95
    assert found[2] < 0.2
    assert found[0] >= found[1] > found[2]


@pytest.mark.parametrize("duration_ms", [150.0, 300.0, 500.0, 1000.0])
def test_the_peak_lies_between_the_bins(duration_ms: float) -> None:
    """A strict rhythm is located to a fifth of the bin width at every duration."""
    rng = np.random.default_rng(8)
    record = volleys(46.3, 40, rng, period_jitter=0.0, spread_ms=1.5, duration_ms=duration_ms)
    peak = gamma_peak(record)
    bin_Hz = 1e3 / min(duration_ms, 500.0)
    assert peak.significant.all()
    # without interpolation the error is up to half a bin; the parabola is itself off by a tenth at worst
    assert np.abs(np.mean(peak.f_gamma_Hz) - 46.3) < 0.2 * bin_Hz


def test_cells_that_all_fire_every_cycle_peak_at_the_fundamental() -> None:
    """Population over single cells is flat there, so the frequency comes from the power."""
    time_ms = np.tile(np.arange(5.0, 1000.0, 1e3 / 35), 30)
    cell = np.repeat(np.arange(30), len(time_ms) // 30)
    jittered = time_ms + np.random.default_rng(0).normal(0, 1.0, len(time_ms))
    peak = gamma_peak(make_record(np.zeros(len(cell)), cell, jittered, 1, 30, 1000.0))
    assert peak.significant.all()
    assert peak.f_gamma_Hz[0] == pytest.approx(35.0, abs=0.2)


@pytest.mark.parametrize("f_Hz", [15.0, 20.0, 26.0, 100.0])
def test_a_rhythm_outside_the_band_is_no_gamma(f_Hz: float) -> None:
    """Neither its flank nor its harmonic counts; chance may still raise a peak at the rate alpha."""
    record = volleys(f_Hz, 60, np.random.default_rng(9), spread_ms=2.0)
    assert gamma_peak(record).significant.mean() <= 0.05  # alpha 0.01 of 60 rows: 3 or more has p < 0.03
    assert gamma_peak(record, band_Hz=(10.0, 120.0)).significant.all()


def test_rows_are_independent_of_their_neighbours() -> None:
    """A row alone gives what it gives within the record."""
    record = volleys(40.0, 4, np.random.default_rng(2))
    together, alone = gamma_peak(record), gamma_peak(record.of_row(2))
    np.testing.assert_allclose(together.f_gamma_Hz[2], alone.f_gamma_Hz[0])
    np.testing.assert_allclose(together.p_value[2], alone.p_value[0])


def test_the_order_of_spikes_is_of_no_account() -> None:
    record = volleys(40.0, 3, np.random.default_rng(2))
    order = np.random.default_rng(0).permutation(len(record))
    shuffled = {name: getattr(record, name)[order] for name in ("row", "key", "cell", "time_ms")}
    np.testing.assert_allclose(
        gamma_peak(replace(record, **shuffled)).p_value, gamma_peak(record).p_value, rtol=1e-8
    )


def test_rows_too_quiet_or_too_short_have_no_testable_rhythm() -> None:
    quiet = volleys(40.0, 2, np.random.default_rng(0), spikes_per_cycle=0.2)
    short = volleys(40.0, 2, np.random.default_rng(0), spikes_per_cycle=50, duration_ms=60.0)
    empty = make_record(*np.zeros((3, 0)), 2, 10, 1000.0)
    for record in (quiet, short, empty):
        peak = gamma_peak(record)
        assert (peak.p_value == 1).all()
        assert not peak.significant.any()
        assert np.isnan(peak.f_gamma_Hz).all()


def test_bad_arguments_name_field_rule_and_value() -> None:
    record = volleys(40.0, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"band_Hz must be .* got \(80.0, 30.0\)"):
        gamma_peak(record, band_Hz=(80.0, 30.0))
    with pytest.raises(ValueError, match=r"alpha must lie .* got 1.5"):
        gamma_peak(record, alpha=1.5)
    with pytest.raises(ValueError, match=r"dt_ms must be > 0, got 0"):
        power_spectrum(np.zeros((1, 10)), 0.0)
    with pytest.raises(ValueError, match=r"signal must be of shape .* got \(10,\)"):
        power_spectrum(np.zeros(10), 1.0)
    with pytest.raises(ValueError, match=r"f_gamma_Hz must have one entry a row"):
        cycles(np.zeros((2, 10)), 1.0, np.array([40.0]))


def sine_cycles() -> tuple[np.ndarray, Cycles]:
    time_ms = np.arange(1000.0)
    true_phase = 2 * np.pi * np.array([[40.0], [55.0], [40.0]]) * time_ms * 1e-3 + 1.0
    field = 3.0 + np.cos(true_phase) + 0.3 * np.cos(2 * true_phase)
    return true_phase, cycles(field.astype(np.float32), 1.0, np.array([40.0, 55.0, np.nan]))


def test_phase_of_a_sine_with_a_harmonic_is_its_own() -> None:
    """Zero at the fundamental's peak, to the last sample within a tenth of a cycle."""
    true_phase, result = sine_cycles()
    error = np.angle(np.exp(1j * (result.phase_rad - true_phase)))[:2]
    assert np.abs(error[:, 50:-50]).max() < 0.01
    assert np.abs(error).max() < 0.2 * np.pi
    assert result.phase_rad[:2].max() <= np.pi
    assert result.phase_rad[:2].min() > -np.pi


def test_cycles_run_from_trough_to_trough() -> None:
    """A second at 40 Hz that begins at phase 1 holds 39 complete cycles of 25 samples."""
    _, result = sine_cycles()
    assert result.n_cycles.tolist() == [39, 54, 0]
    length = np.bincount(result.cycle_index[0, result.cycle_index[0] >= 0])
    assert set(length[1:-1]) == {25}
    first = np.flatnonzero(result.cycle_index[0] == 0)
    assert result.phase_rad[0, first[0]] == pytest.approx(-np.pi, abs=2 * np.pi / 25)


def test_a_row_without_a_rhythm_has_no_cycles() -> None:
    _, result = sine_cycles()
    assert (result.cycle_index[2] == -1).all()
    assert np.isnan(result.phase_rad[2]).all()


def test_cycles_of_a_jittered_rhythm_are_counted() -> None:
    """Periods that jitter by 10 % are followed: as many cycles as volleys, but for the two ends."""
    rng = np.random.default_rng(4)
    record = volleys(40.0, 20, rng, spikes_per_cycle=40, spread_ms=2.0)
    n_volleys = 40.0
    result = cycles(record.binned(1.0), 1.0, np.full(20, 40.0))
    # the count of 40 volleys has a standard error of 0.1 * sqrt(40) / sqrt(20) = 0.14 in the mean of 20 rows;
    # the two ends cost up to one and a half cycles
    assert n_volleys - 1.5 - 0.42 <= result.n_cycles.mean() <= n_volleys + 0.42


def test_cycle_index_never_runs_backwards_in_noise() -> None:
    """Where the phase slips, no cycle is counted twice and none is skipped."""
    noise = np.random.default_rng(0).standard_normal((30, 2000))
    result = cycles(noise, 1.0, np.full(30, 45.0))
    for index, n in zip(result.cycle_index, result.n_cycles, strict=True):
        inside = np.flatnonzero(index >= 0)
        assert np.array_equal(np.diff(inside), np.ones(len(inside) - 1))
        assert set(np.diff(index[inside])) <= {0, 1}
        assert index.max() == n - 1


def test_spike_phases_are_elephants_spike_triggered_phases() -> None:
    """The same analytic signal and spikes give Elephant's interpolated phases."""
    neo = pytest.importorskip("neo", reason="needs the extra `neuro`")
    quantities = pytest.importorskip("quantities", reason="needs the extra `neuro`")
    analysis = pytest.importorskip("elephant.phase_analysis", reason="needs the extra `neuro`")
    _, rhythm = sine_cycles()
    time_ms = np.sort(np.random.default_rng(0).uniform(100, 900, 50))
    record = make_record(np.zeros(50), np.zeros(50), time_ms, 1, 1, 1000.0)
    analytic = neo.AnalogSignal(
        np.exp(1j * rhythm.phase_rad[0]), units="dimensionless", sampling_rate=1000 * quantities.Hz
    )
    train = neo.SpikeTrain(time_ms, units="ms", t_stop=1000.0)
    theirs, _, _ = analysis.spike_triggered_phase(analytic, train, interpolate=True)
    difference = np.angle(np.exp(1j * (spike_phases(record, rhythm, 1.0) - theirs[0])))
    np.testing.assert_allclose(difference, 0.0, atol=1e-6)


def test_spike_phases_are_nan_without_a_rhythm() -> None:
    _, rhythm = sine_cycles()
    record = make_record(np.array([0, 2]), np.zeros(2), np.array([100.0, 200.0]), 3, 1, 1000.0)
    assert np.isnan(spike_phases(record, rhythm, 1.0)).tolist() == [False, True]
