"""Spike times of a run as a file of Neurodata Without Borders (NWB), for the tools of electrophysiology."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.workbench.staging import whole_file
from scenarios.workbench.store import StoredRun
from spiking.record import SpikeRecord

if TYPE_CHECKING:
    from pynwb import NWBFile

__all__ = ["write_nwb"]

COLUMNS = {
    "record": "which of the run's simulations",
    "row": "competition that the cell takes part in; every row has its own clock, from 0",
    "key": "key of that row that the cell stands for",
    "cell": "number of the cell in its population",
}


def write_nwb(run: StoredRun, file: Path) -> int:
    """Write every cell that fired as a unit with the columns record, row, key and cell; returns their number.

    Parameters
    ----------
    run : StoredRun
        One that keeps spikes.
    file : Path
        Written whole or not at all.

    Raises
    ------
    ModuleNotFoundError
        Without the extra `neuro`.
    """
    from pynwb import NWBHDF5IO

    content = _content(run)
    with whole_file(file) as partial, NWBHDF5IO(partial, "w") as opened:
        opened.write(content)
    return len(content.units)


def _content(run: StoredRun) -> NWBFile:
    from pynwb import NWBFile

    content = NWBFile(
        session_description=run.provenance.question,
        identifier=f"{run.folder.name} {run.provenance.started}",
        session_start_time=datetime.fromisoformat(run.provenance.started),
        experiment_description=run.verdict,
        notes=run.provenance.command,
        was_generated_by=[["fortyhertz", run.provenance.versions.get("fortyhertz", "")]],
    )
    for column, description in COLUMNS.items():
        content.add_unit_column(column, description)
    for name in run.spikes_kept:
        _add_units(content, name, run.spikes(name))
    return content


def _add_units(content: NWBFile, name: str, record: SpikeRecord) -> None:
    """Add the cells that fired; a silent cell has no unit."""
    labels = np.stack([record.row, record.key, record.cell], axis=1)  # (n_spikes, 3)
    order = np.lexsort(labels.T[::-1])  # stable: each cell's spikes stay in the order of time
    cells, first = np.unique(labels[order], axis=0, return_index=True)
    times_s = np.split(record.time_ms[order] / 1000, first[1:])
    window: Any = [[0.0, record.duration_ms / 1000]]
    for (row, key, cell), times in zip(cells.tolist(), times_s, strict=False):
        content.add_unit(spike_times=times, obs_intervals=window, record=name, row=row, key=key, cell=cell)
