"""The rhythm of a recording: its test, its spectrum, and the locking of spikes to the field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from scenarios.rhythm_file.runaway import RUNAWAY_Hz
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.recordings import Recording
from scenarios.workbench.sentences import words
from scenarios.workbench.statistics import UNKNOWN, Estimate, bootstrap, fraction, mean
from scenarios.workbench.tables import columns
from spiking.measures.phase import cycles, spike_phases
from spiking.measures.rhythm import GammaPeak, gamma_peak, power_spectrum
from spiking.measures.synchrony import Coherence, ppc, spike_field_coherence

__all__ = ["Found", "in_data", "in_numbers", "in_words", "measure"]

CHANCE = 0.01  # of a row's test
SHOWN_Hz = (2.0, 150.0)  # of spectra


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was measured."""

    recording: Recording
    band_Hz: tuple[float, float]
    peak: GammaPeak
    frequency_Hz: np.ndarray  # (n_freq,)
    power: np.ndarray  # (n_freq,) of the population rate over that of random spikes, mean over rows
    coherence: Coherence | None  # of spikes and field over rows
    f_coherence_Hz: float  # where it is largest within the band; nan without a field
    phases: np.ndarray  # (n_locked,) rad of spikes to the field there
    phase_row: np.ndarray  # (n_locked,)
    runaway: int  # cells left out before

    @property
    def blind(self) -> float:
        """Share of rows in which no rhythm could be significant, however tight."""
        tested = np.isfinite(self.peak.ratio)
        return float((self.peak.least_locking[tested] > 1).mean()) if tested.any() else 1.0

    @property
    def most(self) -> float:
        """The largest coherence in the band."""
        assert self.coherence is not None
        return float(np.nanmax(self.coherence.coherence[self._in_band]))

    @property
    def typical(self) -> float:
        """The median coherence over all frequencies shown."""
        assert self.coherence is not None
        low, high = SHOWN_Hz
        f = self.coherence.frequency_Hz
        return float(np.nanmedian(self.coherence.coherence[(f > low) & (f <= high)]))

    @property
    def _in_band(self) -> np.ndarray:
        assert self.coherence is not None
        f = self.coherence.frequency_Hz
        return (f >= self.band_Hz[0]) & (f <= self.band_Hz[1])


def measure(recording: Recording, band_Hz: tuple[float, float], bin_ms: float, runaway: int) -> Found:
    """Test each row's rhythm; with a field also how spikes keep to it."""
    spikes = recording.spikes
    counts = spikes.binned(bin_ms)
    spectrum = power_spectrum(counts, bin_ms)
    random = 2 * counts.mean(axis=1, keepdims=True) * bin_ms * 1e-3  # one-sided, of a Poisson process
    power = np.divide(spectrum.power, random, out=np.full(spectrum.power.shape, np.nan), where=random > 0)
    coherence, f_coherence, phases, rows = None, np.nan, np.empty(0), np.empty(0, dtype=np.int64)
    if recording.field is not None and spikes.n_rows > 1:
        field, dt_ms = recording.field, recording.field_dt_ms
        own = spikes.binned(dt_ms)
        n = min(own.shape[1], field.shape[1])
        coherence = spike_field_coherence(own[:, :n], field[:, :n], dt_ms)
        inside = (coherence.frequency_Hz >= band_Hz[0]) & (coherence.frequency_Hz <= band_Hz[1])
        f_coherence = float(coherence.frequency_Hz[inside][np.nanargmax(coherence.coherence[inside])])
        rhythm = cycles(field, dt_ms, np.full(spikes.n_rows, f_coherence))
        phases, rows = spike_phases(spikes, rhythm, dt_ms), spikes.row.astype(np.int64)
    return Found(
        recording=recording,
        band_Hz=band_Hz,
        peak=gamma_peak(spikes, band_Hz, CHANCE),
        frequency_Hz=spectrum.frequency_Hz,
        power=np.nanmean(power, axis=0),
        coherence=coherence,
        f_coherence_Hz=f_coherence,
        phases=phases,
        phase_row=rows,
        runaway=runaway,
    )


def _ppc(found: Found) -> Estimate:
    """Pairwise phase consistency of all spikes, with its error over resampled rows."""
    n_rows = found.recording.spikes.n_rows
    known = np.isfinite(found.phases)
    phases, rows = found.phases[known], found.phase_row[known]
    by_row = [phases[rows == row] for row in range(n_rows)]

    def pooled(chosen: np.ndarray) -> float:
        together = np.concatenate([by_row[row] for row in chosen])
        return float(ppc(together, np.zeros(len(together), dtype=int), 1)[0])

    return bootstrap(pooled, n_rows, np.random.default_rng(0)) if len(phases) else UNKNOWN


def in_numbers(found: Found) -> Numbers:
    """Every number of the report."""
    lines, spikes = Lines(), found.recording.spikes
    low, high = found.band_Hz
    if found.coherence is not None:
        lines.add("coherence", "coherence of spikes and field, largest in the band", found.most,
                  floor=found.typical, note="floor: median over frequencies")  # fmt: skip
        lines.add("f_coherence", "– its frequency", found.f_coherence_Hz, unit="Hz")
        lines.add("ppc", "pairwise phase consistency there", _ppc(found), floor=0.0)
    lines.add("rhythmic", f"rows with a population rhythm of {low:g} to {high:g} Hz",
              fraction(found.peak.significant), floor=CHANCE, note="floor: the test's own chance")  # fmt: skip
    lines.add("f_gamma", "– its frequency", mean(found.peak.f_gamma_Hz), unit="Hz")
    lines.add("blind", "rows whose cells are too few for that test", found.blind)
    seconds = spikes.duration_ms * 1e-3
    per_row = np.bincount(spikes.row, minlength=spikes.n_rows) / seconds / spikes.n_cells
    lines.add("rate", "spikes of a cell", per_row, unit="Hz")
    lines.add("cells", "cells", float(spikes.n_cells))
    if found.runaway:
        lines.add("runaway", f"cells over {RUNAWAY_Hz:g} Hz, left out", float(found.runaway))
    lines.add("rows", "rows (trials)", float(spikes.n_rows))
    return lines.metrics


def in_words(m: Numbers, found: Found) -> Words:
    """The answer in sentences."""
    spikes, (low, high) = found.recording.spikes, found.band_Hz
    size = (
        f"{len(spikes):,} spikes of {spikes.n_cells:,} {'cell' if spikes.n_cells == 1 else 'cells'} in "
        f"{spikes.n_rows:,} {'row' if spikes.n_rows == 1 else 'rows'} of {spikes.duration_ms * 1e-3:.3g} s."
    )
    if found.runaway:
        cells = "1 cell runs" if found.runaway == 1 else f"{found.runaway:,} cells run"
        size += f" {cells} away, over {RUNAWAY_Hz:g} Hz, left out of all this."
    if found.blind == 1:
        rhythm = "Its cells are too few for a test of a population rhythm: a cell alone is its own null hypothesis."
    else:
        at = f", at {m['f_gamma'].text()} on average" if found.peak.significant.any() else ""
        rhythm = (
            f"{m['rhythmic'].value:.0%} of rows have a population rhythm between {low:g} and {high:g} Hz{at}; "
            f"chance alone would give {CHANCE:.0%}."
        )
    locking = ""
    if found.coherence is not None:
        ppc = m["ppc"]
        clear = ppc.standard_error is not None and ppc.value > 2 * ppc.standard_error
        kept = "keep to" if clear else "do not clearly keep to"
        locking = (
            f"Spikes and field are most coherent at {found.f_coherence_Hz:.0f} Hz, {found.most:.3f} against a "
            f"median of {found.typical:.3f}; spikes {kept} the field's phase there (pairwise phase consistency "
            f"{ppc.text()})."
        )
    return words(locking, rhythm, size, short=(locking, rhythm, size))


def in_data(found: Found) -> xr.Dataset:
    """Spectra, coherence, and each row's peak."""
    spectra = {**columns("frequency", power=found.power)}
    coords = {"frequency": ("frequency", found.frequency_Hz, {"units": "Hz", "long_name": "frequency"})}
    if found.coherence is not None:
        spectra |= columns("f_coherence", coherence=found.coherence.coherence)
        f = found.coherence.frequency_Hz
        coords["f_coherence"] = ("f_coherence", f, {"units": "Hz", "long_name": "frequency"})
    rows = {
        **columns("row", "Hz", f_gamma=found.peak.f_gamma_Hz),
        **columns("row", ratio=found.peak.ratio, p_value=found.peak.p_value),
    }
    return xr.Dataset({**spectra, **rows}, coords)
