"""From what an engine recorded to the selection that a circuit returns."""

from __future__ import annotations

import numpy as np

from spiking.batch import FIELD_DT_MS
from spiking.budget import Budget
from spiking.measures.phase import count_cycles
from spiking.measures.rhythm import GammaPeak, peak_of
from spiking.measures.trains import Trains
from spiking.record import Recorded, Selection, SpikeRecord, Spikes
from spiking.refs import Ref
from spiking.rows import Layout
from spiking.spike_lists import spike_record

__all__ = ["select"]

_BEFORE_LIMIT_MS = 1e-6  # less than any time step


def select(
    recorded: Recorded,
    layout: Layout,
    present: np.ndarray,
    budget: Budget,
    *,
    counted: str,
    field: Ref | None,
) -> Selection:
    """Read the selection and the rhythm.

    Rows that end early last a few cycles, each its own time: they have no rhythm. So have rows of which only
    counts were kept.

    Parameters
    ----------
    recorded : Recorded
    layout : Layout
        Of the counted cells.
    present : (n_rows, n_keys) bool array
        Which keys took part.
    budget : Budget
    counted : str
        The group whose spikes count.
    field : Ref or None
        What is taken for the row's field.
    """
    counts = layout.at_keys(recorded.counts[counted])
    record = _spike_record(recorded.spikes.get(counted), layout, recorded.duration_ms)
    trace = _field(recorded, field, layout.n_rows)
    note = ""
    f_gamma_Hz, n_cycles = np.full(layout.n_rows, np.nan), np.zeros(layout.n_rows, dtype=np.int64)
    if counted in recorded.spikes and not budget.ends_early:
        trains = Trains.of_group(recorded.spikes[counted], layout.n_rows, recorded.duration_ms)
        peak = peak_of(trains, threads=recorded.threads)
        f_gamma_Hz, note = peak.f_gamma_Hz, _rhythm_note(peak)
        if trace.shape[1]:
            n_cycles = count_cycles(trace, FIELD_DT_MS, f_gamma_Hz, threads=recorded.threads)
    return Selection(
        counts=counts,
        mask=present,
        f_gamma_Hz=f_gamma_Hz,
        n_cycles=n_cycles,
        spikes=record,
        field=trace,
        field_dt_ms=FIELD_DT_MS,
        duration_ms=recorded.duration_ms,
        row_ms=recorded.row_ms,
        unfinished=_unfinished(recorded, counts, budget),
        n_cells=recorded.n_cells,
        other_counts={group: n for group, n in recorded.counts.items() if group != counted},
        other_spikes={group: s for group, s in recorded.spikes.items() if group != counted},
        samples={name: s for name, s in recorded.samples.items() if name != str(field)},
        stepped=recorded.stepped,
        rhythm_note=note,
    )


def _unfinished(recorded: Recorded, counts: np.ndarray, budget: Budget) -> np.ndarray:
    """Which rows were stopped by the time limit; only those that ran up to it are looked at."""
    at_limit = recorded.row_ms > recorded.duration_ms - _BEFORE_LIMIT_MS
    unfinished = np.zeros(len(counts), dtype=bool)
    if at_limit.any():
        unfinished[at_limit] = budget.unfinished(counts[at_limit])
    return unfinished


def _rhythm_note(peak: GammaPeak) -> str:
    """Say in how many rows no rhythm, however tight, would be significant; nothing where it would in all."""
    blind = peak.least_locking > 1
    if not blind.any():
        return ""
    n_rows, cells = np.isfinite(peak.ratio).sum(), np.median(peak.largest_ratio[blind])
    return (
        f"In {blind.sum()} of {n_rows} rows with a peak no rhythm of the cells would be significant, however "
        f"tight: their spikes come from too few cells, in effect {cells:.1f}, where "
        f"{np.median(peak.critical_ratio[blind]):.1f} are needed. The I cells may show it: attend with "
        'record="all" and ask spiking.measures.pool.inh_rhythm.'
    )


def _field(recorded: Recorded, field: Ref | None, n_rows: int) -> np.ndarray:
    """The field of each row, (n_rows, n_samples): of a variable per cell the mean."""
    samples = recorded.samples.get(str(field))
    if samples is None:
        return np.empty((n_rows, 0), dtype=np.float32)
    return samples[:, 0] if samples.shape[1] == 1 else np.nanmean(samples, axis=1)


def _spike_record(spikes: Spikes | None, layout: Layout, duration_ms: float) -> SpikeRecord:
    """The spikes by row, key and cell, ordered by time."""
    if spikes is None:
        return SpikeRecord.of_spikes(
            row=np.empty(0),
            time_ms=np.empty(0),
            n_rows=layout.n_rows,
            n_keys=layout.n_keys,
            n_cells=layout.n_cells,
            duration_ms=duration_ms,
        )
    return spike_record(spikes, layout, duration_ms)
