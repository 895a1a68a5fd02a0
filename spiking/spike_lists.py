"""Lists of spikes, packed and put in order by compiled code: at a hundred thousand spikes NumPy's sort takes longer
than what is asked of them.
"""

from __future__ import annotations

import numpy as np

from spiking.kept_code import compiled
from spiking.record import SpikeRecord, Spikes
from spiking.rows import Layout

__all__ = ["in_row_order", "packed", "spike_record"]

_BUCKETS = 2**15  # of time, at least


def packed(events: np.ndarray, n_events: np.ndarray, rows: range, n_settle: int, dt_ms: float) -> Spikes:
    """Spikes of consecutive rows, from what a kernel wrote.

    Parameters
    ----------
    events : (n_rows, room, 2) int32 array
        Step and cell of each spike.
    n_events : (n_rows,) int64 array
        How many of them there are.
    rows : range
    n_settle : int
        Steps before the measured window.
    dt_ms : float
    """
    row, cell, time_ms = _pack(events, n_events, rows.start, n_settle, dt_ms)
    return Spikes(row=row, cell=cell, time_ms=time_ms)


def spike_record(spikes: Spikes, layout: Layout, duration_ms: float) -> SpikeRecord:
    """Spikes of the counted cells by row, key and cell, ordered by time; at equal times by row."""
    first = layout.first_population[:-1]
    n_buckets = max(_BUCKETS, len(spikes.time_ms))
    row, key, cell, time_ms = _by_time(
        spikes.row, spikes.cell, spikes.time_ms, first, layout.key_of_population, layout.n_cells, n_buckets
    )
    if (time_ms[1:] < time_ms[:-1]).any():  # several times in a bucket
        order = np.argsort(time_ms, kind="stable")
        row, key, cell, time_ms = row[order], key[order], cell[order], time_ms[order]
    return SpikeRecord(
        row=row,
        key=key,
        cell=cell,
        time_ms=time_ms,
        n_rows=layout.n_rows,
        n_keys=layout.n_keys,
        n_cells=layout.n_cells,
        duration_ms=duration_ms,
    )


def in_row_order(row: np.ndarray, n_rows: int) -> np.ndarray:
    """The order that puts spikes of a row together and changes nothing within a row, (n_spikes,)."""
    small = row.astype(np.uint16) if n_rows <= 2**16 else row  # NumPy has a radix sort for 16 bits
    return np.argsort(small, kind="stable")


@compiled(nogil=True)
def _pack(events, n_events, first_row, n_settle, dt_ms):  # type: ignore[no-untyped-def]
    total = n_events.sum()
    row, cell, time_ms = np.empty(total, np.int32), np.empty(total, np.int32), np.empty(total)
    n = 0
    for r in range(n_events.size):
        for i in range(n_events[r]):
            row[n], cell[n] = first_row + r, events[r, i, 1]
            time_ms[n] = (events[r, i, 0] - n_settle) * dt_ms
            n += 1
    return row, cell, time_ms


@compiled(nogil=True)
def _by_time(row, cell, time_ms, first_population, key_of_population, n_cells, n_buckets):  # type: ignore[no-untyped-def]
    """Sort into buckets of time, each in the order given."""
    n = time_ms.size
    latest = 0.0
    for t in time_ms:
        latest = max(latest, t)
    scale = (n_buckets - 1) / latest if latest > 0 else 0.0
    place = np.zeros(n_buckets + 1, np.int64)
    for t in time_ms:
        place[int(t * scale) + 1] += 1
    for bucket in range(n_buckets):
        place[bucket + 1] += place[bucket]
    new_row, new_key, new_cell = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    new_ms = np.empty(n)
    for i in range(n):
        bucket = int(time_ms[i] * scale)
        at = place[bucket]
        place[bucket] += 1
        of_row = cell[i] // n_cells
        new_row[at], new_key[at] = row[i], key_of_population[first_population[row[i]] + of_row]
        new_cell[at], new_ms[at] = cell[i] - of_row * n_cells, time_ms[i]
    return new_row, new_key, new_cell, new_ms
