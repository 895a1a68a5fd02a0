"""Rows through a kernel. They do not touch one another, so they are streamed: each thread simulates a handful at
a time, and memory holds only those in flight.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from spiking.batch import Batch, Wanted
from spiking.engines.fused.arrays import (
    group_sizes,
    lists,
    of_steps,
    scalars,
    scratch,
    starts,
    states,
)
from spiking.engines.fused.kernel import Kernel
from spiking.engines.fused.names import LAST
from spiking.engines.fused.source import MAX_CELLS
from spiking.record import Spikes
from spiking.refs import Ref
from spiking.spike_lists import packed
from spiking.threads import pool_of, usable_cores

__all__ = ["Block", "Window", "run_block", "run_rows"]

# Cell-steps of one call into the kernel. Calls are long, up to some 10 ms so that interrupts are met, while many
# rows are left, and short at the end, so that cores finish together (guided self-scheduling, Polychronopoulos
# and Kuck 1987).
_MOST, _LEAST = 20_000_000, 2_000_000
# A group whose cells are not stepped takes as long as so many stepped ones, and as one more for each so many keys.
# Its calls are split less, since they take little longer than what surrounds them (half a millisecond).
_UNSTEPPED, _KEYS_A_CELL, _LEAST_UNSTEPPED = 32, 8, 20_000_000
NO_LIMIT = 2**62  # of spikes


@dataclass(frozen=True, kw_only=True)
class Window:
    """A request in steps of the kernel."""

    wanted: Wanted
    dt_ms: float

    @property
    def n_settle(self) -> int:
        """Steps before the measured window."""
        return round(self.wanted.settle_ms / self.dt_ms)

    @property
    def n_steps(self) -> int:
        """Steps in all."""
        return round((self.wanted.settle_ms + self.wanted.budget.limit_ms) / self.dt_ms)

    @property
    def sample_every(self) -> int:
        return max(1, round(self.wanted.sample_ms / self.dt_ms))

    @property
    def n_samples(self) -> int:
        return -(-(self.n_steps - self.n_settle) // self.sample_every) if self.wanted.samples else 0

    @property
    def n_spikes(self) -> int:
        """Counted spikes that end a row."""
        return NO_LIMIT if self.wanted.budget.spikes is None else self.wanted.budget.spikes

    @property
    def likely_steps(self) -> int:
        """For the size of a call only: steps that a row takes, at a spike in every fourth."""
        return min(self.n_steps, self.n_settle + 4 * self.n_spikes)


@dataclass(frozen=True, kw_only=True)
class Block:
    """What a few consecutive rows did in the measured window."""

    rows: range
    row_ms: np.ndarray  # (rows,) float64
    counts: Mapping[str, np.ndarray]  # group, but the counted one -> (rows,) spikes
    spikes: Mapping[str, Spikes]
    samples: Mapping[str, np.ndarray]  # (rows or their cells, n_samples) float32; 0 after a row's end
    last: Mapping[Ref, np.ndarray] | None = None  # values at the end, where the kernel keeps them


def run_rows(
    kernel: Kernel,
    batch: Batch,
    window: Window,
    counted: np.ndarray,
    *,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Iterator[Block]:
    """Simulate the rows and hand out the results, a few rows at a time and in order.

    A row's spikes depend on the seed and on its stream, not on its companions or on the number of threads.

    Parameters
    ----------
    kernel : Kernel
    batch : Batch
    window : Window
    counted : (n_populations,) array of int64
        Receives the spikes of the counted group.
    threads : int, optional
        As many as the process may use, unless given.
    progress : callable, optional
        Called with the fraction of rows that are done.
    """
    threads = threads or usable_cores()
    numbers = batch.streams.numbers(batch.n_rows)
    first = starts(n_populations(batch))
    blocks = list(_blocks(kernel, batch, window, threads))
    if threads == 1 or len(blocks) == 1:
        for rows in blocks:
            here = counted[first[rows.start] : first[rows.stop]]
            yield _reported(run_block(kernel, batch, window, numbers, rows, here), batch.n_rows, progress)
        return
    pool = pool_of(threads)
    pending: deque[Future[Block]] = deque()
    try:
        for rows in blocks:
            here = counted[first[rows.start] : first[rows.stop]]
            pending.append(pool.submit(run_block, kernel, batch, window, numbers, rows, here))
            if len(pending) > 2 * threads:
                yield _reported(pending.popleft().result(), batch.n_rows, progress)
        while pending:
            yield _reported(pending.popleft().result(), batch.n_rows, progress)
    finally:
        wait([future for future in pending if not future.cancel()])


def _reported(block: Block, n_rows: int, progress: Callable[[float], None] | None) -> Block:
    """A result, once the caller knows how far all is."""
    if progress is not None:
        progress(block.rows.stop / n_rows)
    return block


def _blocks(kernel: Kernel, batch: Batch, window: Window, threads: int) -> Iterator[range]:
    """Consecutive rows that make up one call into the kernel."""
    sizes = {group: batch.n_cells(group) for group in batch.groups}
    largest = int(sum(sizes.values(), np.zeros(batch.n_rows, dtype=np.int64)).max())
    if largest >= MAX_CELLS:
        raise ValueError(
            f"a row may have at most {MAX_CELLS - 1} cells in the fused engine, got {largest}; "
            "use the engine Brian2()."
        )
    for name in kernel.program.drawing:
        if (most_synapses := int(batch.n_cells(name).max())) >= MAX_CELLS:
            raise ValueError(
                f"a row may have at most {MAX_CELLS - 1} synapses that draw random numbers in the fused engine, "
                f"got {most_synapses} in {name!r}; use the engine Brian2()."
            )
    unstepped = {part.group for part in kernel.program.unstepped}
    cells = np.zeros(batch.n_rows, dtype=np.int64)
    for group, n in sizes.items():
        cells += _UNSTEPPED + n // (batch.unit * _KEYS_A_CELL) if group in unstepped else n
    longest, shortest = (2 * _MOST, min(_LEAST_UNSTEPPED, _MOST)) if unstepped else (_MOST, _LEAST)
    most, least = (limit // window.likely_steps for limit in (longest, shortest))
    share = threads if unstepped else 2 * threads
    end = np.cumsum(cells)
    first = 0
    while first < batch.n_rows:
        held = end[first] - cells[first]
        limit = min(most, max(least, (end[-1] - held) // share))
        stop = max(first + 1, int(np.searchsorted(end, held + limit, side="right")))
        yield range(first, stop)
        first = stop


def n_populations(batch: Batch) -> np.ndarray:
    """Units of the counted group in each row, (n_rows,)."""
    if batch.counted is None:
        return np.zeros(batch.n_rows, dtype=np.int64)
    return batch.n_cells(batch.counted) // batch.unit


def run_block(
    kernel: Kernel, batch: Batch, window: Window, numbers: np.ndarray, rows: range, counted: np.ndarray
) -> Block:
    source, wanted = kernel.source, window.wanted
    sizes = group_sizes(batch, rows)
    own = batch.own(rows, kernel.reads)
    unit = {group: _unit(batch, group, sizes[group]) for group in source.spiking}
    since = [0 if group in wanted.counted_whole else window.n_settle for group in source.spiking]
    asked = {group: group in wanted.spikes for group in source.record}
    capacity = {group: _room(sizes[group], window) if asked[group] else 0 for group in source.record}
    lengths = {ref.group: batch.n_cells(ref.group)[rows.start : rows.stop] for ref in source.sample}
    samples = _empty_samples(kernel, lengths, window.n_samples)
    synaptic = lists(kernel, batch, rows, own, sizes)
    plastic = [f"all_{ref.identifier}" for ref in kernel.program.plastic]
    once = {
        "streams": numbers[rows.start : rows.stop],
        "seed": np.uint64(batch.streams.seed),
        "n_steps": window.n_steps,
        "n_settle": window.n_settle,
        "n_spikes": window.n_spikes,
        **({"n_lead": wanted.budget.lead} if source.lead else {}),
        "every": window.sample_every,
        "max_samples": window.n_samples,
        "c": kernel.floats,
        "d": kernel.doubles,
        "k": kernel.ints,
        "units": np.array(list(unit.values()), dtype=np.int64),
        "since": np.array(since, dtype=np.int64),
        "scalars": scalars(kernel, batch, rows, own),
        **kernel.tables,
        **{f"start_{group}": starts(sizes[group]) for group in source.groups},
        **states(kernel, batch, rows, own, sizes),
        **{name: values for name, values in synaptic.items() if name not in plastic},
        **of_steps(kernel, batch, rows),
        **{f"all_samples_{name}": array for name, array in samples.items()},
        **{
            n: a
            for part in kernel.program.unstepped
            for n, a in part.arrays(batch, rows, own, kernel.real).items()
        },
        "scratch": scratch(kernel, sizes),
    }
    while True:
        counted[:] = 0
        changed = {name: synaptic[name].copy() for name in plastic}
        counts = {
            g: counted if g == batch.counted else np.zeros(int(sizes[g].sum()) // unit[g], dtype=np.int64)
            for g in source.spiking
        }
        events = {g: np.empty((len(rows), capacity[g], 2), dtype=np.int32) for g in source.record}
        n_events = {g: np.zeros(len(rows), dtype=np.int64) for g in source.record}
        n_run = np.zeros(len(rows), dtype=np.int64)
        kernel.run(
            **once,
            **changed,
            **{f"counts_{g}": count for g, count in counts.items()},
            **{f"all_events_{g}": event for g, event in events.items()},
            **{f"n_events_{g}": number for g, number in n_events.items()},
            n_run=n_run,
        )
        if all(n_events[g].max() <= capacity[g] for g in source.record if asked[g]):
            break
        capacity = {g: max(capacity[g], int(n_events[g].max())) if asked[g] else 0 for g in source.record}
    return Block(
        rows=rows,
        row_ms=(n_run - window.n_settle) * window.dt_ms,
        counts={g: _by_row(unit[g], n, sizes[g]) for g, n in counts.items() if g != batch.counted},
        spikes={
            g: packed(events[g], n_events[g], rows, window.n_settle, window.dt_ms)
            for g in source.record
            if asked[g]
        },
        samples={str(ref): _in_brian2s_units(samples[ref.identifier], ref, window) for ref in source.sample},
        last=_last(kernel, {**once, **changed}) if source.keep else None,
    )


def _last(kernel: Kernel, arrays: Mapping[str, Any]) -> dict[Ref, np.ndarray]:
    """What the arrays of a kernel hold that keeps the last values of variables."""
    refs = (*kernel.source.arrays, *kernel.program.plastic)
    scalars = {ref: arrays["scalars"][:, n] for n, ref in enumerate(kernel.program.scalars)}
    return {**scalars, **{ref: arrays[f"all_{ref.identifier}"] for ref in refs}}


def _unit(batch: Batch, group: str, sizes: np.ndarray) -> int:
    """Cells that are counted together: those of a key, or where all rows are as large those of the row."""
    if group == batch.counted:
        return batch.unit
    return int(sizes[0]) if sizes[0] and (sizes == sizes[0]).all() else 1


def _by_row(unit: int, counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Spikes of each row."""
    if len(counts) == len(sizes):
        return counts
    row = np.repeat(np.arange(len(sizes)), sizes // unit)
    return np.bincount(row, weights=counts, minlength=len(sizes)).astype(np.int64)


def _empty_samples(kernel: Kernel, sizes: Mapping[str, np.ndarray], n_samples: int) -> dict[str, np.ndarray]:
    """Room for the samples: a line per row, or per cell."""
    arrays = {*kernel.source.arrays, *kernel.source.lists}
    return {
        ref.identifier: np.zeros(
            (int(sizes[ref.group].sum()) if ref in arrays else len(sizes[ref.group]), n_samples), np.float32
        )
        for ref in kernel.source.sample
    }


def _in_brian2s_units(samples: np.ndarray, ref: Ref, window: Window) -> np.ndarray:
    """Samples as Brian2 gives them: the kernel counts a last spike in steps, Brian2 in seconds."""
    return samples * np.float32(window.dt_ms / 1000) if ref.variable in LAST else samples


def _room(n_cells: np.ndarray, window: Window) -> int:
    """Room for the spikes of a group in one row."""
    seconds = window.wanted.budget.limit_ms / 1000
    return int(64 + window.wanted.likely_Hz * seconds * n_cells.max())
