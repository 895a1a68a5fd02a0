"""What is left of a distance as spikes go to infinity: bias separated from noise by halving the spike record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from spiking.record import SpikeRecord

__all__ = ["Halves", "RemainingBias", "halves", "remaining_bias"]

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Halves:
    """The spikes of each row, cut in an earlier and a later half of (nearly) equal count."""

    early: np.ndarray  # (n_rows, n_keys) int64
    late: np.ndarray  # (n_rows, n_keys) int64


@dataclass(frozen=True, kw_only=True)
class RemainingBias:
    """A distance without its sampling noise, mean over rows; below 0 where noise alone explains it."""

    value: float
    se: float  # over rows, by the jackknife; nan for fewer than two rows
    low: float  # 95 % interval
    high: float


def halves(spikes: SpikeRecord) -> Halves:
    """Cut each row's spikes in two in the order of time, so that what correlates stays within a half."""
    order = np.argsort(spikes.row, kind="stable")
    row, key = spikes.row[order].astype(np.int64), spikes.key[order].astype(np.int64)
    n_spikes = np.bincount(row, minlength=spikes.n_rows)
    place = np.arange(len(row)) - (np.cumsum(n_spikes) - n_spikes)[row]
    late = 2 * place >= n_spikes[row]
    shape = spikes.n_rows, spikes.n_keys
    flat = row * spikes.n_keys + key
    early_counts, late_counts = (
        np.bincount(flat[part], minlength=shape[0] * shape[1]).reshape(shape) for part in (~late, late)
    )
    return Halves(early=early_counts, late=late_counts)


def remaining_bias(
    whole: np.ndarray, half: np.ndarray, floor_whole: np.ndarray, floor_half: np.ndarray, *, power: int
) -> RemainingBias:
    """Extrapolate the mean of a distance over rows to infinitely many spikes.

    Two equations for two unknowns, at all spikes and at half of them:
    mean^power = bias^power + phi floor^power.
    The floor is a multinomial's at the target weights; phi, which drops out, takes up spikes that are more or
    less regular than that. With independent spikes from the target law the bias is 0 without further
    assumptions. Away from it, keys that expect less than a spike make KL and JS come out up to a fifth too
    small, and spikes in strong bursts on many such keys make them too large.

    Parameters
    ----------
    whole, half : (n_rows,) arrays
        The distance at all of a row's spikes, and its mean over the two halves.
    floor_whole, floor_half : (n_rows,) arrays
        What a multinomial would score at these counts.
    power : {1, 2}
        1 for distances that are smooth at zero, whose noise adds in 1 / N (KL, JS, 1 - cosine); 2 for total
        variation, whose square does: exact where deviations from the law are normal with spread in proportion
        to the noise, within a fifth for smooth distortions of a softmax.

    Returns
    -------
    RemainingBias
        nan where no row has two spikes and two keys.
    """
    rows = np.stack([whole, half, floor_whole, floor_half])
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    n = rows.shape[1]
    if n == 0 or not (rows[3] - rows[2]).sum() > 0:
        return RemainingBias(value=np.nan, se=np.nan, low=np.nan, high=np.nan)
    powered = float(_solve(rows.mean(axis=1), power))
    if n == 1:
        return RemainingBias(value=_signed_root(powered, power), se=np.nan, low=np.nan, high=np.nan)
    without_one = _solve((rows.sum(axis=1, keepdims=True) - rows) / (n - 1), power)
    se = float(np.sqrt((n - 1) * np.var(without_one)))
    reach = float(student.ppf((1 + CONFIDENCE) / 2, n - 1))
    low, high = (_signed_root(powered + side * reach * se, power) for side in (-1, 1))
    return RemainingBias(
        value=_signed_root(powered, power), se=float((high - low) / (2 * reach)), low=low, high=high
    )


def _solve(means: np.ndarray, power: int) -> np.ndarray:
    """bias^power from (whole, half, floor_whole, floor_half)."""
    whole, half, floor_whole, floor_half = means**power
    with np.errstate(divide="ignore", invalid="ignore"):  # nan where rows hold too few spikes to tell
        return (whole * floor_half - half * floor_whole) / (floor_half - floor_whole)


def _signed_root(value: float, power: int) -> float:
    return float(np.sign(value) * np.abs(value) ** (1 / power))
