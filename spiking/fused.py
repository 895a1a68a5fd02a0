"""The fused engine: the same Brian2 objects as the reference engine, compiled into one row-wise kernel.

Brian2 walks over all cells of a batch once for every object and step, so its time goes into memory traffic.
Here a row's cells stay in the first-level cache for the whole of its time. Rows do not touch one another,
so they are streamed: each thread simulates a handful at a time, and memory holds only those in flight.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from spiking.fused_kernel import Kernel
from spiking.fused_source import MAX_CELLS, SPACING

__all__ = ["NO_LIMIT", "PRECISIONS", "RowSpikes", "Rows", "Window", "run_rows"]

PRECISIONS = ("float32", "float64")
_CELL_STEPS = 10_000_000  # of one call into the kernel, some 5 ms: cores finish together, interrupts are met
NO_LIMIT = 2**62  # of spikes
_LONG_AGO = -(2**30)  # step of the last spike of a cell that never spiked


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What differs between the rows of a batch."""

    n_cells: Mapping[str, np.ndarray]  # cells per row, (n_rows,), of the groups whose size varies
    unit: Mapping[str, int]  # cells that are counted together, per group; divides every row's cells
    state: Callable[[range], Mapping[str, np.ndarray]]  # rows -> their state arrays, `group__variable`
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
    n_spikes: int = NO_LIMIT  # a row ends with the step in which so many were counted in the recorded group

    @property
    def likely_steps(self) -> int:
        """For the size of a call only: steps that a row takes, at a spike in every fourth."""
        return min(self.n_steps, self.n_settle + 4 * self.n_spikes)


@dataclass(frozen=True, kw_only=True)
class RowSpikes:
    """What a few consecutive rows did in the measured window."""

    first_row: int
    counts: Mapping[str, np.ndarray]  # group -> spikes per unit of cells, rows one after the other, int64
    row: np.ndarray  # (n_spikes,) int64, of the recorded group, ordered by row and time
    cell: np.ndarray  # (n_spikes,) int32, within the row
    step: np.ndarray  # (n_spikes,) int32, from the start of the window
    samples: np.ndarray  # (rows, n_samples) float32; 0 after the row's end
    n_steps: np.ndarray  # (rows,) int64: measured steps of each row


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
        for block in _blocks(kernel, rows, window):
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
        progress((result.first_row + len(result.samples)) / n_rows)
    return result


def _sizes(kernel: Kernel, rows: Rows) -> dict[str, np.ndarray]:
    """Cells per row of every group, (n_rows,)."""
    fixed = {
        group: next(len(v) for name, v in kernel.program.fixed.items() if name.startswith(f"{group}__"))
        for group in kernel.source.groups
    }
    return {g: rows.n_cells.get(g, np.broadcast_to(fixed[g], rows.n_rows)) for g in kernel.source.groups}


def _blocks(kernel: Kernel, rows: Rows, window: Window) -> Iterator[range]:
    """Consecutive rows that make up one call into the kernel."""
    cells = sum(_sizes(kernel, rows).values())
    assert isinstance(cells, np.ndarray)
    if cells.max() >= MAX_CELLS:
        raise ValueError(
            f"a row may have at most {MAX_CELLS - 1} cells in the fused engine, got {cells.max()}; "
            'use engine="brian2".'
        )
    limit = _CELL_STEPS // window.likely_steps
    end = np.cumsum(cells)
    first = 0
    while first < rows.n_rows:
        held = end[first] - cells[first]
        stop = max(first + 1, int(np.searchsorted(end, held + limit, side="right")))
        yield range(first, stop)
        first = stop


def _run_block(kernel: Kernel, rows: Rows, window: Window, seed: int, block: range) -> RowSpikes:
    sizes = {g: n[block.start : block.stop] for g, n in _sizes(kernel, rows).items()}
    starts = {g: np.concatenate([[0], np.cumsum(n)]).astype(np.int64) for g, n in sizes.items()}
    initial = rows.state(block)
    capacity = _expected_spikes(kernel, sizes, window)
    n_samples = -(-(window.n_steps - window.n_settle) // window.sample_every) if window.spikes else 0
    scratch = _scratch(kernel, sizes)
    while True:
        arrays = [_array(kernel, name, initial, sizes) for name in kernel.source.arrays]
        units = np.array([rows.unit[g] for g in kernel.source.spiking], dtype=np.int64)
        counts = {
            g: np.zeros(int(sizes[g].sum()) // rows.unit[g], dtype=np.int64) for g in kernel.source.spiking
        }
        events = np.empty((len(block), capacity, 2), dtype=np.int32)
        n_events = np.zeros(len(block), dtype=np.int64)
        n_run = np.zeros(len(block), dtype=np.int64)
        samples = np.zeros((len(block), n_samples), dtype=np.float32)
        kernel.run(
            *(rows.streams[block.start : block.stop], np.uint64(seed)),
            *(window.n_steps, window.n_settle, window.n_spikes, window.sample_every),
            *(kernel.floats, kernel.ints, units),
            *kernel.tables,
            *(starts[g] for g in kernel.source.groups),
            *arrays,
            *counts.values(),
            *(events, n_events, n_run, samples, scratch),
        )
        if not window.spikes or n_events.max() <= capacity:
            break
        capacity = int(n_events.max())  # the same again, with room for every spike
    kept = np.arange(capacity) < n_events[:, None]
    found = events[kept]
    return RowSpikes(
        first_row=block.start,
        counts=counts,
        row=np.repeat(np.arange(block.start, block.stop), kept.sum(axis=1)),
        cell=found[:, 1],
        step=found[:, 0] - window.n_settle,
        samples=samples,
        n_steps=n_run - window.n_settle,
    )


def _scratch(kernel: Kernel, sizes: Mapping[str, np.ndarray]) -> np.ndarray:
    """Room for the state of the largest row, aligned to cache lines, which saves 4 % (measured)."""
    room = sum(int(sizes[name.split("__")[0]].max()) + SPACING for name in kernel.source.arrays)
    buffer = np.empty(room + SPACING, dtype=kernel.real)
    skip = -buffer.ctypes.data % 64 // kernel.real.itemsize
    return buffer[skip : skip + room]


def _expected_spikes(kernel: Kernel, sizes: Mapping[str, np.ndarray], window: Window) -> int:
    """Room for the spikes of a row: a rate of 20 Hz, which is ample and not binding."""
    if not window.spikes:
        return 0
    seconds = (window.n_steps - window.n_settle) * kernel.program.dt_ms / 1000
    return int(64 + 20 * seconds * max(int(n.max()) for n in sizes.values()))


def _array(
    kernel: Kernel, name: str, initial: Mapping[str, np.ndarray], sizes: Mapping[str, np.ndarray]
) -> np.ndarray:
    """A state variable of all rows of a block: the rows' own values, or those of the template."""
    group, _, variable = name.partition("__")
    kind = kernel.program.cells[group].kinds[variable]
    total = int(sizes[group].sum())
    if variable == "lastspike":
        return np.full(total, _LONG_AGO, dtype=np.int32)
    dtype = {"float": kernel.real, "bool": np.dtype(bool), "int": np.dtype(np.int64)}[kind]
    if name in initial:
        return initial[name].astype(dtype)
    template = kernel.program.fixed[name]
    if (template == template[0]).all():
        return np.full(total, template[0], dtype=dtype)
    return np.tile(template, total // len(template)).astype(dtype)
