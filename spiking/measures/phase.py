"""Phase and cycles of a field around a row's own frequency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft

from spiking.checks import check_signal
from spiking.kept_code import compiled
from spiking.measures.threads import in_threads
from spiking.record import SpikeRecord

__all__ = ["Cycles", "count_cycles", "cycles", "spike_phases"]

_RELATIVE_BANDWIDTH = 0.25  # sd of the band-pass over its centre: 2 f is damped by exp(-8), f +- 10 % by 8 %
_NOTHING_LEFT = 9.0  # standard deviations from the centre where the band-pass is below 1e-17
_AT_ONCE = 32  # rows, whose spectra fit the cache


@dataclass(frozen=True, kw_only=True)
class Cycles:
    """Phase and cycle of the field at every sample; sample i stands at time i * dt."""

    phase_rad: np.ndarray  # (n_rows, n_samples) in (-pi, pi], 0 at the field's peak; nan without a rhythm
    cycle_index: np.ndarray  # (n_rows, n_samples) int64, from trough to trough; -1 outside complete cycles
    n_cycles: np.ndarray  # (n_rows,) int64: complete cycles


def cycles(field: np.ndarray, dt_ms: float, f_gamma_Hz: np.ndarray) -> Cycles:
    """Phase and cycles of each row's field around its own peak frequency.

    Parameters
    ----------
    field : array, shape (n_rows, n_samples)
    dt_ms : float
        Sampling step of the field.
    f_gamma_Hz : array, shape (n_rows,)
        Centre of the band-pass; nan for a row without a rhythm.

    Notes
    -----
    Band-pass and Hilbert transform in one: the positive frequencies under a Gaussian of standard
    deviation f / 4, a complex Morlet wavelet of four cycles' width that shifts no phase
    (Le Van Quyen et al. 2001). A cycle runs from trough to trough; a phase that runs backwards for a moment
    does not begin a new one.
    """
    values, centre_Hz = _checked(field, dt_ms, f_gamma_Hz)
    phase = np.full(values.shape, np.nan)
    index = np.full(values.shape, -1, dtype=np.int64)
    n_cycles = np.zeros(len(values), dtype=np.int64)

    def read(rows: np.ndarray, real: np.ndarray, imag: np.ndarray) -> None:
        angle = np.arctan2(imag, real)
        phase[rows] = np.where(angle <= -np.pi, np.pi, angle)
        index[rows] = _cycle_index(phase[rows])
        n_cycles[rows] = index[rows].max(axis=1) + 1

    _analytic(values, dt_ms, centre_Hz, read)
    return Cycles(phase_rad=phase, cycle_index=index, n_cycles=n_cycles)


def count_cycles(field: np.ndarray, dt_ms: float, f_gamma_Hz: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Complete cycles of each row, (n_rows,) int64, as `cycles` numbers them, with no phase worked out.

    In single precision: where the first or last sample is within 1e-6 of a trough, in about one row of a million,
    the two may differ by a cycle.
    """
    values, centre_Hz = _checked(field, dt_ms, f_gamma_Hz)
    n_cycles = np.zeros(len(values), dtype=np.int64)

    def read(rows: np.ndarray, real: np.ndarray, imag: np.ndarray) -> None:
        n_cycles[rows] = _complete_turns(real, imag)

    _analytic(values, dt_ms, centre_Hz, read, real=np.float32, threads=threads)
    return n_cycles


def _checked(field: np.ndarray, dt_ms: float, f_gamma_Hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = check_signal("field", field, dt_ms)
    centre_Hz = np.asarray(f_gamma_Hz, dtype=float)
    if centre_Hz.shape != values.shape[:1]:
        raise ValueError(f"f_gamma_Hz must have one entry a row, {values.shape[:1]}, got {centre_Hz.shape}")
    return values, centre_Hz


def _analytic(
    field: np.ndarray,
    dt_ms: float,
    centre_Hz: np.ndarray,
    read: Callable[[np.ndarray, np.ndarray, np.ndarray], None],
    *,
    real: type[np.floating[Any]] = np.float64,
    threads: int = 1,
) -> None:
    """Hand on rows with a rhythm, and twice the real and imaginary part of their analytic signal, a few at a time.

    Zeros are padded so that the ends do not meet.
    """
    rhythmic = np.flatnonzero(np.isfinite(centre_Hz))
    if not len(rhythmic):
        return
    n_samples, f_Hz = field.shape[1], centre_Hz[rhythmic]
    n_wrap = int(np.ceil(3e3 / (2 * np.pi * _RELATIVE_BANDWIDTH * f_Hz.min()) / dt_ms))
    n_fft = fft.next_fast_len(n_samples + n_wrap)
    frequency_Hz = fft.rfftfreq(n_fft, dt_ms * 1e-3)[: (n_fft + 1) // 2]  # not that of alternating samples
    n_passed = np.searchsorted(frequency_Hz, f_Hz.max() * (1 + _NOTHING_LEFT * _RELATIVE_BANDWIDTH))

    def work(part: slice) -> None:
        padded = np.zeros((_AT_ONCE, n_fft), dtype=real)
        spectra = np.zeros((2, _AT_ONCE, n_fft // 2 + 1), dtype=np.result_type(real, np.complex64))
        for first in range(part.start, part.stop, _AT_ONCE):
            rows = rhythmic[first : min(first + _AT_ONCE, part.stop)]
            n = len(rows)
            samples = field[rows]
            padded[:n, :n_samples] = samples - samples.mean(axis=1, keepdims=True, dtype=float)
            gain = _gain(frequency_Hz[:n_passed], centre_Hz[rows, None]).astype(real)
            passed = spectra[:, :n, :n_passed]
            np.multiply(fft.rfft(padded[:n], axis=1)[:, :n_passed], gain, out=passed[0])
            np.multiply(passed[0], -1j, out=passed[1])
            of_rows = fft.irfft(spectra[:, :n], n_fft, axis=2)[:, :, :n_samples]
            read(rows, of_rows[0], of_rows[1])

    in_threads(work, len(rhythmic), threads)


def _gain(frequency_Hz: np.ndarray, centre_Hz: np.ndarray) -> np.ndarray:
    """Gain of the band-pass, none for the mean."""
    z = (frequency_Hz - centre_Hz) / (_RELATIVE_BANDWIDTH * centre_Hz)
    return np.where(frequency_Hz > 0, np.exp(-0.5 * z**2), 0.0)


def _cycle_index(phase: np.ndarray) -> np.ndarray:
    """Number of the complete cycle at each sample, -1 before the first trough and after the last."""
    advance = np.maximum.accumulate(np.unwrap(phase, axis=1), axis=1)
    turn = np.floor((advance + np.pi) / (2 * np.pi)).astype(np.int64)
    index = turn - turn[:, :1] - 1
    return np.where(index < index[:, -1:], index, -1)


@compiled(nogil=True)
def _complete_turns(real, imag):  # type: ignore[no-untyped-def]
    """Turns between the first and the last crossing of the negative real axis, where troughs lie, (n_rows,)."""
    n_rows, n_samples = real.shape
    complete = np.zeros(n_rows, np.int64)
    for r in range(n_rows):
        turn, most = 0, 0
        for i in range(1, n_samples):
            if (imag[r, i] < 0) == (imag[r, i - 1] < 0):
                continue
            forward = real[r, i - 1] * imag[r, i] > imag[r, i - 1] * real[r, i]
            if imag[r, i] < 0 and forward:
                turn += 1
            elif imag[r, i] >= 0 and not forward:
                turn -= 1
            most = max(most, turn)
        complete[r] = max(most - 1, 0)
    return complete


def spike_phases(record: SpikeRecord, rhythm: Cycles, dt_ms: float) -> np.ndarray:
    """Phase of the field at each spike, shape (n_spikes,) in (-pi, pi]; nan in rows without a rhythm.

    Interpolated on the unit circle between the two samples around the spike.
    """
    position = record.time_ms / dt_ms
    last = rhythm.phase_rad.shape[1] - 1
    before = np.clip(np.floor(position).astype(np.int64), 0, last)
    after = np.minimum(before + 1, last)
    weight = np.clip(position - before, 0.0, 1.0)
    phase = rhythm.phase_rad[record.row, before], rhythm.phase_rad[record.row, after]
    return np.angle((1 - weight) * np.exp(1j * phase[0]) + weight * np.exp(1j * phase[1]))
