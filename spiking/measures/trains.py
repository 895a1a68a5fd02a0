"""Spike trains of many rows and their Fourier sums, one row after another in compiled code.

A point process needs no bins (Bartlett 1963): a sum runs over the spikes themselves, under Hann windows of half
overlap. A Hann window is a mean of three neighbouring frequencies, so that spikes are summed once per half window
and frequency, with no window at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from spiking.engines.fused.simd import prefer_wide_vectors
from spiking.kept_code import compiled
from spiking.measures.threads import in_threads
from spiking.record import SpikeRecord, Spikes
from spiking.spike_lists import in_row_order

__all__ = ["Segments", "Trains", "UnitSums", "population_power", "unit_sums"]

_FAST = {"reassoc", "contract", "nsz", "arcp"}


@dataclass(frozen=True, kw_only=True)
class Trains:
    """Spikes of rows side by side, those of a row together and in order of time.

    A unit is what fires on its own under a null hypothesis, such as a cell.
    """

    first: np.ndarray  # (n_rows + 1,) int64: where each row's spikes begin
    unit: np.ndarray  # (n_spikes,) int, within the row
    time_ms: np.ndarray  # (n_spikes,) float64
    n_units: int  # of a row, at most
    duration_ms: float

    @classmethod
    def of_record(cls, record: SpikeRecord) -> Trains:
        """The cells of a record, in whatever order it lists its spikes."""
        order = in_row_order(record.row, record.n_rows)
        if (record.time_ms[1:] < record.time_ms[:-1]).any():
            order = np.lexsort((record.time_ms, record.row))
        return cls(
            first=_firsts(record.row[order], record.n_rows),
            unit=record.key[order] * record.n_cells + record.cell[order],
            time_ms=record.time_ms[order],
            n_units=record.n_keys * record.n_cells,
            duration_ms=record.duration_ms,
        )

    @classmethod
    def of_group(cls, spikes: Spikes, n_rows: int, duration_ms: float) -> Trains:
        """The cells of a recorded group."""
        return cls(
            first=_firsts(spikes.row, n_rows),
            unit=spikes.cell,
            time_ms=spikes.time_ms,
            n_units=int(spikes.cell.max(initial=-1)) + 1,
            duration_ms=duration_ms,
        )

    @property
    def n_rows(self) -> int:
        return len(self.first) - 1

    @property
    def n_spikes(self) -> np.ndarray:
        """Spikes of each row, (n_rows,)."""
        return np.diff(self.first)


def _firsts(row: np.ndarray, n_rows: int) -> np.ndarray:
    return np.searchsorted(row, np.arange(n_rows + 1, dtype=row.dtype))


@dataclass(frozen=True)
class Segments:
    """Half-overlapping windows that fill the record; frequencies are counted in periods a window."""

    length_ms: float
    number: int

    @classmethod
    def of(cls, duration_ms: float, about_ms: float) -> Segments:
        """Windows of about the given length; of a short record a single one."""
        number = max(1, round(2 * duration_ms / about_ms) - 1)
        return cls(2 * duration_ms / (number + 1), number)


@dataclass(frozen=True, kw_only=True)
class UnitSums:
    """What the units of each row do at one frequency; X_ck is the sum of unit c in segment k."""

    power: np.ndarray  # (n_rows,) sum_kc |X_ck|^2: expected of their sum if they fire independently
    squared: np.ndarray  # (n_rows,) sum_kl |sum_c X_ck conj(X_cl)|^2
    in_phase: np.ndarray  # (n_rows,) sum_k (sum_c |X_ck|)^2: the power of all, had they one phase


def population_power(trains: Trains, segments: Segments, bins: range, *, threads: int = 1) -> np.ndarray:
    """Power of each row's spikes, summed over segments, (n_rows, n_bins)."""
    out = np.zeros((trains.n_rows, len(bins)))

    def work(rows: slice) -> None:
        first = trains.first[rows.start : rows.stop + 1]
        _population(first, trains.time_ms, segments.length_ms, segments.number, bins.start, out[rows])

    in_threads(work, trains.n_rows, threads)
    return out


def unit_sums(trains: Trains, segments: Segments, frequency: np.ndarray, *, threads: int = 1) -> UnitSums:
    """The sums of each row's units at a frequency of the row, (n_rows,) in periods a segment; none where < 0."""
    out = np.zeros((trains.n_rows, 3))
    at = np.asarray(frequency, dtype=float)

    def work(rows: slice) -> None:
        first = trains.first[rows.start : rows.stop + 1]
        _units(
            first, trains.unit, trains.n_units, trains.time_ms,
            segments.length_ms, segments.number, at[rows], out[rows],
        )  # fmt: skip

    in_threads(work, trains.n_rows, threads)
    return UnitSums(power=out[:, 0], squared=out[:, 1], in_phase=out[:, 2])


@njit(nogil=True, fastmath=_FAST, error_model="numpy")
def _turn(turns, cosine, sine, n):  # type: ignore[no-untyped-def]
    """exp(-2 pi i turns): Taylor's series within an eighth of a turn, to the last bit but one."""
    for i in range(n):
        quarter = np.rint(4.0 * turns[i])
        x = (turns[i] - 0.25 * quarter) * (2 * math.pi)
        y = x * x
        s = 1 / 362880 + y * (-1 / 39916800 + y * (1 / 6227020800 - y / 1307674368000))
        s = x * (1 + y * (-1 / 6 + y * (1 / 120 + y * (-1 / 5040 + y * s))))
        c = 1 / 40320 + y * (-1 / 3628800 + y * (1 / 479001600 + y * (-1 / 87178291200 + y / 20922789888000)))
        c = 1 + y * (-1 / 2 + y * (1 / 24 + y * (-1 / 720 + y * c)))
        which = np.int64(quarter) & 3
        first, second = (s, c) if which & 1 else (c, s)
        cosine[i] = -first if which == 1 or which == 2 else first
        sine[i] = second if which >= 2 else -second


@compiled(nogil=True, fastmath=_FAST, error_model="numpy")
def _population(first, time_ms, length_ms, n_segments, low, out):  # type: ignore[no-untyped-def]
    prefer_wide_vectors()  # type: ignore[call-arg]
    n_bins = out.shape[1]
    n_sums = n_bins + 2 + n_bins % 2
    real, imag = np.empty((n_segments + 1, n_sums)), np.empty((n_segments + 1, n_sums))
    longest = 0
    for r in range(first.size - 1):
        longest = max(longest, first[r + 1] - first[r])
    turns = np.empty(longest)
    step_re, step_im, re, im = np.empty(longest), np.empty(longest), np.empty(longest), np.empty(longest)
    for r in range(first.size - 1):
        begin = first[r]
        for half in range(n_segments + 1):
            end = begin
            until = 0.5 * (half + 1) * length_ms
            while end < first[r + 1] and (time_ms[end] < until or half == n_segments):
                end += 1
            n = end - begin
            for i in range(n):
                turns[i] = time_ms[begin + i] / length_ms
            _turn(turns, step_re, step_im, n)
            for i in range(n):
                turns[i] *= low - 1
            _turn(turns, re, im, n)
            for m in range(0, real.shape[1], 2):  # two frequencies at each reading of the spikes
                re_0, im_0, re_1, im_1 = 0.0, 0.0, 0.0, 0.0
                for i in range(n):
                    x, y, c, s = re[i], im[i], step_re[i], step_im[i]
                    re_0 += x
                    im_0 += y
                    x, y = x * c - y * s, x * s + y * c
                    re_1 += x
                    im_1 += y
                    re[i], im[i] = x * c - y * s, x * s + y * c
                real[half, m], imag[half, m], real[half, m + 1], imag[half, m + 1] = re_0, im_0, re_1, im_1
            begin = end
        for k in range(n_segments):
            side = 0.25 if k % 2 == 0 else -0.25  # the window of an odd segment begins half a turn later
            for m in range(n_bins):
                x = 0.5 * (real[k, m + 1] + real[k + 1, m + 1])
                x -= side * (real[k, m] + real[k + 1, m] + real[k, m + 2] + real[k + 1, m + 2])
                y = 0.5 * (imag[k, m + 1] + imag[k + 1, m + 1])
                y -= side * (imag[k, m] + imag[k + 1, m] + imag[k, m + 2] + imag[k + 1, m + 2])
                out[r, m] += x * x + y * y


@compiled(nogil=True, fastmath=_FAST, error_model="numpy")
def _units(first, unit, n_units, time_ms, length_ms, n_segments, frequency, out):  # type: ignore[no-untyped-def]
    """Sum |B_kl|^2 over pairs of segments, or as sum |A_cd|^2, A = X^H X, over pairs of units if they are fewer.

    Both are tr(X X^H X X^H). So neither time nor memory grows with the square of the duration.
    """
    prefer_wide_vectors()  # type: ignore[call-arg]
    longest = 0
    for r in range(first.size - 1):
        longest = max(longest, first[r + 1] - first[r])
    most = min(longest, n_units)
    by_units = most < n_segments
    place = np.full(n_units, -1, np.int64)  # of each unit that fired in this row
    fired = np.empty(most, np.int64)
    plain, waved = np.zeros((2, most, 2)), np.zeros((2, most, 2))  # sums over the last two half windows
    real, imag = (
        np.empty((1 if by_units else n_segments, most)),
        np.empty((1 if by_units else n_segments, most)),
    )
    n_pairs = most if by_units else 0
    pair_re, pair_im = np.zeros((n_pairs, n_pairs)), np.zeros((n_pairs, n_pairs))
    turns, wave, waste = np.empty(longest), np.empty(longest), np.empty(longest)
    re, im = np.empty(longest), np.empty(longest)
    for r in range(first.size - 1):
        if frequency[r] < 0:
            continue
        begin, n = first[r], first[r + 1] - first[r]
        for i in range(n):
            turns[i] = time_ms[begin + i] / length_ms
        _turn(turns, wave, waste, n)
        for i in range(n):
            turns[i] *= frequency[r]
        _turn(turns, re, im, n)
        n_fired, i = 0, 0
        for half in range(n_segments + 1):
            for c in range(n_fired):
                for part in range(2):
                    plain[0, c, part], waved[0, c, part] = plain[1, c, part], waved[1, c, part]
                    plain[1, c, part] = waved[1, c, part] = 0.0
            while i < n and min(np.int64(2 * time_ms[begin + i] / length_ms), n_segments) <= half:
                u = unit[begin + i]
                if place[u] < 0:
                    place[u], fired[n_fired] = n_fired, u
                    n_fired += 1
                c = place[u]
                plain[1, c, 0] += re[i]
                plain[1, c, 1] += im[i]
                waved[1, c, 0] += wave[i] * re[i]
                waved[1, c, 1] += wave[i] * im[i]
                i += 1
            if half == 0:
                continue
            side = 0.5 if half % 2 == 1 else -0.5  # the window of an odd segment begins half a turn later
            k = 0 if by_units else half - 1
            length = 0.0
            for c in range(n_fired):
                x = 0.5 * (plain[0, c, 0] + plain[1, c, 0]) - side * (waved[0, c, 0] + waved[1, c, 0])
                y = 0.5 * (plain[0, c, 1] + plain[1, c, 1]) - side * (waved[0, c, 1] + waved[1, c, 1])
                length += math.sqrt(x * x + y * y)
                out[r, 0] += x * x + y * y
                real[k, c], imag[k, c] = x, y
            out[r, 2] += length**2
            if by_units:
                for c in range(n_fired):
                    x, y = real[0, c], imag[0, c]
                    for d in range(c + 1):
                        pair_re[c, d] += x * real[0, d] + y * imag[0, d]
                        pair_im[c, d] += y * real[0, d] - x * imag[0, d]
            else:
                real[k, n_fired:], imag[k, n_fired:] = 0.0, 0.0
        for k in range(0 if by_units else n_segments):
            for other in range(k + 1):
                x, y = 0.0, 0.0
                for c in range(n_fired):
                    x += real[k, c] * real[other, c] + imag[k, c] * imag[other, c]
                    y += imag[k, c] * real[other, c] - real[k, c] * imag[other, c]
                out[r, 1] += (x * x + y * y) * (1.0 if other == k else 2.0)
        for c in range(n_fired if by_units else 0):
            for d in range(c + 1):
                x, y = pair_re[c, d], pair_im[c, d]
                out[r, 1] += (x * x + y * y) * (1.0 if c == d else 2.0)
                pair_re[c, d] = pair_im[c, d] = 0.0
        for c in range(n_fired):
            place[fired[c]] = -1
            for part in range(2):
                plain[0, c, part] = plain[1, c, part] = waved[0, c, part] = waved[1, c, part] = 0.0
