"""The engine `Fused`: a batch in, what was recorded out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from spiking.batch import Batch, Wanted
from spiking.checks import known, positive_int
from spiking.engines.fused.kernel import Kernel, compile_program
from spiking.engines.fused.parts import Program
from spiking.engines.fused.program import read_program
from spiking.engines.fused.run import Block, Window, n_populations, run_rows
from spiking.record import Recorded, Spikes
from spiking.threads import usable_cores

__all__ = ["PRECISIONS", "Fused", "together"]

PRECISIONS = ("float32", "float64")
_KEPT = 64  # kernels of circuits that were used last


@dataclass(frozen=True)
class Fused:
    """The fused engine, where nothing else is asked for.

    It compiles a circuit's Brian2 objects into one kernel and runs rows one by one, many times faster than
    Brian2. A row's spikes depend on the seed and its stream alone, whatever the batch and the threads.

    Parameters
    ----------
    precision : {"float32", "float64"}
    threads : int, optional
        As many as there are cores, unless given. They change no spike.
    """

    precision: str = "float32"
    threads: int | None = None

    name: ClassVar[str] = "fused"
    takes_streams: ClassVar[bool] = True

    def __post_init__(self) -> None:
        known("precision", self.precision, PRECISIONS)
        if self.threads is not None:
            positive_int("Fused", "threads", self.threads)

    def run(self, batch: Batch, wanted: Wanted, progress: Callable[[float], None] | None = None) -> Recorded:
        """Simulate a batch.

        Raises
        ------
        ValueError
            For what the engine does not cover; the message names the Brian2 feature.
        """
        kernel = self.compiled(batch, wanted)
        window = Window(wanted=wanted, dt_ms=kernel.program.dt_ms)
        counted = np.empty(int(n_populations(batch).sum()), dtype=np.int64)
        blocks = run_rows(kernel, batch, window, counted, threads=self.threads, progress=progress)
        recorded = together(list(blocks), batch, wanted, counted)
        return replace(recorded, threads=self.threads or usable_cores())

    def compiled(self, batch: Batch, wanted: Wanted) -> Kernel:
        """The kernel of a batch, read and compiled once for all batches of the same circuit."""
        traits = batch.traits
        record = tuple(dict.fromkeys([*([batch.counted] if batch.counted else []), *wanted.spikes]))
        lead = wanted.budget.lead is not None
        of_circuit = (type(self), id(batch.objects), traits, batch.varied)
        key = (*of_circuit, self.precision, record, wanted.samples, lead)
        if key not in _kernels:
            kernel = compile_program(
                self.program(batch), record=record, sample=wanted.samples, precision=self.precision, lead=lead
            )
            while len(_kernels) >= _KEPT:
                del _kernels[next(iter(_kernels))]
            _kernels[key] = kernel, batch.objects  # the objects live as long as their identity is a key
        return _kernels[key][0]

    def program(self, batch: Batch) -> Program:
        """What one row computes at every step."""
        return read_program(batch.objects, batch.namespace, varied=batch.varied, traits=batch.traits)


_kernels: dict[tuple[object, ...], tuple[Kernel, object]] = {}


def together(blocks: list[Block], batch: Batch, wanted: Wanted, counted: np.ndarray) -> Recorded:
    """What all rows did."""
    groups = blocks[0].counts
    sizes = {group: batch.n_cells(group) for group in batch.groups}
    lengths = {**sizes, **{ref.group: batch.n_cells(ref.group) for ref in wanted.samples}}
    return Recorded(
        n_cells=sizes,
        counts={
            **({} if batch.counted is None else {batch.counted: counted}),
            **{group: np.concatenate([b.counts[group] for b in blocks]) for group in groups},
        },
        spikes={group: _joined([b.spikes[group] for b in blocks]) for group in wanted.spikes},
        samples={
            str(ref): _by_row(np.concatenate([b.samples[str(ref)] for b in blocks]), lengths[ref.group])
            for ref in wanted.samples
        },
        row_ms=np.concatenate([b.row_ms for b in blocks]),
        duration_ms=wanted.budget.limit_ms,
    )


def _joined(parts: list[Spikes]) -> Spikes:
    return Spikes(
        row=np.concatenate([p.row for p in parts]),
        cell=np.concatenate([p.cell for p in parts]),
        time_ms=np.concatenate([p.time_ms for p in parts]),
    )


def _by_row(samples: np.ndarray, n_cells: np.ndarray) -> np.ndarray:
    """Samples (lines, n_samples) as (n_rows, n_cells, n_samples); nan fills up shorter rows."""
    n_rows, n_samples = len(n_cells), samples.shape[1]
    if len(samples) == n_rows:
        return np.broadcast_to(samples.reshape(n_rows, 1, n_samples), (n_rows, int(n_cells.max()), n_samples))
    if (n_cells == n_cells[0]).all():
        return samples.reshape(n_rows, -1, n_samples)
    ragged = np.full((n_rows, n_cells.max(), n_samples), np.nan, dtype=samples.dtype)
    ragged[np.arange(n_cells.max()) < n_cells[:, None]] = samples
    return ragged
