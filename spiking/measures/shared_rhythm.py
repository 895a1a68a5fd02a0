"""The rhythm that keys and I cells share, told from the rhythm that a single key has by itself.

A key whose cells take turns fires at even intervals, and that is a rhythm: a peak of the population's spectrum,
with or without a loop. A loop makes members of a row (the keys and the I pool) keep time with each other. The test
asks for that alone: each member's spectrum is left as it is, and its phase is drawn anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spiking.measures.rhythm import GAMMA_BAND_HZ
from spiking.record import SpikeRecord, Spikes

__all__ = ["SharedRhythm", "shared_rhythm"]

MIN_MS = 300.0
MIN_POWER = (
    0.05  # in the band, over that of as many random spikes: an even train far above the band has none there
)
_WIDTH_Hz = 7.0  # over which power is summed: about the line of a rhythm whose periods jitter by 10 %
_BIN_MS = 1.0


@dataclass(frozen=True, kw_only=True)
class SharedRhythm:
    """In how many rows the members keep time with each other, and at which frequency."""

    f_shared_Hz: np.ndarray  # (n_rows,) nan where chance explains the agreement
    strength: (
        np.ndarray
    )  # (n_rows,) 0: independent phases on average, 1: one phase for all; nan without members
    p_value: np.ndarray  # (n_rows,) corrected for the search over the band; 1 with fewer than two members
    significant: np.ndarray  # (n_rows,) bool
    n_members: np.ndarray  # (n_rows,) keys, and the I pool, that have power in the band


def shared_rhythm(
    record: SpikeRecord,
    pool: Spikes | None = None,
    *,
    rng: np.random.Generator,
    band_Hz: tuple[float, float] = GAMMA_BAND_HZ,
    alpha: float = 0.01,
    n_surrogates: int = 199,
) -> SharedRhythm:
    """Test whether the keys of each row, and its I pool, share a rhythm.

    Members' Fourier transforms are brought to equal power within the band, so that no key outweighs the others. The
    statistic is the power of their sum over the sum of their powers, both summed over 7 Hz, at its highest in the
    band. Under the null hypothesis members are independent and stationary; a turn of a member's phase, the same at
    all frequencies of the band, then changes nothing. It is what a shift in time does to a single line, and unlike
    a circular shift it keeps how the phase runs on from one frequency to the next. Few members agree by chance now
    and then: with fewer than about six the test misses many rhythms that are there.

    Parameters
    ----------
    record : SpikeRecord
        Of rows that ran for the whole duration, at least 300 ms.
    pool : Spikes, optional
        Spikes of the I cells, such as `selection.other_spikes["inh"]`; together they are one more member.
    rng : numpy.random.Generator
        Of the surrogates' phases.
    band_Hz : (low, high)
    alpha : float
        Chance of a rhythm that is not there, per row.
    n_surrogates : int
        The smallest p value is 1 / (n_surrogates + 1).

    Raises
    ------
    ValueError
        For a record too short, and too few surrogates for `alpha`.
    """
    if record.duration_ms < MIN_MS:
        raise ValueError(
            f"record must last >= {MIN_MS:g} ms for a shared rhythm, got {record.duration_ms:g} ms; measure longer."
        )
    if alpha * (n_surrogates + 1) < 1:
        raise ValueError(
            f"n_surrogates must be >= 1 / alpha - 1 = {1 / alpha - 1:.0f}, got {n_surrogates}; draw more."
        )
    frequency_Hz, transforms, random_power = _members(record, pool, band_Hz)
    power = (np.abs(transforms) ** 2).mean(axis=2)
    taking_part = (power > 0) & (power >= MIN_POWER * random_power)
    tested = [
        _of_row(each[here], n_surrogates, frequency_Hz, rng)
        for each, here in zip(transforms, taking_part, strict=True)
    ]
    at_Hz, strength, p_value = np.array(tested).reshape(-1, 3).T
    significant = p_value <= alpha
    return SharedRhythm(
        f_shared_Hz=np.where(significant, at_Hz, np.nan),
        strength=strength,
        p_value=p_value,
        significant=significant,
        n_members=taking_part.sum(axis=1),
    )


def _members(
    record: SpikeRecord, pool: Spikes | None, band_Hz: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies and transforms over the band and half a width more, and the power of as many random spikes.

    Shapes (n_freq,), (n_rows, n_members, n_freq) and (n_rows, n_members). The Hann window keeps what is outside the
    band from leaking into it.
    """
    n_bins, n_members = int(record.duration_ms / _BIN_MS), record.n_keys + 1
    row, key, time_ms = record.row, record.key, record.time_ms
    if pool is not None:
        row = np.concatenate([row, pool.row])
        key = np.concatenate([key, np.full(len(pool.row), record.n_keys)])
        time_ms = np.concatenate([time_ms, pool.time_ms])
    member = row.astype(np.int64) * n_members + key
    flat = member * n_bins + np.minimum((time_ms / _BIN_MS).astype(np.int64), n_bins - 1)
    trains = np.bincount(flat, minlength=record.n_rows * n_members * n_bins).reshape(-1, n_members, n_bins)
    frequency_Hz = np.fft.rfftfreq(n_bins, _BIN_MS / 1e3)
    half = _WIDTH_Hz / 2
    here = (frequency_Hz >= band_Hz[0] - half) & (frequency_Hz <= band_Hz[1] + half)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n_bins) + 0.5) / n_bins)
    return frequency_Hz[here], np.fft.rfft(trains * window, axis=-1)[..., here], trains @ window**2


def _of_row(
    transforms: np.ndarray, n_surrogates: int, frequency_Hz: np.ndarray, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Frequency, strength and p value of one row, from its members' transforms (n_members, n_freq)."""
    n = len(transforms)
    if n < 2:
        return np.nan, np.nan, 1.0
    equal = transforms / np.sqrt((np.abs(transforms) ** 2).mean(axis=1, keepdims=True))
    width = max(1, round(_WIDTH_Hz / (frequency_Hz[1] - frequency_Hz[0])))
    apart = _summed((np.abs(equal) ** 2).sum(axis=0), width)
    powered = apart > 1e-6 * apart.max()  # elsewhere a ratio of rounding errors

    def ratio(together: np.ndarray) -> np.ndarray:
        return _summed(np.abs(together) ** 2, width) * powered / np.where(powered, apart, 1.0)

    seen = ratio(equal.sum(axis=0))
    turns = np.exp(2j * np.pi * rng.random((n_surrogates, n)))
    by_chance = ratio(turns @ equal).max(axis=1)
    best = int(seen.argmax())
    p_value = (1 + np.sum(by_chance >= seen[best])) / (n_surrogates + 1)  # Davison and Hinkley 1997, eq. 4.11
    return float(frequency_Hz[best : best + width].mean()), float((seen[best] - 1) / (n - 1)), float(p_value)


def _summed(power: np.ndarray, width: int) -> np.ndarray:
    """Running sums over so many frequencies."""
    total = np.cumsum(np.concatenate([np.zeros((*power.shape[:-1], 1)), power], axis=-1), axis=-1)
    return total[..., width:] - total[..., :-width]
