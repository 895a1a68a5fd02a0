"""Our measures on real recordings: spikes and field from Kramer and Eden, motor cortex from Riehle et al."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from spiking.measures.rhythm import cycles, gamma_peak, power_spectrum, spike_phases
from spiking.measures.synchrony import ppc, spike_field_coherence
from spiking.record import SpikeRecord


@dataclass(frozen=True, kw_only=True)
class Kramer:
    spikes: np.ndarray  # (100, 1000) int, at 1 kHz
    field: np.ndarray  # (100, 1000)

    def record(self) -> SpikeRecord:
        """Every trial a row of one cell."""
        sample, row = np.nonzero(self.spikes.T)
        return SpikeRecord.of_spikes(row=row, time_ms=sample, n_rows=100, duration_ms=1000.0)


@pytest.fixture(scope="module")
def kramer(recordings: Path) -> Kramer:
    data = loadmat(recordings / "kramer_spikes-LFP-1.mat")
    return Kramer(spikes=data["n"].astype(np.int64), field=data["y"].astype(float))


def test_coherence_of_the_recording_peaks_at_45_Hz(kramer: Kramer) -> None:
    """Published for this file: .740 at 45 Hz, median .073 over 3-120 Hz; 8876 spikes."""
    assert kramer.spikes.sum() == 8876
    result = spike_field_coherence(kramer.spikes, kramer.field, dt_ms=1.0)
    band = (result.frequency_Hz > 3) & (result.frequency_Hz <= 120)
    frequency, coherence = result.frequency_Hz[band], result.coherence[band]
    assert frequency[np.argmax(coherence)] == pytest.approx(45.0)
    assert coherence.max() == pytest.approx(0.740, abs=5e-4)
    assert np.median(coherence) == pytest.approx(0.073, abs=5e-4)


def test_power_of_the_recording_peaks_at_10_Hz(kramer: Kramer) -> None:
    """The field is strongest where the spikes are not locked to it."""
    spectrum = power_spectrum(kramer.field, dt_ms=1.0, segment_ms=1000.0)
    assert spectrum.frequency_Hz[np.argmax(spectrum.power.mean(axis=0))] == pytest.approx(10.0)


def test_spikes_of_the_recording_lock_to_45_Hz_not_to_10_Hz(kramer: Kramer) -> None:
    """PPC pooled over trials, at the two frequencies."""
    record = kramer.record()
    locking = {}
    for f_Hz in (10.0, 45.0):
        rhythm = cycles(kramer.field, 1.0, np.full(100, f_Hz))
        phase = spike_phases(record, rhythm, 1.0)
        locking[f_Hz] = ppc(phase, np.zeros(len(phase), dtype=int), 1)[0]
        assert rhythm.n_cycles.mean() == pytest.approx(f_Hz, rel=0.1)
    # independent phases give PPC 0 with a standard deviation of about 1 / n, n = 8876
    assert locking[45.0] > 10 / len(record)
    assert abs(locking[10.0]) < 0.1 * locking[45.0]


def test_one_spike_train_alone_is_no_population_rhythm(kramer: Kramer) -> None:
    """A row of one cell equals its own null hypothesis: the ratio is 1."""
    peak = gamma_peak(kramer.record())
    assert not peak.significant.any()
    np.testing.assert_allclose(peak.ratio[np.isfinite(peak.ratio)], 1.0)


def test_trials_of_a_motor_cortex_neuron_are_independent_cells(recordings: Path) -> None:
    """Twelve trials of one neuron, taken as cells of a row, share its refractoriness and no gamma."""
    identity, time_ms = np.loadtxt(recordings / "winny131_23.gdf", dtype=int).T
    trigger_ms = time_ms[identity == 124]
    assert len(trigger_ms) == 36
    rows = [
        time_ms[identity == neuron] - trial_ms[:, None] - start_ms
        for neuron in (2, 3)
        for start_ms in range(-2000, 500, 500)
        for trial_ms in (trigger_ms[0::3], trigger_ms[1::3], trigger_ms[2::3])
    ]
    entries = [(row, *np.nonzero((shifted >= 0) & (shifted < 500))) for row, shifted in enumerate(rows)]
    row = np.concatenate([np.full(len(cell), r) for r, cell, _ in entries])
    cell = np.concatenate([cell for _, cell, _ in entries])
    time = np.concatenate([rows[r][c, i] for r, c, i in entries]).astype(float)
    record = SpikeRecord.of_spikes(
        row=row, cell=cell, time_ms=time, n_rows=len(rows), n_cells=12, duration_ms=500.0
    )
    assert record.counts().min() >= 20
    # 30 independent rows at alpha 0.05: 6 or more false alarms have a chance of 0.003
    assert gamma_peak(record, alpha=0.05).significant.sum() <= 5
