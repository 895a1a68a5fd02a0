"""The population rhythm: power spectrum, and the gamma peak with its test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal, special

from spiking.checks import check_signal
from spiking.measures.phase import Cycles, cycles, spike_phases
from spiking.measures.trains import Segments, Trains, population_power, unit_sums
from spiking.record import SpikeRecord

__all__ = [
    "GAMMA_BAND_HZ",
    "MIN_SPIKES",
    "Cycles",
    "GammaPeak",
    "Spectrum",
    "cycles",
    "gamma_peak",
    "peak_of",
    "power_spectrum",
    "spike_phases",
]

GAMMA_BAND_HZ = (30.0, 80.0)
MIN_SPIKES = 20  # a row with fewer has no testable rhythm
_ROUNDING = 1e-10  # of a sum, per spike: cells that fire in every step have no power but that
_SEGMENT_MS = 500.0  # 2 Hz between bins: finer than the line of a rhythm whose periods jitter by 10 %


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
    critical_ratio: np.ndarray  # (n_rows,) ratio that makes a peak significant; nan without a peak
    largest_ratio: np.ndarray  # (n_rows,) ratio of the same cells if all had one phase; nan without a peak

    @property
    def least_locking(self) -> np.ndarray:
        """How tightly cells must lock for the test to notice, (n_rows,); above 1 it cannot, nan without a peak.

        Cells whose phases have the vector strength r are expected at the ratio 1 + r^2 (largest_ratio - 1). Given
        is the r that reaches `critical_ratio`: with it about half of such rows are significant.
        """
        room = np.maximum(self.largest_ratio - 1, 1e-200)  # one cell: far above 1, and no overflow
        return np.sqrt(np.maximum(self.critical_ratio - 1, 0) / room)


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
    values = check_signal("signal", signal_, dt_ms)
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
    return peak_of(Trains.of_record(record), band_Hz, alpha)


def peak_of(
    trains: Trains,
    band_Hz: tuple[float, float] = GAMMA_BAND_HZ,
    alpha: float = 0.01,
    *,
    threads: int = 1,
) -> GammaPeak:
    """Test trains of any units, such as the cells of another group, as `gamma_peak` does those of a record."""
    low, high = band_Hz
    if not 0 < low < high:
        raise ValueError(
            f"band_Hz must be (low, high) with 0 < low < high, got {band_Hz}; try {GAMMA_BAND_HZ}"
        )
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}; use a small chance such as 0.01")
    segments = Segments.of(trains.duration_ms, _SEGMENT_MS)
    search = _Search.of(segments.length_ms, low, high)
    ratio, critical, largest, frequency_Hz = np.full((4, trains.n_rows), np.nan)
    p_value = np.ones(trains.n_rows)
    if trains.duration_ms >= 2e3 / low:
        power = population_power(trains, segments, search.bins, threads=threads)
        best, position = _highest_peaks(power, search)
        rounding = (_ROUNDING * trains.n_spikes) ** 2
        best[(trains.n_spikes < MIN_SPIKES) | (power.max(axis=1) <= rounding)] = -1
        rows = np.flatnonzero(best >= 0)
        at = np.where(best >= 0, search.bins.start + best, -1)
        sums = unit_sums(trains, segments, at, threads=threads)
        expected = sums.power[rows]
        shape = expected**2 / sums.squared[rows]
        ratio[rows] = power[rows, best[rows]] / expected
        largest[rows] = sums.in_phase[rows] / expected
        critical[rows] = special.gammainccinv(shape, -np.expm1(np.log1p(-alpha) / search.n_tried)) / shape
        p_of_bin = np.minimum(special.gammaincc(shape, shape * ratio[rows]), 1 - 1e-12)
        p_value[rows] = -np.expm1(search.n_tried * np.log1p(-p_of_bin))
        frequency_Hz[rows] = position[rows] * 1e3 / segments.length_ms
    significant = p_value < alpha
    return GammaPeak(
        f_gamma_Hz=np.where(significant, frequency_Hz, np.nan),
        ratio=ratio,
        p_value=p_value,
        significant=significant,
        critical_ratio=critical,
        largest_ratio=largest,
    )


@dataclass(frozen=True, kw_only=True)
class _Search:
    """Where a peak is looked for, in periods a segment: bin m has m, and m >= 2 sees nothing of the mean."""

    bins: range  # a third of the band's lower edge to 1.5 times its upper edge
    low: float  # the band's edges
    high: float

    @classmethod
    def of(cls, segment_ms: float, low_Hz: float, high_Hz: float) -> _Search:
        low, high = low_Hz * segment_ms * 1e-3, high_Hz * segment_ms * 1e-3
        return cls(bins=range(max(2, int(low / 3)), int(1.5 * high) + 2), low=low, high=high)

    @property
    def n_tried(self) -> int:
        """Bins where a peak in the band can stand."""
        return int(np.floor(self.high + 0.5) - np.ceil(self.low - 0.5)) + 1


def _highest_peaks(power: np.ndarray, search: _Search) -> tuple[np.ndarray, np.ndarray]:
    """Each row's highest peak of all if it lies in the band: its place among the bins, else -1, and its position.

    Peaks are compared at the top of a parabola through the logarithm of the power of three bins: the
    height of a line between two bins is up to 1.4 dB above either.
    """
    here = np.log(np.maximum(power, np.finfo(float).tiny))
    padded = np.pad(here, ((0, 0), (1, 1)), mode="reflect")
    before, after = padded[:, :-2], padded[:, 2:]
    is_peak = (here > before) & (here > after)
    slope, curvature = before - after, before - 2 * here + after
    shift = np.divide(slope, 2 * curvature, out=np.zeros(power.shape), where=is_peak)
    best = np.argmax(np.where(is_peak, here - slope * shift / 4, -np.inf), axis=1)
    at_best = np.arange(len(power)), best
    position = search.bins.start + best + shift[at_best]
    in_band = is_peak[at_best] & (search.low <= position) & (position <= search.high)
    return np.where(in_band, best, -1), position
