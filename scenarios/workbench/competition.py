"""What one circuit made of competing stimuli: its rhythm, its locking and what each readout reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import softmax

from bridge.comparison.metrics import total_variation
from bridge.comparison.sampling import total_variation_floor
from spiking import Selection
from spiking.measures.readout import READOUTS, Readout
from spiking.measures.rhythm import Cycles, cycles, power_spectrum, spike_phases
from spiking.measures.synchrony import ppc

__all__ = ["Competition", "Distance"]

BIN_MS = 1.0  # of the population rate under the spectrum


@dataclass(frozen=True, kw_only=True)
class Distance:
    """Total variation between a readout and the softmax, and what sampling alone would give."""

    total_variation: np.ndarray  # (n_rows,) nan in silent rows
    floor: np.ndarray  # (n_rows,) expected of a multinomial of as many events; nan in silent rows

    @property
    def ratio(self) -> np.ndarray:
        """Total variation of each row over the mean floor, shape (n_rows,)."""
        return self.total_variation / np.nanmean(self.floor) if np.isfinite(self.floor).any() else self.floor


@dataclass(frozen=True, kw_only=True)
class Competition:
    """One circuit's spikes on some rows, and what they are measured against."""

    selection: Selection
    scores: np.ndarray  # (n_rows, n_keys)
    reference_Hz: float  # where PPC looks for a rhythm: the same frequency with the loop and without

    @property
    def target(self) -> np.ndarray:
        """softmax(scores), (n_rows, n_keys)."""
        return softmax(self.scores, axis=1)

    @property
    def n_rows(self) -> int:
        return len(self.scores)

    @property
    def totals(self) -> np.ndarray:
        """Spikes of each row, (n_rows,)."""
        return self.selection.counts.sum(axis=1)

    @property
    def rate_Hz(self) -> np.ndarray:
        """Spikes of each row per second, (n_rows,)."""
        return self.totals / self.selection.row_ms * 1e3

    @property
    def rhythmic(self) -> np.ndarray:
        """Rows with a significant peak in the gamma band, (n_rows,) bool."""
        return np.isfinite(self.selection.f_gamma_Hz)

    @cached_property
    def cycles(self) -> Cycles:
        """Cycles of each row at its own peak; none in a row without."""
        return cycles(self.selection.field, self.selection.field_dt_ms, self.selection.f_gamma_Hz)

    def relative_spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies (n_freq,) in Hz, and power of the population rate over that of a Poisson process of
        the same rate, (n_rows, n_freq): 1 at all frequencies where cells fire independently at random.
        """
        counts = self.selection.spikes.binned(BIN_MS)
        spectrum = power_spectrum(counts, BIN_MS)
        poisson = 2 * counts.mean(axis=1, keepdims=True) * BIN_MS * 1e-3  # one-sided white spectrum
        power = np.divide(
            spectrum.power, poisson, out=np.full(spectrum.power.shape, np.nan), where=poisson > 0
        )
        return spectrum.frequency_Hz, power

    def ppc(self) -> np.ndarray:
        """Pairwise phase consistency of spikes and field around `reference_Hz`, (n_rows,).

        The field is made by the very spikes, so that it is a little above 0 even where cells fire
        independently: compare it with the control.
        """
        centre_Hz = np.full(self.n_rows, self.reference_Hz)
        rhythm = cycles(self.selection.field, self.selection.field_dt_ms, centre_Hz)
        spikes = self.selection.spikes
        return ppc(spike_phases(spikes, rhythm, self.selection.field_dt_ms), spikes.row, self.n_rows)

    def readout(self, name: str) -> Readout:
        """One of `spiking.measures.readout.READOUTS` on these spikes."""
        return READOUTS[name](self.selection.spikes, self.cycles, self.selection.field_dt_ms)

    def distance(self, name: str = "spike_share") -> Distance:
        """How far a readout is from the softmax."""
        read = self.readout(name)
        heard = ~read.silent
        tv, floor = np.full((2, self.n_rows), np.nan)
        tv[heard] = total_variation(read.weights[heard], self.target[heard])
        floor[heard] = total_variation_floor(self.target[heard], np.round(read.n_events[heard]).astype(int))
        return Distance(total_variation=tv, floor=floor)
