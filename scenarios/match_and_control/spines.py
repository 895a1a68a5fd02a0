"""Match and control at single spines, reduced from a cell of 1500 spines (Ellwood 2024).

A query is the spike train of a cell, keys are the trains of its axons. Calcium rises in a spine where a key spike
comes shortly before a spike of the cell; axons whose calcium passes a threshold are potentiated, and in the control
phase the spikes of a potentiated axon fire the cell. Rates, windows and the rule of scoring are those of the
author's programs (github.com/iellwood/MatchAndControlPaper); channels and dendrites are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["PUBLISHED", "Controlled", "Matched", "calcium", "control", "kernel", "match", "trains"]

RATE_per_ms, DEAD_ms = 6e-3, 50.0  # of all trains
PEAK_ms, LONGEST_ms = 7.0, 80.0  # lead of the matched axon; leads beyond the second raise nothing
SHARPNESS = 20.0  # of potentiation against calcium over its threshold
FALSE_POSITIVES = 0.001486517711815405  # of unmatched axons, at which the author reads his thresholds
CONTROL_ms, WITHIN_ms, LATENCY_ms = 1000.0, 20.0, 10.0
AT_ONCE = 20_000_000  # pairs of spikes held in memory
PUBLISHED = {
    500.0: (0.337, 0.145),
    1000.0: (0.683, np.nan),
    2000.0: (0.913, 0.110),
}  # window: success, spurious


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Trials after the match phase; axon 0 is the matched one."""

    window_ms: float
    query: np.ndarray  # (n_trials, n_spikes) ms, nan where a train has fewer
    keys: np.ndarray  # (n_trials, n_axons, n_spikes) ms
    calcium: np.ndarray  # (n_trials, n_axons) integral of [Ca]^4, 1 for a coincidence at the kernel's peak
    threshold: float

    @property
    def potentiation(self) -> np.ndarray:
        """Between 0 and 1, (n_trials, n_axons)."""
        return 1 / (1 + np.exp(-np.clip(SHARPNESS * (self.calcium / self.threshold - 1), -700, 700)))


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """Outcome of the control phase for each trial."""

    success: np.ndarray  # (n_trials,) part of the matched axon's spikes that the cell follows
    spurious: np.ndarray  # (n_trials,) part of the cell's spikes that follow no spike of that axon


def trains(shape: tuple[int, ...], window_ms: float, rng: np.random.Generator) -> np.ndarray:
    """Poisson trains with a dead time, (*shape, n_spikes) in ms, nan after the last spike."""
    gaps = rng.exponential(1 / RATE_per_ms, (*shape, int(window_ms / DEAD_ms) + 2))
    gaps[..., 1:] += DEAD_ms
    times = gaps.cumsum(axis=-1)
    times[times > window_ms] = np.nan
    most = np.isfinite(times).sum(axis=-1).max(initial=1)
    return times[..., : max(most, 1)]


def kernel(lead_ms: np.ndarray) -> np.ndarray:
    """Calcium of a key spike with this lead: 0 if it comes after the cell's, 1 at 7 ms, half width 12 ms."""
    x = np.where(lead_ms > 0, lead_ms, 0.0) / PEAK_ms
    return np.asarray((x * np.exp(1 - x)) ** 2)


def calcium(query: np.ndarray, keys: np.ndarray, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Integral of [Ca]^4 in the spines of each axon, (n_trials, n_axons).

    Parameters
    ----------
    query : (n_trials, n_spikes) array in ms
    keys : (n_trials, n_axons, n_spikes) array in ms
    spread : float
        Coefficient of variation of a coincidence's calcium, gamma distributed: what channels and dendrites add.
    rng : numpy.random.Generator
    """
    pairs = keys.shape[1] * keys.shape[2] * query.shape[1]
    parts = []
    for start in range(0, len(query), step := max(1, AT_ONCE // pairs)):
        part = slice(start, start + step)
        lead = query[part, None, None, :] - keys[part, :, :, None]
        near = np.nonzero((lead > 0) & (lead < LONGEST_ms))
        raised = kernel(lead[near])
        if spread > 0:
            raised *= rng.gamma(spread**-2, spread**2, len(raised))
        total = np.zeros(lead.shape[:2])
        np.add.at(total, near[:2], raised)
        parts.append(total)
    return np.concatenate(parts)


def match(
    n_trials: int,
    n_axons: int,
    window_ms: float,
    spread: float,
    rng: np.random.Generator,
    *,
    timed: bool = True,
) -> Matched:
    """Present a query to its matched axon and to others; `timed` False redraws the times of the matched spikes.

    The threshold is the one that a part `FALSE_POSITIVES` of all other axons passes.
    """
    query = trains((n_trials,), window_ms, rng)
    keys = trains((n_trials, n_axons), window_ms, rng)
    own = (
        query - PEAK_ms
        if timed
        else np.where(np.isfinite(query), window_ms * rng.random(query.shape), np.nan)
    )
    widest = max(keys.shape[2], own.shape[1])
    keys = np.pad(keys, ((0, 0), (0, 0), (0, widest - keys.shape[2])), constant_values=np.nan)
    keys[:, 0] = np.nan
    keys[:, 0, : own.shape[1]] = own
    raised = calcium(query, keys, spread, rng)
    threshold = float(np.quantile(raised[:, 1:], 1 - FALSE_POSITIVES))
    return Matched(window_ms=window_ms, query=query, keys=keys, calcium=raised, threshold=threshold)


def control(matched: Matched, fidelity: float, rng: np.random.Generator) -> Controlled:
    """Let new trains drive the cell through the potentiated axons, scored as the author does.

    Each of their spikes fires the cell with probability `fidelity`. A spike of the cell 0 to 20 ms after one of
    the matched axon is a success, whoever caused it; a trial without spikes of that axon counts as success, one
    without spikes of the cell as free of spurious ones.
    """
    success, spurious = [], []
    for axons in matched.calcium >= matched.threshold:
        own = trains((), CONTROL_ms, rng)
        others = trains((int(axons[1:].sum()),), CONTROL_ms, rng).ravel()
        drives = np.concatenate([own, others]) if axons[0] else others
        cell = drives[np.isfinite(drives) & (rng.random(len(drives)) < fidelity)] + LATENCY_ms
        own = own[np.isfinite(own)]
        lag = cell[:, None] - own[None, :]
        follows = (lag >= 0) & (lag <= WITHIN_ms)
        success.append(follows.any(axis=0).mean() if len(own) else 1.0)
        spurious.append(1 - follows.any(axis=1).mean() if len(cell) else 0.0)
    return Controlled(success=np.array(success), spurious=np.array(spurious))
