"""From spikes to attention weights: spike share, first spike of each cycle, phase-locked share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from spiking.measures.rhythm import Cycles, spike_phases
from spiking.record import SpikeRecord

__all__ = [
    "READOUTS",
    "Readout",
    "ShareCurve",
    "count_share",
    "first_spike",
    "first_spike_ms",
    "phase_locked_share",
    "share_against_time",
    "spike_share",
]


@dataclass(frozen=True, kw_only=True)
class Readout:
    """Weights read from spikes. A row without an event has weights of zero and is marked in `silent`."""

    weights: np.ndarray  # (n_rows, n_keys) float: each row sums to 1 (0 where silent)
    n_events: np.ndarray  # (n_rows,) int64: spikes, or cycles, that the weights were read from
    silent: np.ndarray  # (n_rows,) bool: rows without an event


@dataclass(frozen=True, kw_only=True)
class ShareCurve:
    """The spike share read at growing times: all spikes before each edge."""

    edges_ms: np.ndarray  # (n_edges,)
    weights: np.ndarray  # (n_edges, n_rows, n_keys) float: sums to 1, or 0 before a row's first spike
    n_spikes: np.ndarray  # (n_edges, n_rows) int64


def _readout(votes: np.ndarray, n_events: np.ndarray) -> Readout:
    return Readout(weights=_shares(votes), n_events=n_events, silent=n_events == 0)


def _shares(votes: np.ndarray) -> np.ndarray:
    total = votes.sum(axis=-1, keepdims=True)
    return np.divide(votes, total, out=np.zeros(votes.shape), where=total > 0)


def _votes(record: SpikeRecord, weight: np.ndarray) -> np.ndarray:
    """Weight of the spikes of each row and key, shape (n_rows, n_keys) float."""
    flat = record.row.astype(np.int64) * record.n_keys + record.key
    votes = np.bincount(flat, weights=weight, minlength=record.n_rows * record.n_keys)
    return votes.reshape(record.n_rows, record.n_keys)


def spike_share(record: SpikeRecord) -> Readout:
    """Each key's share of its row's spikes. An event is a spike."""
    return count_share(record.counts())


def count_share(counts: np.ndarray) -> Readout:
    """Each key's share of its row's spikes, from counts (n_rows, n_keys)."""
    return _readout(counts, counts.sum(axis=1))


def first_spike(record: SpikeRecord, cycles: Cycles, dt_ms: float) -> Readout:
    """Each key's share of the first spikes of its row's cycles. An event is a cycle with a spike.

    Spikes of one cycle that share the earliest time stamp share its vote. Spikes outside complete cycles
    and rows without a rhythm give no vote.

    Parameters
    ----------
    record : SpikeRecord
    cycles : Cycles
        Of the same rows.
    dt_ms : float
        Sampling step of the cycles.
    """
    sample = np.clip((record.time_ms / dt_ms).astype(np.int64), 0, cycles.cycle_index.shape[1] - 1)
    cycle = cycles.cycle_index[record.row, sample]
    inside = cycle >= 0
    start = np.cumsum(cycles.n_cycles) - cycles.n_cycles  # (n_rows,) flat number of each row's first cycle
    flat = start[record.row[inside]] + cycle[inside]
    time_ms = record.time_ms[inside]
    earliest_ms = np.full(int(cycles.n_cycles.sum()), np.inf)
    np.minimum.at(earliest_ms, flat, time_ms)
    tied = time_ms == earliest_ms[flat]
    n_tied = np.bincount(flat[tied], minlength=len(earliest_ms))
    vote = np.zeros(len(record))
    vote[np.flatnonzero(inside)[tied]] = 1 / n_tied[flat[tied]]
    row_of_cycle = np.repeat(np.arange(record.n_rows), cycles.n_cycles)
    n_events = np.bincount(row_of_cycle[n_tied > 0], minlength=record.n_rows)
    return _readout(_votes(record, vote), n_events)


def phase_locked_share(
    record: SpikeRecord, cycles: Cycles, dt_ms: float, half_width_rad: float = np.pi / 4
) -> Readout:
    """Each key's share of its row's spikes within `half_width_rad` of the field's peak.

    An event is such a spike; a row without a rhythm has none.
    """
    if not 0 < half_width_rad <= np.pi:
        raise ValueError(f"half_width_rad must lie in (0, pi], got {half_width_rad}; try pi / 4")
    near = np.abs(spike_phases(record, cycles, dt_ms)) <= half_width_rad
    n_events = np.bincount(record.row[near], minlength=record.n_rows)
    return _readout(_votes(record, near.astype(float)), n_events)


def first_spike_ms(record: SpikeRecord) -> np.ndarray:
    """Time of each key's first spike in the window, shape (n_rows, n_keys); nan without one."""
    first = np.full((record.n_rows, record.n_keys), np.inf)
    np.minimum.at(first, (record.row, record.key), record.time_ms)
    return np.where(np.isfinite(first), first, np.nan)


def share_against_time(record: SpikeRecord, edges_ms: np.ndarray) -> ShareCurve:
    """Spike share of all spikes before each edge, for curves against duration or decision time.

    Parameters
    ----------
    record : SpikeRecord
    edges_ms : array, shape (n_edges,)
        Increasing times, counted from the start of the measured window.
    """
    edges = np.asarray(edges_ms, dtype=float)
    if edges.ndim != 1 or len(edges) == 0 or np.any(np.diff(edges) <= 0):
        raise ValueError(f"edges_ms must be 1-D and increasing, got {edges_ms}; sort it and drop repeats")
    step = np.searchsorted(edges, record.time_ms, side="right")  # the first edge after the spike
    flat = (step * record.n_rows + record.row) * record.n_keys + record.key
    shape = (len(edges) + 1, record.n_rows, record.n_keys)
    counts = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)[:-1].cumsum(axis=0)
    return ShareCurve(edges_ms=edges, weights=_shares(counts), n_spikes=counts.sum(axis=2))


READOUTS: Mapping[str, Callable[[SpikeRecord, Cycles, float], Readout]] = {
    "spike_share": lambda record, cycles, dt_ms: spike_share(record),
    "first_spike": first_spike,
    "phase_locked_share": phase_locked_share,
}
