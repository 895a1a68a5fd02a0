"""Compiled sums over spikes, and lists of spikes in order, against the same written out in NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spiking import Spikes
from spiking.measures.phase import count_cycles, cycles
from spiking.measures.rhythm import peak_of
from spiking.measures.trains import Segments, Trains, population_power, unit_sums
from spiking.rows import Layout
from spiking.spike_lists import spike_record

N_ROWS, N_UNITS = 5, 7


def poisson(duration_ms: float, n_spikes: int, step_ms: float = 0.0) -> Spikes:
    """Spikes of random cells at random times, or on a grid; the last row has none."""
    rng = np.random.default_rng(0)
    row = np.sort(rng.integers(0, N_ROWS - 1, n_spikes))
    time_ms = rng.uniform(0, duration_ms, n_spikes)
    time_ms = np.floor(time_ms / step_ms) * step_ms if step_ms else time_ms
    return Spikes(
        row=row,
        cell=rng.integers(0, N_UNITS, n_spikes).astype(np.int32),
        time_ms=time_ms[np.lexsort((time_ms, row))],
    )


def coefficients(trains: Trains, row: int, segments: Segments, frequency: float) -> np.ndarray:
    """The Fourier coefficient of each segment and unit by its definition, (n_segments, n_units)."""
    here = slice(trains.first[row], trains.first[row + 1])
    time_ms, unit = trains.time_ms[here], trains.unit[here]
    x = np.zeros((segments.number, N_UNITS), dtype=complex)
    for k in range(segments.number):
        within = time_ms / segments.length_ms - k / 2
        taper = np.where((within > 0) & (within < 1), np.sin(np.pi * within) ** 2, 0)
        carrier = np.exp(-2j * np.pi * frequency * time_ms / segments.length_ms)
        np.add.at(x[k], unit, taper * carrier)
    return x


@pytest.mark.parametrize("duration_ms", [300.0, 1000.0, 2600.0])
def test_power_is_that_of_hann_tapered_sums(duration_ms: float) -> None:
    trains = Trains.of_group(poisson(duration_ms, 600), N_ROWS, duration_ms)
    segments, bins = Segments.of(duration_ms, 500.0), range(3, 40)
    power = population_power(trains, segments, bins)
    for row in range(N_ROWS):
        for m in bins:
            expected = (np.abs(coefficients(trains, row, segments, m).sum(axis=1)) ** 2).sum()
            assert power[row, m - bins.start] == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("duration_ms", [300.0, 1000.0, 2600.0])
def test_unit_sums_are_those_of_the_units_coefficients(duration_ms: float) -> None:
    trains = Trains.of_group(poisson(duration_ms, 600), N_ROWS, duration_ms)
    segments, frequency = Segments.of(duration_ms, 500.0), np.array([17.0, 20.5, -1.0, 30.0, 8.0])
    sums = unit_sums(trains, segments, frequency)
    for row in (0, 1, 3, 4):
        x = coefficients(trains, row, segments, frequency[row])
        assert sums.power[row] == pytest.approx((np.abs(x) ** 2).sum())
        assert sums.squared[row] == pytest.approx((np.abs(x @ x.conj().T) ** 2).sum())
        assert sums.in_phase[row] == pytest.approx((np.abs(x).sum(axis=1) ** 2).sum())
    assert sums.power[2] == sums.squared[2] == sums.in_phase[2] == 0  # none was asked for


def test_segments_fill_the_record_by_halves() -> None:
    assert (Segments.of(1000.0, 500.0), Segments.of(300.0, 500.0)) == (Segments(500.0, 3), Segments(300.0, 1))
    long = Segments.of(2600.0, 500.0)
    assert long.length_ms * (long.number + 1) / 2 == pytest.approx(2600.0)


@pytest.mark.parametrize("step_ms", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("late", [1.0, 1e6])
def test_a_record_is_ordered_by_time_and_then_by_row(step_ms: float, late: float) -> None:
    """Also where one late spike leaves all others in a few buckets."""
    mask = np.array([[1, 1, 1], [0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 1, 1]], dtype=bool)
    spikes = poisson(100.0, 2000, step_ms)
    spikes.time_ms[-1] *= late
    cell = np.random.default_rng(3).integers(0, N_UNITS * mask.sum(axis=1)[spikes.row]).astype(np.int32)
    record = spike_record(replace(spikes, cell=cell), Layout.of(mask, N_UNITS), 100.0)
    order = np.argsort(spikes.time_ms, kind="stable")
    keys = [np.flatnonzero(present) for present in mask]
    np.testing.assert_array_equal(record.time_ms, spikes.time_ms[order])
    np.testing.assert_array_equal(record.row, spikes.row[order])
    np.testing.assert_array_equal(record.cell, cell[order] % N_UNITS)
    key = [keys[r][c // N_UNITS] for r, c in zip(spikes.row[order], cell[order], strict=True)]
    np.testing.assert_array_equal(record.key, key)


def test_cycles_are_counted_as_they_are_numbered() -> None:
    """In noise, where phases slip both ways."""
    noise = np.random.default_rng(1).standard_normal((400, 700))
    f_Hz = np.random.default_rng(2).uniform(30, 80, 400)
    f_Hz[::9] = np.nan
    numbered = cycles(noise, 1.0, f_Hz).n_cycles
    np.testing.assert_array_equal(count_cycles(noise, 1.0, f_Hz), numbered)
    assert (numbered[::9] == 0).all()
    assert np.delete(numbered, np.s_[::9]).min() > 15  # 0.7 s at 30 Hz or more


def test_threads_change_nothing() -> None:
    rng = np.random.default_rng(4)
    row = np.sort(rng.integers(0, 100, 4000))
    time_ms = rng.uniform(0, 1000.0, 4000)
    spikes = Spikes(row=row, cell=rng.integers(0, 9, 4000).astype(np.int32), time_ms=time_ms)
    spikes = replace(spikes, time_ms=time_ms[np.lexsort((time_ms, row))])
    trains = Trains.of_group(spikes, 100, 1000.0)
    alone, together = peak_of(trains), peak_of(trains, threads=3)
    np.testing.assert_array_equal(alone.p_value, together.p_value)
    np.testing.assert_array_equal(alone.largest_ratio, together.largest_ratio)
    noise, f_Hz = rng.standard_normal((100, 500)), rng.uniform(30, 80, 100)
    np.testing.assert_array_equal(count_cycles(noise, 1.0, f_Hz), count_cycles(noise, 1.0, f_Hz, threads=3))
