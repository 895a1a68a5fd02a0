"""Reading a winner and a weight while the spikes come in: decision times, leaders and error against time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.comparison.metrics import total_variation
from spiking import SpikeRecord
from spiking.measures.readout import share_against_time

__all__ = ["Decisions", "Reading", "decide", "read_against_time"]


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """When each row's leader was first `margin` spikes ahead of the runner-up."""

    time_ms: np.ndarray  # (n_rows,) inf where that never happened
    key: np.ndarray  # (n_rows,) int: the leader then; -1 without a decision
    n_spikes: np.ndarray  # (n_rows,) float: spikes until then; inf without a decision

    @property
    def decided(self) -> np.ndarray:
        """(n_rows,) bool."""
        return np.isfinite(self.time_ms)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a reader of all spikes so far would say at growing times."""

    edges_ms: np.ndarray  # (n_edges,)
    n_spikes: np.ndarray  # (n_edges, n_rows) int
    error: np.ndarray  # (n_edges, n_rows) total variation to the target; 1 before a row's first spike
    right: np.ndarray  # (n_edges, n_rows) bool: the strongest key leads alone


def decide(record: SpikeRecord, margin: int) -> Decisions:
    """Decide each row by the first lead of `margin` spikes over the runner-up.

    The race between accumulators that stops at a lead over the next best is nearly as fast as any test of
    the same accuracy can be (McMillen and Holmes 2006, J. Math. Psychol. 50:30).
    """
    time_ms, n_spikes = np.full((2, record.n_rows), np.inf)
    key = np.full(record.n_rows, -1)
    for row in range(record.n_rows):
        here = record.row == row
        so_far = np.cumsum(record.key[here, None] == np.arange(record.n_keys), axis=0)
        ranked = np.sort(so_far, axis=1)
        runner_up = ranked[:, -2] if record.n_keys > 1 else 0
        ahead = np.flatnonzero(ranked[:, -1] - runner_up >= margin)
        if len(ahead):
            first = ahead[0]
            time_ms[row], n_spikes[row] = record.time_ms[here][first], first + 1
            key[row] = so_far[first].argmax()
    return Decisions(time_ms=time_ms, key=key, n_spikes=n_spikes)


def read_against_time(record: SpikeRecord, target: np.ndarray, edges_ms: np.ndarray) -> Reading:
    """Read the share of all spikes so far at each of `edges_ms` (n_edges,) against `target` (n_rows, n_keys)."""
    curve = share_against_time(record, edges_ms)
    error = total_variation(curve.weights, target)
    top = curve.weights.max(axis=2, keepdims=True)
    alone = (curve.weights == top).sum(axis=2) == 1
    right = alone & (curve.weights.argmax(axis=2) == target.argmax(axis=1))
    return Reading(
        edges_ms=curve.edges_ms,
        n_spikes=curve.n_spikes,
        error=np.where(curve.n_spikes > 0, error, 1.0),
        right=right,
    )
