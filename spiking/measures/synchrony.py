"""How tightly spikes and fields go together: vector strength, PPC, PLV and coherence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal

__all__ = ["Coherence", "coherence_by_row", "plv", "ppc", "spike_field_coherence", "vector_strength"]


@dataclass(frozen=True, kw_only=True)
class Coherence:
    """Magnitude of the spike-field coherence, in [0, 1]; nan where spikes or field have no power."""

    frequency_Hz: np.ndarray  # (n_freq,)
    coherence: np.ndarray  # (n_freq,), or (n_rows, n_freq) by row


def _resultant(phase_rad: np.ndarray, group: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Length of the summed unit vectors and their number in each group, both (n_groups,) float."""
    phase_rad, group = np.asarray(phase_rad, dtype=float), np.asarray(group)
    if phase_rad.ndim != 1 or phase_rad.shape != group.shape:
        raise ValueError(
            f"phase_rad and group must be 1-D and alike, got {phase_rad.shape} and {group.shape}; "
            "give one group to each phase"
        )
    known = np.isfinite(phase_rad)
    phase_rad, group = phase_rad[known], group[known]
    real = np.bincount(group, weights=np.cos(phase_rad), minlength=n_groups)
    imaginary = np.bincount(group, weights=np.sin(phase_rad), minlength=n_groups)
    return np.hypot(real, imaginary), np.bincount(group, minlength=n_groups).astype(float)


def vector_strength(phase_rad: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Length of the mean phase vector of each group, shape (n_groups,); nan without a phase.

    Biased upwards at low counts: independent phases give about sqrt(pi / (4 n)). Phases that are nan
    (rows without a rhythm) do not count. See `ppc` for the unbiased measure.
    """
    length, n = _resultant(phase_rad, group, n_groups)
    return np.divide(length, n, out=np.full(n_groups, np.nan), where=n > 0)


def ppc(phase_rad: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Pairwise phase consistency of each group, shape (n_groups,); nan with fewer than two phases.

    The mean cosine between all pairs of phases, 0 on average for independent phases whatever their number
    (Vinck et al. 2010), in closed form (|sum exp(i phase)|^2 - n) / (n (n - 1)).

    Parameters
    ----------
    phase_rad : array, shape (n_spikes,)
        Phases that are nan (rows without a rhythm) do not count.
    group : int array, shape (n_spikes,)
        Which row, key or cell each phase belongs to.
    n_groups : int
    """
    length, n = _resultant(phase_rad, group, n_groups)
    return np.divide(length**2 - n, n * (n - 1), out=np.full(n_groups, np.nan), where=n > 1)


def plv(phase_a_rad: np.ndarray, phase_b_rad: np.ndarray) -> np.ndarray:
    """Phase locking value across trials at each sample, shape (n_samples,) (Lachaux et al. 1999).

    Both phases have the shape (n_trials, n_samples).
    """
    difference = np.asarray(phase_a_rad) - np.asarray(phase_b_rad)
    if difference.ndim != 2:
        raise ValueError(
            f"phases must be of shape (n_trials, n_samples), got {difference.shape}; add the axis"
        )
    return np.abs(np.exp(1j * difference).mean(axis=0))


def spike_field_coherence(spikes: np.ndarray, field: np.ndarray, dt_ms: float) -> Coherence:
    """Coherence of spikes and field over trials, mean removed, Hann taper (Kramer and Eden 2016, ch. 11).

    Parameters
    ----------
    spikes, field : array, shape (n_trials, n_samples)
        Spike counts in bins and the field at the same times. One trial alone has coherence 1 everywhere.
    dt_ms : float
        Width of a bin.
    """
    spikes, field = _require_pair(spikes, field, dt_ms)
    taper = signal.get_window("hann", spikes.shape[1], fftbins=True)
    spike_fft, field_fft = (fft.rfft((x - x.mean(axis=1, keepdims=True)) * taper) for x in (spikes, field))
    cross = np.abs((field_fft * spike_fft.conj()).mean(axis=0))
    power = (np.abs(spike_fft) ** 2).mean(axis=0) * (np.abs(field_fft) ** 2).mean(axis=0)
    coherence = np.divide(cross, np.sqrt(power), out=np.full(len(cross), np.nan), where=power > 0)
    return Coherence(frequency_Hz=fft.rfftfreq(spikes.shape[1], dt_ms * 1e-3), coherence=coherence)


def coherence_by_row(
    spikes: np.ndarray, field: np.ndarray, dt_ms: float, segment_ms: float = 250.0
) -> Coherence:
    """Coherence of each row's spikes and field over the half-overlapping Hann segments of that row.

    Parameters
    ----------
    spikes, field : array, shape (n_rows, n_samples)
    dt_ms : float
        Width of a bin.
    segment_ms : float
        Length of a segment; at least two must fit. K independent segments of unrelated signals still
        show about sqrt(pi / (4 K)), so compare rows of one length only.
    """
    spikes, field = _require_pair(spikes, field, dt_ms)
    n_segment = round(segment_ms / dt_ms)
    if not 2 <= n_segment <= spikes.shape[1] * 2 / 3:
        raise ValueError(
            f"segment_ms must be <= 2/3 of the record's {spikes.shape[1] * dt_ms} ms, so that two "
            f"half-overlapping segments fit, got {segment_ms}; shorten it, or lengthen the record"
        )
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 is the nan promised for a silent row
        frequency, squared = signal.coherence(
            spikes, field, fs=1e3 / dt_ms, window="hann", nperseg=n_segment, axis=-1
        )
    return Coherence(frequency_Hz=frequency, coherence=np.sqrt(squared))


def _require_pair(spikes: np.ndarray, field: np.ndarray, dt_ms: float) -> tuple[np.ndarray, np.ndarray]:
    spikes, field = np.asarray(spikes, dtype=float), np.asarray(field, dtype=float)
    if spikes.ndim != 2 or spikes.shape != field.shape:
        raise ValueError(
            f"spikes and field must be 2-D and of one shape, got {spikes.shape} and {field.shape}; "
            "bin the spikes at the field's step"
        )
    if not dt_ms > 0:
        raise ValueError(f"dt_ms must be > 0, got {dt_ms}; use the width of a bin in ms, such as 1.0")
    return spikes, field
