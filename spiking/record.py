"""What a simulation leaves: the spikes, what an engine recorded, and the selection read from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

__all__ = ["Recorded", "Selection", "SpikeRecord", "Spikes", "joined"]


@dataclass(frozen=True, kw_only=True)
class Spikes:
    """Spikes of one group, ordered by row and time; times count from the start of the measured window."""

    row: np.ndarray  # (n_spikes,) int64
    cell: np.ndarray  # (n_spikes,) int32, within the row
    time_ms: np.ndarray  # (n_spikes,) float64


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a batch of rows, or networks, did in the measured window, on either engine."""

    n_cells: Mapping[str, np.ndarray]  # group -> (n_rows,) int64, cells of each row
    counts: Mapping[str, np.ndarray]  # spiking group -> (n_rows,) int64; the counted one (n_populations,)
    spikes: Mapping[str, Spikes]  # recorded groups
    samples: Mapping[str, np.ndarray]  # "group.variable" -> (n_rows, n_cells, n_samples) float32
    row_ms: np.ndarray  # (n_rows,) float64: measured time of each row
    duration_ms: float
    threads: int = 1  # of the engine; what reads the rhythm takes as many
    stepped: bool = True  # whether the engine stepped the counted cells


def joined(parts: Sequence[Recorded]) -> Recorded:
    """What batches did, as one batch; of samples the longest decides, and nan fills up."""
    first = np.cumsum([0, *(len(p.row_ms) for p in parts)])
    return Recorded(
        n_cells={name: np.concatenate([p.n_cells[name] for p in parts]) for name in parts[0].n_cells},
        counts={name: np.concatenate([p.counts[name] for p in parts]) for name in parts[0].counts},
        spikes={
            name: Spikes(
                row=np.concatenate([p.spikes[name].row + n for p, n in zip(parts, first, strict=False)]),
                cell=np.concatenate([p.spikes[name].cell for p in parts]),
                time_ms=np.concatenate([p.spikes[name].time_ms for p in parts]),
            )
            for name in parts[0].spikes
        },
        samples={name: _stacked([p.samples[name] for p in parts]) for name in parts[0].samples},
        row_ms=np.concatenate([p.row_ms for p in parts]),
        duration_ms=parts[0].duration_ms,
    )


def _stacked(samples: Sequence[np.ndarray]) -> np.ndarray:
    shape = (sum(len(s) for s in samples), *np.max([s.shape[1:] for s in samples], axis=0))
    whole = np.full(shape, np.nan, dtype=np.float32)
    first = 0
    for s in samples:
        whole[first : first + len(s), : s.shape[1], : s.shape[2]] = s
        first += len(s)
    return whole


@dataclass(frozen=True, kw_only=True)
class SpikeRecord:
    """Every spike of the E populations, one entry a spike, ordered by time.

    Times count from the start of the measured window, so they lie in [0, duration_ms).
    """

    row: np.ndarray  # (n_spikes,) int32: which competition
    key: np.ndarray  # (n_spikes,) int32: which population of that row
    cell: np.ndarray  # (n_spikes,) int32: which cell of that population
    time_ms: np.ndarray  # (n_spikes,) float64
    n_rows: int
    n_keys: int
    n_cells: int  # cells per population
    duration_ms: float

    @classmethod
    def of_spikes(
        cls,
        *,
        row: np.ndarray,
        time_ms: np.ndarray,
        key: np.ndarray | None = None,
        cell: np.ndarray | None = None,
        n_rows: int,
        n_keys: int = 1,
        n_cells: int = 1,
        duration_ms: float,
    ) -> SpikeRecord:
        """Put spikes that come in any order, (n_spikes,) arrays, in that of time; without key or cell it is 0."""
        order = np.argsort(time_ms, kind="stable")
        zeros = np.zeros(len(order), dtype=np.int32)
        return cls(
            row=np.asarray(row)[order].astype(np.int32),
            key=zeros if key is None else np.asarray(key)[order].astype(np.int32),
            cell=zeros if cell is None else np.asarray(cell)[order].astype(np.int32),
            time_ms=np.asarray(time_ms, dtype=np.float64)[order],
            n_rows=n_rows,
            n_keys=n_keys,
            n_cells=n_cells,
            duration_ms=duration_ms,
        )

    def __len__(self) -> int:
        return len(self.time_ms)

    def counts(self) -> np.ndarray:
        """Spikes per row and key, shape (n_rows, n_keys), int64."""
        flat = self.row.astype(np.int64) * self.n_keys + self.key
        return np.bincount(flat, minlength=self.n_rows * self.n_keys).reshape(self.n_rows, self.n_keys)

    def binned(self, bin_ms: float = 1.0) -> np.ndarray:
        """Population spike counts in time bins, shape (n_rows, n_bins), int64.

        The last bin is dropped when it is not full.
        """
        n_bins = int(np.floor(self.duration_ms / bin_ms + 1e-9))
        time_bin = np.floor(self.time_ms / bin_ms + 1e-9).astype(np.int64)
        inside = time_bin < n_bins
        flat = self.row[inside].astype(np.int64) * n_bins + time_bin[inside]
        return np.bincount(flat, minlength=self.n_rows * n_bins).reshape(self.n_rows, n_bins)

    def before(self, end_ms: np.ndarray) -> SpikeRecord:
        """The spikes before the end of their row, `end_ms` (n_rows,)."""
        here = self.time_ms < end_ms[self.row]
        kept = {name: getattr(self, name)[here] for name in ("row", "key", "cell", "time_ms")}
        return replace(self, **kept)

    def of_row(self, row: int) -> SpikeRecord:
        """The spikes of one row alone, as a record of one row."""
        here = self.row == row
        return SpikeRecord(
            row=np.zeros(int(here.sum()), dtype=np.int32),
            key=self.key[here],
            cell=self.cell[here],
            time_ms=self.time_ms[here],
            n_rows=1,
            n_keys=self.n_keys,
            n_cells=self.n_cells,
            duration_ms=self.duration_ms,
        )


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The outcome of one simulated competition per row.

    A row without a spike has weights of zero and is marked in `silent`; it is never read as uniform.
    """

    counts: np.ndarray  # (n_rows, n_keys) int64: spikes per key
    mask: np.ndarray  # (n_rows, n_keys) bool: True where the key takes part
    f_gamma_Hz: np.ndarray  # (n_rows,) float: spectral peak in the gamma band; nan without a significant one
    n_cycles: np.ndarray  # (n_rows,) int: cycles of the field in the measured window; 0 without a rhythm
    spikes: SpikeRecord  # of the counted group
    field: np.ndarray  # (n_rows, n_samples) float32: the row's field, such as a synaptic sum
    field_dt_ms: float
    duration_ms: float  # the limit where rows end early
    row_ms: np.ndarray  # (n_rows,) float: measured time of each row
    unfinished: np.ndarray  # (n_rows,) bool: the time limit came before the others that were asked for
    n_cells: Mapping[str, np.ndarray]  # group -> (n_rows,) int64: cells of each row
    # of groups other than the counted one: spikes of each row, (n_rows,) int64, and where all were recorded each
    other_counts: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    other_spikes: Mapping[str, Spikes] = dataclasses.field(default_factory=dict)
    # further variables, "group.variable" -> (n_rows, n_cells, n_samples) float32
    samples: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    stepped: bool = True  # whether the engine stepped the counted cells
    rhythm_note: str = ""  # in how many rows the cells are too few for the test of their rhythm, if in any

    @cached_property
    def n_spikes(self) -> np.ndarray:
        """Counted spikes of each row, (n_rows,) int64."""
        return self.counts.sum(axis=1)

    @cached_property
    def weights(self) -> np.ndarray:
        """Spike share of each key, (n_rows, n_keys) float: each row sums to 1 (0 where silent)."""
        return self.counts / np.maximum(self.n_spikes, 1)[:, None]

    @property
    def silent(self) -> np.ndarray:
        """Rows without a spike, (n_rows,) bool."""
        return self.n_spikes == 0
