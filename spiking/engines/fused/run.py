"""Rows through a kernel. They do not touch one another, so they are streamed: each thread simulates a handful at
a time, and memory holds only those in flight.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from spiking.engines.fused.arrays import group_sizes, lists, scratch, starts, states
from spiking.engines.fused.kernel import Kernel
from spiking.engines.fused.source import MAX_CELLS

__all__ = ["NO_LIMIT", "PRECISIONS", "Events", "RowSpikes", "Rows", "Window", "run_rows"]

PRECISIONS = ("float32", "float64")
# Cell-steps of one call into the kernel. Calls are long, up to some 10 ms so that interrupts are met, while many
# rows are left, and short at the end, so that cores finish together (guided self-scheduling, Polychronopoulos
# and Kuck 1987).
_MOST, _LEAST = 20_000_000, 2_000_000
NO_LIMIT = 2**62  # of spikes


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What differs between the rows of a batch."""

    n_cells: Mapping[str, np.ndarray]  # cells per row, (n_rows,), of the groups whose size varies
    unit: Mapping[str, int]  # cells that are counted together, per group, unless 1; divides every row's cells
    state: Callable[[range], Mapping[str, np.ndarray]]  # rows -> their own arrays, one row after another
    streams: np.ndarray  # (n_rows,) uint64: with the seed, the key of each row's random numbers

    @property
    def n_rows(self) -> int:
        return len(self.streams)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Steps before the measured window, in all, and between samples."""

    n_settle: int
    n_steps: int
    sample_every: int
    spikes: bool  # record spikes and samples, not only counts
    n_spikes: int = NO_LIMIT  # a row ends with the step in which the first recorded group had so many
    likely_Hz: float = 20.0  # of a recorded cell: room for its spikes; a row with more of them is run again
    counted_whole: tuple[str, ...] = ()  # groups whose spikes before the window are counted, too

    @property
    def likely_steps(self) -> int:
        """For the size of a call only: steps that a row takes, at a spike in every fourth."""
        return min(self.n_steps, self.n_settle + 4 * self.n_spikes)


@dataclass(frozen=True, kw_only=True)
class Events:
    """Spikes of one group, ordered by row and time."""

    row: np.ndarray  # (n_spikes,) int64
    cell: np.ndarray  # (n_spikes,) int32, within the row
    step: np.ndarray  # (n_spikes,) int32, from the start of the window


@dataclass(frozen=True, kw_only=True)
class RowSpikes:
    """What a few consecutive rows did in the measured window."""

    first_row: int
    n_steps: np.ndarray  # (rows,) int64: measured steps of each row
    counts: Mapping[str, np.ndarray]  # group -> spikes per unit of cells, rows one after the other, int64
    spikes: Mapping[str, Events]  # of the recorded groups
    samples: Mapping[
        str, np.ndarray
    ]  # variable -> (rows or their cells, n_samples) float32; 0 after the row's end


def run_rows(
    kernel: Kernel,
    rows: Rows,
    window: Window,
    *,
    seed: int,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Iterator[RowSpikes]:
    """Simulate the rows and hand out the results, a few rows at a time and in order.

    A row's spikes depend on `seed` and on its stream, not on its companions or on the number of threads.

    Parameters
    ----------
    kernel : Kernel
    rows : Rows
    window : Window
    seed : int
        At least 0 and below 2**63.
    threads : int, optional
        As many as the process may use, unless given.
    progress : callable, optional
        Called with the fraction of rows that are done.
    """
    threads = threads or _usable_cores()
    pool = ThreadPoolExecutor(max_workers=threads)
    pending: deque[Future[RowSpikes]] = deque()
    try:
        for block in _blocks(kernel, rows, window, threads):
            pending.append(pool.submit(_run_block, kernel, rows, window, seed, block))
            if len(pending) > 2 * threads:
                yield _done(pending, rows.n_rows, progress)
        while pending:
            yield _done(pending, rows.n_rows, progress)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _done(
    pending: deque[Future[RowSpikes]], n_rows: int, progress: Callable[[float], None] | None
) -> RowSpikes:
    """The oldest result that is still out."""
    result = pending.popleft().result()
    if progress is not None:
        progress((result.first_row + len(result.n_steps)) / n_rows)
    return result


def _blocks(kernel: Kernel, rows: Rows, window: Window, threads: int) -> Iterator[range]:
    """Consecutive rows that make up one call into the kernel."""
    cells = sum(group_sizes(kernel, rows.n_cells, rows.n_rows).values())
    assert isinstance(cells, np.ndarray)
    if cells.max() >= MAX_CELLS:
        raise ValueError(
            f"a row may have at most {MAX_CELLS - 1} cells in the fused engine, got {cells.max()}; "
            'use engine="brian2".'
        )
    most, least = (limit // window.likely_steps for limit in (_MOST, _LEAST))
    end = np.cumsum(cells)
    first = 0
    while first < rows.n_rows:
        held = end[first] - cells[first]
        limit = min(most, max(least, (end[-1] - held) // (2 * threads)))
        stop = max(first + 1, int(np.searchsorted(end, held + limit, side="right")))
        yield range(first, stop)
        first = stop


def _run_block(kernel: Kernel, rows: Rows, window: Window, seed: int, block: range) -> RowSpikes:
    source, n_rows = kernel.source, len(block)
    n_cells = {g: n[block.start : block.stop] for g, n in rows.n_cells.items()}
    sizes = group_sizes(kernel, n_cells, n_rows)
    own = rows.state(block)
    capacity = {g: _expected_spikes(kernel, sizes[g], window) for g in source.record}
    n_samples = -(-(window.n_steps - window.n_settle) // window.sample_every) if window.spikes else 0
    samples = {v: np.zeros((_n_sampled(kernel, v, sizes), n_samples), np.float32) for v in source.sample}
    unit = {g: rows.unit.get(g, 1) for g in source.spiking}
    since = [0 if g in window.counted_whole else window.n_settle for g in source.spiking]
    begin, synapses, indices = lists(kernel, own, sizes)
    while True:
        counts = {g: np.zeros(int(sizes[g].sum()) // unit[g], dtype=np.int64) for g in source.spiking}
        events = {g: np.empty((n_rows, capacity[g], 2), dtype=np.int32) for g in source.record}
        n_events = {g: np.zeros(n_rows, dtype=np.int64) for g in source.record}
        n_run = np.zeros(n_rows, dtype=np.int64)
        kernel.run(
            *(rows.streams[block.start : block.stop], np.uint64(seed)),
            *(window.n_steps, window.n_settle, window.n_spikes, window.sample_every, n_samples),
            *(kernel.floats, kernel.ints),
            *(np.array(list(unit.values()), dtype=np.int64), np.array(since, dtype=np.int64)),
            *kernel.tables,
            *(starts(sizes[g]) for g in source.groups),
            *(*begin, *states(kernel, own, sizes), *synapses, *indices),
            *counts.values(),
            *(part for g in source.record for part in (events[g], n_events[g])),
            *(*samples.values(), n_run, scratch(kernel, sizes)),
        )
        if not window.spikes or all(n_events[g].max() <= capacity[g] for g in source.record):
            break
        capacity = {g: max(capacity[g], int(n_events[g].max())) for g in source.record}  # again, with room
    return RowSpikes(
        first_row=block.start,
        n_steps=n_run - window.n_settle,
        counts=counts,
        spikes={g: _events(events[g], n_events[g], block, window) for g in source.record},
        samples=samples,
    )


def _events(events: np.ndarray, n_events: np.ndarray, block: range, window: Window) -> Events:
    kept = np.arange(events.shape[1]) < n_events[:, None]
    found = events[kept]
    return Events(
        row=np.repeat(np.arange(block.start, block.stop), kept.sum(axis=1)),
        cell=found[:, 1],
        step=found[:, 0] - window.n_settle,
    )


def _n_sampled(kernel: Kernel, variable: str, sizes: Mapping[str, np.ndarray]) -> int:
    """Lines of a sampled variable: one per row, or one per cell."""
    of_cells = variable in kernel.source.arrays
    first = sizes[variable.split("__")[0]]
    return int(first.sum()) if of_cells else len(first)


def _expected_spikes(kernel: Kernel, n_cells: np.ndarray, window: Window) -> int:
    """Room for the spikes of a group in one row."""
    if not window.spikes:
        return 0
    seconds = (window.n_steps - window.n_settle) * kernel.program.dt_ms / 1000
    return int(64 + window.likely_Hz * seconds * n_cells.max())
