"""Spikes and fields of a recording: from Neurodata Without Borders (NWB), SONATA, or trials in a MATLAB file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.workbench.errors import UsageError
from scenarios.workbench.sonata import read_sonata
from spiking.record import SpikeRecord

__all__ = ["Recording", "read_recording"]

SUFFIXES = (".nwb", ".h5", ".mat")
DEFAULT_DT_ms = 1.0  # of a MATLAB file that does not say its times


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Trials as rows, units as cells."""

    spikes: SpikeRecord  # of one key
    field: np.ndarray | None = None  # (n_rows, n_samples) at the same times
    field_dt_ms: float = np.nan


def read_recording(path: str | Path) -> Recording:
    """Read a file.

    An .nwb file holds units; its trials are rows if it has any, and so are the competitions of a run that
    `fortyhertz export` wrote; otherwise the whole time is one row. An .h5 file holds spikes as SONATA does. A .mat
    file holds two matrices of trials and samples: n, spikes of one cell, and y, the field; t, if it is there, holds
    the times in seconds.

    Raises
    ------
    UsageError
        For a file that is absent, damaged or of another kind, one without units, and times that are not sorted.
    ModuleNotFoundError
        For an .nwb file without the extra `neuro`.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"file must be a recording that is there, got {path}; check its path")
    if file.suffix not in SUFFIXES:
        raise UsageError(
            f"file must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got {file.name}; convert it"
        )
    if file.suffix == ".h5":
        return Recording(spikes=_one_key(read_sonata(file)))
    return _from_nwb(file) if file.suffix == ".nwb" else _from_matlab(file)


def _one_key(spikes: SpikeRecord) -> SpikeRecord:
    """The cells of all keys as cells of one population."""
    cell = spikes.key.astype(np.int64) * spikes.n_cells + spikes.cell
    return _record(spikes.row, cell, spikes.time_ms, spikes.n_rows, spikes.duration_ms)


def _from_matlab(file: Path) -> Recording:
    from scipy.io import loadmat

    try:
        data = loadmat(file)
    except Exception as error:  # whatever scipy meets in a damaged file
        raise UsageError(f"file must be a MATLAB file, got {file} ({error}); save it again") from error
    if not {"n", "y"} <= set(data) or np.shape(data["n"]) != np.shape(data["y"]) or data["n"].ndim != 2:
        held = ", ".join(f"{k} {np.shape(v)}" for k, v in data.items() if not k.startswith("__")) or "nothing"
        raise UsageError(
            f"file must hold n (spikes) and y (field) of one shape (trials, samples), got {held} in {file}; "
            "rename them"
        )
    dt_ms = DEFAULT_DT_ms
    times = np.ravel(data.get("t", []))
    if len(times) > 1:
        dt_ms = float(np.diff(times).mean() * 1e3)
    counts = np.asarray(data["n"]).astype(np.int64)
    sample, row = np.nonzero(counts.T)
    times_of = np.repeat(sample * dt_ms, counts.T[sample, row])
    rows = np.repeat(row, counts.T[sample, row])
    cells = np.zeros(len(rows), dtype=np.int64)
    spikes = _record(rows, cells, times_of, len(counts), counts.shape[1] * dt_ms)
    return Recording(spikes=spikes, field=np.asarray(data["y"], dtype=float), field_dt_ms=dt_ms)


def _from_nwb(file: Path) -> Recording:
    from pynwb import NWBHDF5IO

    try:
        opened = NWBHDF5IO(file, "r")
        content = opened.read()
    except Exception as error:  # whatever h5py and pynwb meet in a damaged file
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise UsageError(f"file must be an NWB file, got {file} ({first}); save it again") from error
    with opened:
        if content.units is None or len(content.units) == 0:
            raise UsageError(
                f"file must hold units with spike times, got none in {file}; sort its spikes first"
            )
        trains = [
            _sorted(np.asarray(content.units["spike_times"][unit], dtype=float), unit, file)
            for unit in range(len(content.units))
        ]
        if "row" in content.units.colnames:
            return _of_a_run(content.units, trains)
        windows = _windows(content, trains)
    return Recording(spikes=_cut(trains, windows))


def _sorted(times_s: np.ndarray, unit: int, file: Path) -> np.ndarray:
    if len(times_s) > 1 and (np.diff(times_s) < 0).any():
        at = int(np.argmax(np.diff(times_s) < 0)) + 1
        raise UsageError(
            f"spike times must be sorted, got {times_s[at]:g} s after {times_s[at - 1]:g} s in unit {unit} of "
            f"{file}; sort them"
        )
    return times_s


def _of_a_run(units: Any, trains: list[np.ndarray]) -> Recording:
    """What `scenarios.workbench.nwb.write_nwb` wrote: the first of the run's simulations."""
    names = np.array([str(name) for name in units["record"][:]])
    first = [unit for unit in range(len(trains)) if names[unit] == names[0]]
    cell_of = {
        label: n for n, label in enumerate(sorted({(units["key"][u], units["cell"][u]) for u in first}))
    }
    rows = np.concatenate([np.full(len(trains[u]), units["row"][u]) for u in first])
    cells = np.concatenate(
        [np.full(len(trains[u]), cell_of[units["key"][u], units["cell"][u]]) for u in first]
    )
    duration_ms = float(np.asarray(units["obs_intervals"][first[0]])[0, 1]) * 1e3
    times_ms = np.concatenate([trains[u] for u in first]) * 1e3
    n_rows = int(rows.max()) + 1
    return Recording(spikes=_record(rows, cells, times_ms, n_rows, duration_ms))


def _windows(content: Any, trains: list[np.ndarray]) -> list[tuple[float, float]]:
    """Start and end of each row in seconds: the trials, of which each counts as long as the shortest."""
    if content.trials is not None and len(content.trials):
        starts, ends = (np.asarray(content.trials[name][:]) for name in ("start_time", "stop_time"))
        length = float((ends - starts).min())
        return [(float(start), float(start) + length) for start in starts]
    spoke = [times for times in trains if len(times)]
    if not spoke:
        return [(0.0, 1.0)]
    return [(min(t[0] for t in spoke), max(t[-1] for t in spoke) + 1e-3)]


def _cut(trains: list[np.ndarray], windows: list[tuple[float, float]]) -> SpikeRecord:
    rows, cells, times = [], [], []
    for row, (start, end) in enumerate(windows):
        for cell, train in enumerate(trains):
            inside = train[(train >= start) & (train < end)] - start
            rows.append(np.full(len(inside), row))
            cells.append(np.full(len(inside), cell))
            times.append(inside * 1e3)
    duration_ms = (windows[0][1] - windows[0][0]) * 1e3
    of_all = np.concatenate(rows), np.concatenate(cells), np.concatenate(times)
    return _record(*of_all, len(windows), duration_ms)


def _record(
    row: np.ndarray, cell: np.ndarray, time_ms: np.ndarray, n_rows: int, duration_ms: float
) -> SpikeRecord:
    n_cells = int(cell.max()) + 1 if len(cell) else 1
    return SpikeRecord.of_spikes(
        row=row, cell=cell, time_ms=time_ms, n_rows=n_rows, n_cells=n_cells, duration_ms=float(duration_ms)
    )
