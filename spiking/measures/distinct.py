"""The first k distinct keys of a row to spike: how a race that goes on has several winners."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spiking.checks import check_rng, positive_int
from spiking.record import SpikeRecord, Spikes

__all__ = ["FirstDistinct", "by_cycle", "first_distinct", "volley_ends"]

# I cells of a cycle may fire two or three times. With this pause between cycles all shipped circuits have the 40
# volleys a second that the spectrum of their field shows; 5 ms split every fourth cycle of `escape` (measured).
PAUSE_MS = 8.0
LAG_MS = 2.0  # delay of inhibition and rise time of the I cells' input: E spikes that were not stopped yet


@dataclass(frozen=True, kw_only=True)
class FirstDistinct:
    """The winners of each row. A row in which fewer than k keys spiked keeps those that did."""

    order: (
        np.ndarray
    )  # (n_rows, k) int64: keys in the order of their first spikes; -1 where no further one spiked
    n_spikes: (
        np.ndarray
    )  # (n_rows,) int64: spikes up to the first one of the k-th key; all where there is none
    time_ms: (
        np.ndarray
    )  # (n_rows,) float: when that was; nan where there is none, and where spikes have no times
    n_keys: int

    @property
    def complete(self) -> np.ndarray:
        """Rows with k winners, (n_rows,) bool."""
        return self.order[:, -1] >= 0

    @property
    def chosen(self) -> np.ndarray:
        """Which keys are among the winners, (n_rows, n_keys) bool."""
        chosen = np.zeros((len(self.order), self.n_keys + 1), dtype=bool)  # key -1 falls into the last column
        np.put_along_axis(chosen, self.order, True, axis=1)
        return chosen[:, :-1]


def first_distinct(record: SpikeRecord, k: int, rng: np.random.Generator) -> FirstDistinct:
    """Find the first k distinct keys of each row to spike.

    Parameters
    ----------
    record : SpikeRecord
        In place of rows it may have other contests, such as cycles: `replace(record, row=cycle, n_rows=n_cycles)`.
    k : int
    rng : numpy.random.Generator
        Orders spikes of one time step. They are exchangeable by the race law, and the cells' numbers, which
        order them in the record, would favour the first keys.
    """
    positive_int("first_distinct", "k", k, record.n_keys)
    check_rng(rng)
    by_time = np.lexsort((rng.random(len(record)), record.time_ms, record.row))
    row, key, time_ms = record.row[by_time].astype(np.int64), record.key[by_time], record.time_ms[by_time]
    first = np.sort(np.unique(row * record.n_keys + key, return_index=True)[1])  # spike of each key, in order
    row_of = row[first]
    rank = np.arange(len(first)) - np.searchsorted(row_of, np.arange(record.n_rows))[row_of]
    order = np.full((record.n_rows, k), -1, dtype=np.int64)
    wins = rank < k
    order[row_of[wins], rank[wins]] = key[first[wins]]
    n_spikes = np.bincount(row, minlength=record.n_rows)
    reached_ms = np.full(record.n_rows, np.nan)
    last = first[rank == k - 1]
    n_spikes[row[last]] = 1 + last - np.searchsorted(row, row[last])
    reached_ms[row[last]] = time_ms[last]
    return FirstDistinct(order=order, n_spikes=n_spikes, time_ms=reached_ms, n_keys=record.n_keys)


def volley_ends(inh: Spikes, pause_ms: float = PAUSE_MS) -> tuple[np.ndarray, np.ndarray]:
    """Find where the volleys of the I cells of each row have taken effect: row and time, each (n_volleys,).

    Spikes that follow each other within `pause_ms` are of one volley.
    """
    last = (np.diff(inh.row, append=-1) != 0) | (np.diff(inh.time_ms, append=np.inf) > pause_ms)
    return inh.row[last], inh.time_ms[last] + LAG_MS


def by_cycle(record: SpikeRecord, inh: Spikes, pause_ms: float = PAUSE_MS) -> tuple[SpikeRecord, np.ndarray]:
    """Take the cycles of the I cells in place of rows: each from the end of a volley to the end of the next.

    Parameters
    ----------
    record : SpikeRecord
    inh : Spikes
        Of the I cells, `selection.other_spikes["inh"]`.
    pause_ms : float
        Between volleys.

    Returns
    -------
    record : SpikeRecord
        Its rows are cycles. What was before the end of the first volley of a row or after the last is left out.
    row : (n_cycles,) array
        Which row each cycle is of.
    """
    of_row, end_ms = volley_ends(inh, pause_ms)
    whole_ms = 2 * record.duration_ms  # rows one after another on one axis of time
    begins = np.flatnonzero(np.diff(of_row, append=-1) == 0)  # volleys with another one after them
    number = np.full(len(end_ms) + 1, -1)
    number[begins] = np.arange(len(begins))
    passed = np.searchsorted(of_row * whole_ms + end_ms, record.row * whole_ms + record.time_ms, side="right")
    cycle = number[passed - 1]
    kept = cycle >= 0
    spikes = {name: getattr(record, name)[kept] for name in ("key", "cell", "time_ms")}
    return replace(record, row=cycle[kept], n_rows=len(begins), **spikes), of_row[begins]
