"""From what a simulation recorded to the selection that the circuit returns."""

from __future__ import annotations

import numpy as np

from spiking.circuits.gamma_rows import Counted
from spiking.engines.brian2 import FIELD_DT_MS, Recording
from spiking.measures.readout import count_share
from spiking.measures.rhythm import cycles, gamma_peak
from spiking.record import Selection, SpikeRecord
from spiking.rows import Layout

__all__ = ["select", "select_counted"]


def select(recording: Recording, present: np.ndarray, spikes: int | None = None) -> Selection:
    """Read the selection and the rhythm from a recording.

    Rows that ended after a number of `spikes` last a few cycles, each its own time: they have no rhythm.
    """
    counts, record = recording.spikes.counts(), recording.spikes
    if spikes is None:
        f_gamma_Hz = gamma_peak(record).f_gamma_Hz
        n_cycles = cycles(recording.field, recording.field_dt_ms, f_gamma_Hz).n_cycles
    else:
        f_gamma_Hz, n_cycles = _no_rhythm(record.n_rows)
    share = count_share(counts)
    return Selection(
        counts=counts,
        weights=share.weights,
        silent=share.silent,
        mask=present,
        f_gamma_Hz=f_gamma_Hz,
        n_cycles=n_cycles,
        spikes=record,
        field=recording.field,
        inh_counts=recording.inh_counts,
        field_dt_ms=recording.field_dt_ms,
        duration_ms=record.duration_ms,
        row_ms=recording.row_ms,
        unfinished=_unfinished(counts, spikes),
    )


def select_counted(
    counted: Counted, present: np.ndarray, layout: Layout, duration_ms: float, spikes: int | None = None
) -> Selection:
    """The selection read from counts alone: no spike times, no field, no rhythm."""
    f_gamma_Hz, n_cycles = _no_rhythm(layout.n_rows)
    share = count_share(counted.counts)
    nothing = np.empty(0, dtype=np.int32)
    return Selection(
        counts=counted.counts,
        weights=share.weights,
        silent=share.silent,
        mask=present,
        f_gamma_Hz=f_gamma_Hz,
        n_cycles=n_cycles,
        spikes=SpikeRecord(
            row=nothing,
            key=nothing,
            cell=nothing,
            time_ms=np.empty(0),
            n_rows=layout.n_rows,
            n_keys=layout.n_keys,
            n_cells=layout.n_cells,
            duration_ms=float(duration_ms),
        ),
        field=np.empty((layout.n_rows, 0), dtype=np.float32),
        inh_counts=counted.inh_counts,
        field_dt_ms=FIELD_DT_MS,
        duration_ms=float(duration_ms),
        row_ms=counted.row_ms,
        unfinished=_unfinished(counted.counts, spikes),
    )


def _no_rhythm(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(n_rows, np.nan), np.zeros(n_rows, dtype=np.int64)


def _unfinished(counts: np.ndarray, spikes: int | None) -> np.ndarray:
    return counts.sum(axis=1) < (0 if spikes is None else spikes)
