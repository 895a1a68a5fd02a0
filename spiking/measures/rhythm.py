"""The population rhythm: power spectrum, gamma peak with its test, and the cycles of the field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal, sparse, special

from spiking.record import SpikeRecord

__all__ = [
    "GAMMA_BAND_HZ",
    "MIN_SPIKES",
    "Cycles",
    "GammaPeak",
    "Spectrum",
    "cycles",
    "gamma_peak",
    "power_spectrum",
    "spike_phases",
]

GAMMA_BAND_HZ = (30.0, 80.0)
MIN_SPIKES = 20  # a row with fewer has no testable rhythm
_SEGMENT_MS = 500.0  # 2 Hz between bins: finer than the line of a rhythm whose periods jitter by 10 %
_RELATIVE_BANDWIDTH = 0.25  # sd of the band-pass over its centre: 2 f is damped by exp(-8), f +- 10 % by 8 %


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Welch power spectral density, one-sided."""

    frequency_Hz: np.ndarray  # (n_freq,)
    power: np.ndarray  # (n_rows, n_freq), squared units of the signal per Hz
    n_segments: int
    dof: float  # degrees of freedom of the chi-square law of each ordinate


@dataclass(frozen=True, kw_only=True)
class GammaPeak:
    """The highest peak of each row's population spectrum in the band, and whether chance explains it."""

    f_gamma_Hz: np.ndarray  # (n_rows,) nan where the peak is not significant
    ratio: np.ndarray  # (n_rows,) power over that of independent cells at the peak; nan without a peak
    p_value: np.ndarray  # (n_rows,) corrected for the search over the band; 1 without a peak
    significant: np.ndarray  # (n_rows,) bool


@dataclass(frozen=True, kw_only=True)
class Cycles:
    """Phase and cycle of the field at every sample; sample i stands at time i * dt."""

    phase_rad: np.ndarray  # (n_rows, n_samples) in (-pi, pi], 0 at the field's peak; nan without a rhythm
    cycle_index: np.ndarray  # (n_rows, n_samples) int64, from trough to trough; -1 outside complete cycles
    n_cycles: np.ndarray  # (n_rows,) int64: complete cycles


def _require_signal(name: str, values: np.ndarray, dt_ms: float) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(
            f"{name} must be of shape (n_rows, n_samples >= 2), got {values.shape}; add the axis"
        )
    if not dt_ms > 0:
        raise ValueError(f"dt_ms must be > 0, got {dt_ms}; use the sampling step in ms, such as 1.0")
    return values


def power_spectrum(signal_: np.ndarray, dt_ms: float, segment_ms: float = _SEGMENT_MS) -> Spectrum:
    """Power spectrum of each row: Hann windows, half overlapping, mean removed (Welch 1967).

    Parameters
    ----------
    signal_ : array, shape (n_rows, n_samples)
        A field, or spike counts in bins.
    dt_ms : float
        Sampling step.
    segment_ms : float
        Length of a segment; a signal shorter than that is one segment.

    Notes
    -----
    The degrees of freedom are 36 K^2 / (19 K - 1) for K half-overlapping Hann segments
    (Percival and Walden 1993, eq. 292b).
    """
    values = _require_signal("signal", signal_, dt_ms)
    n_segment = min(values.shape[1], round(segment_ms / dt_ms))
    if n_segment < 2:
        raise ValueError(
            f"segment_ms must span 2 samples or more, got {segment_ms} at dt_ms {dt_ms}; lengthen it"
        )
    n_overlap = n_segment // 2
    frequency, power = signal.welch(
        values, fs=1e3 / dt_ms, window="hann", nperseg=n_segment, noverlap=n_overlap, axis=-1
    )
    n_segments = (values.shape[1] - n_overlap) // (n_segment - n_overlap)
    dof = 36 * n_segments**2 / (19 * n_segments - 1)
    return Spectrum(frequency_Hz=frequency, power=power, n_segments=n_segments, dof=dof)


def gamma_peak(
    record: SpikeRecord, band_Hz: tuple[float, float] = GAMMA_BAND_HZ, alpha: float = 0.01
) -> GammaPeak:
    """Find the peak of each row's population spectrum and test it against independent cells.

    Parameters
    ----------
    record : SpikeRecord
    band_Hz : (low, high)
        Where the peak may lie.
    alpha : float
        Chance of calling independent cells a rhythm, per row.

    Returns
    -------
    GammaPeak
        A row has no peak when it has fewer than `MIN_SPIKES` spikes, lasts less than two periods of the
        band's lower edge, or when its highest peak from a third of the lower to 1.5 times the upper edge
        lies outside the band: the harmonic of a slower rhythm is not a gamma rhythm.

    Notes
    -----
    The spectrum is the Hann-tapered periodogram of the spike times themselves, averaged over
    half-overlapping segments of about 500 ms that fill the record (a point process needs no bins: Bartlett
    1963). Let X_ck be the Fourier coefficient of cell c in segment k. Under the null hypothesis the
    cells fire independently, each with its own autocorrelation, so the population power
    sum_k |sum_c X_ck|^2 is expected to be sum_kc |X_ck|^2: cells that are merely regular do not make a
    rhythm. Given the cells' trains, with phases independent between cells, the vector over k of sum_c X_ck
    is complex normal with covariance B_kl = sum_c X_ck conj(X_cl). The power over its expectation is then
    a gamma variable of mean 1 and, matching the variance (Satterthwaite 1946), shape
    tr(B)^2 / sum_kl |B_kl|^2: the number of independent segments after overlap, uneven rates
    and cells so regular that they keep their phase from segment to segment. The p value is corrected
    for the number of bins in the band (Sidak 1967); neighbouring Hann bins correlate, so it is conservative.
    """
    low, high = band_Hz
    if not 0 < low < high:
        raise ValueError(
            f"band_Hz must be (low, high) with 0 < low < high, got {band_Hz}; try {GAMMA_BAND_HZ}"
        )
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}; use a small chance such as 0.01")
    frequency_Hz, ratio, p_value = (np.full(record.n_rows, fill) for fill in (np.nan, np.nan, 1.0))
    if record.duration_ms >= 2e3 / low:
        grid = _Grid.of(record.duration_ms, low, high)
        order = np.argsort(record.row, kind="stable")
        ends = np.cumsum(np.bincount(record.row, minlength=record.n_rows))
        for row in np.flatnonzero(np.diff(ends, prepend=0) >= MIN_SPIKES):
            here = order[ends[row - 1] if row else 0 : ends[row]]
            cell = record.key[here].astype(np.int64) * record.n_cells + record.cell[here]
            frequency_Hz[row], ratio[row], p_value[row] = _test_row(cell, record.time_ms[here], grid)
    significant = p_value < alpha
    f_gamma_Hz = np.where(significant, frequency_Hz, np.nan)
    return GammaPeak(f_gamma_Hz=f_gamma_Hz, ratio=ratio, p_value=p_value, significant=significant)


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """Segments and frequency bins; bin m has m periods in a segment, and m >= 2 sees nothing of the mean."""

    segment_ms: float
    start_ms: np.ndarray  # (n_segments,)
    bins: np.ndarray  # (n_bins,) int: a third of the band's lower edge to 1.5 times its upper edge
    low: float  # the band's edges, in bins
    high: float

    @classmethod
    def of(cls, duration_ms: float, low_Hz: float, high_Hz: float) -> _Grid:
        n_segments = max(1, round(2 * duration_ms / _SEGMENT_MS) - 1)
        segment_ms = 2 * duration_ms / (n_segments + 1) if n_segments > 1 else duration_ms
        low, high = low_Hz * segment_ms * 1e-3, high_Hz * segment_ms * 1e-3
        bins = np.arange(max(2, int(low / 3)), int(1.5 * high) + 2)
        start_ms = np.arange(n_segments) * segment_ms / 2
        return cls(segment_ms=segment_ms, start_ms=start_ms, bins=bins, low=low, high=high)

    @property
    def n_searched(self) -> int:
        """Bins where a peak in the band can stand."""
        return int(np.floor(self.high + 0.5) - np.ceil(self.low - 0.5)) + 1


def _test_row(cell: np.ndarray, time_ms: np.ndarray, grid: _Grid) -> tuple[float, float, float]:
    """Frequency, ratio and corrected p value of one row's peak; (nan, nan, 1) without one."""
    coefficient = _cell_coefficients(cell, time_ms, grid)  # (n_segments, n_active, n_bins)
    population = (np.abs(coefficient.sum(axis=1)) ** 2).sum(axis=0)  # (n_bins,)
    peak = _highest_peak(population, grid)
    if peak is None:
        return np.nan, np.nan, 1.0
    best, position = peak
    x = coefficient[:, :, best]
    b = x @ x.conj().T  # (n_segments, n_segments)
    expected = float(np.trace(b).real)
    ratio = float(population[best]) / expected
    shape = expected**2 / float((np.abs(b) ** 2).sum())
    p_of_bin = float(special.gammaincc(shape, shape * ratio))
    p_value = float(-np.expm1(grid.n_searched * np.log1p(-min(p_of_bin, 1 - 1e-12))))
    return position * 1e3 / grid.segment_ms, ratio, p_value


def _cell_coefficients(cell: np.ndarray, time_ms: np.ndarray, grid: _Grid) -> np.ndarray:
    """Hann-tapered Fourier coefficient of each cell that fired, shape (n_segments, n_active, n_bins)."""
    active, which = np.unique(cell, return_inverse=True)
    fraction = (time_ms[None, :] - grid.start_ms[:, None]) / grid.segment_ms  # (n_segments, n_spikes)
    segment, spike = np.nonzero((fraction > 0) & (fraction < 1))
    taper = np.sin(np.pi * fraction[segment, spike]) ** 2
    n_groups = len(grid.start_ms) * len(active)
    group = segment * len(active) + which[spike]
    tapered = sparse.csr_array((taper, (group, spike)), shape=(n_groups, len(time_ms)))
    turn = np.exp(-2j * np.pi / grid.segment_ms * time_ms)  # of one bin; its powers are the others
    carrier = np.empty((len(time_ms), len(grid.bins)), dtype=complex)
    carrier[:, 0] = turn ** grid.bins[0]
    for column in range(1, len(grid.bins)):
        carrier[:, column] = carrier[:, column - 1] * turn
    return (tapered @ carrier).reshape(len(grid.start_ms), len(active), len(grid.bins))


def _highest_peak(power: np.ndarray, grid: _Grid) -> tuple[int, float] | None:
    """Bin and interpolated position (in bins) of the highest peak of all, if it lies in the band.

    Peaks are compared at the top of a parabola through the logarithm of the power of three bins: the
    height of a line between two bins is up to 1.4 dB above either.
    """
    before, here, after = np.lib.stride_tricks.sliding_window_view(
        np.pad(np.log(np.maximum(power, np.finfo(float).tiny)), 1, mode="reflect"), len(power)
    )
    is_peak = (here > before) & (here > after)
    slope, curvature = before - after, before - 2 * here + after
    shift = np.divide(slope, 2 * curvature, out=np.zeros(len(power)), where=is_peak)
    position = grid.bins + shift
    height = np.where(is_peak, here - slope * shift / 4, -np.inf)
    best = int(np.argmax(height))
    in_band = is_peak[best] and grid.low <= position[best] <= grid.high
    return (best, float(position[best])) if in_band else None


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
    values = _require_signal("field", field, dt_ms)
    centre_Hz = np.asarray(f_gamma_Hz, dtype=float)
    if centre_Hz.shape != values.shape[:1]:
        raise ValueError(f"f_gamma_Hz must have one entry a row, {values.shape[:1]}, got {centre_Hz.shape}")
    phase = np.full(values.shape, np.nan)
    index = np.full(values.shape, -1, dtype=np.int64)
    n_cycles = np.zeros(len(values), dtype=np.int64)
    rows = np.flatnonzero(np.isfinite(centre_Hz))
    if len(rows):
        phase[rows] = _phase(values[rows], dt_ms, centre_Hz[rows])
        index[rows] = _cycle_index(phase[rows])
        n_cycles[rows] = index[rows].max(axis=1) + 1
    return Cycles(phase_rad=phase, cycle_index=index, n_cycles=n_cycles)


def _phase(field: np.ndarray, dt_ms: float, centre_Hz: np.ndarray) -> np.ndarray:
    """Phase in (-pi, pi], shape (n_rows, n_samples); zeros are padded so that the ends do not meet."""
    n_samples = field.shape[1]
    n_wrap = int(np.ceil(3e3 / (2 * np.pi * _RELATIVE_BANDWIDTH * centre_Hz.min()) / dt_ms))
    n_fft = fft.next_fast_len(n_samples + n_wrap)
    frequency_Hz = fft.fftfreq(n_fft, dt_ms * 1e-3)
    z = (frequency_Hz - centre_Hz[:, None]) / (_RELATIVE_BANDWIDTH * centre_Hz[:, None])
    gain = np.where(frequency_Hz > 0, np.exp(-0.5 * z**2), 0.0)
    centred = field - field.mean(axis=1, keepdims=True, dtype=float)
    analytic = fft.ifft(fft.fft(centred, n_fft, axis=1) * gain, axis=1)[:, :n_samples]
    phase = np.angle(analytic)
    return np.where(phase <= -np.pi, np.pi, phase)


def _cycle_index(phase: np.ndarray) -> np.ndarray:
    """Number of the complete cycle at each sample, -1 before the first trough and after the last."""
    advance = np.maximum.accumulate(np.unwrap(phase, axis=1), axis=1)
    turn = np.floor((advance + np.pi) / (2 * np.pi)).astype(np.int64)
    index = turn - turn[:, :1] - 1
    return np.where(index < index[:, -1:], index, -1)


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
