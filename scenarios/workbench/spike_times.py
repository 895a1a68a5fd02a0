"""Spike times of a run, in `result.nc`: one group a record, one entry a spike, in small types and compressed."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from scenarios.workbench.outcome import Kept
from spiking.record import SpikeRecord

if TYPE_CHECKING:
    import pandas as pd
    from neo import Block

__all__ = ["LIMIT", "Spiking", "read_spikes", "spike_table", "write_spikes"]

LIMIT = 2_000_000  # spikes that a run keeps, of all its records: about 4 MB on disk

INDICES = ("row", "key", "cell")
SHAPE = ("n_rows", "n_keys", "n_cells", "duration_ms")


class Spiking(Protocol):
    """What has spikes to write: a run, or a NIR graph that was simulated."""

    @property
    def name(self) -> str: ...
    @property
    def spikes_kept(self) -> Collection[str]: ...
    def spikes(self, name: str) -> SpikeRecord: ...
    def get_data(self, name: str) -> Block: ...
    def spike_table(self) -> pd.DataFrame: ...


def write_spikes(file: Path, spikes: Mapping[str, SpikeRecord]) -> dict[str, Kept]:
    """Add a group ``spikes/<name>`` for each record to a NetCDF file; returns what was kept of each.

    Above `LIMIT` spikes the largest records are cut to their first whole rows, with a warning.
    """
    kept, left = {}, LIMIT
    for already, name in enumerate(sorted(spikes, key=lambda name: len(spikes[name]))):
        kept[name] = _cut(
            spikes[name], left // (len(spikes) - already)
        )  # what a small one leaves, others get
        left -= len(kept[name][0])
    for name, (record, rows) in kept.items():
        _write(file, f"spikes/{name}", record)
        if rows < record.n_rows:
            warnings.warn(
                f"spike times of {name} are kept for the first {rows} of {record.n_rows} rows: a run keeps at most "
                f"{LIMIT:,} spikes",
                stacklevel=3,
            )
    return {
        name: Kept(n_spikes=len(kept[name][0]), rows=kept[name][1], of_rows=record.n_rows)
        for name, record in spikes.items()
    }


def read_spikes(file: Path, name: str) -> SpikeRecord:
    """The record of that name, ordered by time; times are exact to 1 microsecond in the first 16 s."""
    import xarray as xr

    with xr.open_dataset(file, group=f"spikes/{name}", engine="h5netcdf") as stored:
        row, key, cell = (stored[index].values for index in INDICES)
        n_rows, n_keys, n_cells = (int(stored.attrs[size]) for size in SHAPE[:3])
        return SpikeRecord.of_spikes(
            row=row,
            key=key,
            cell=cell,
            time_ms=stored["time_ms"].values,
            n_rows=n_rows,
            n_keys=n_keys,
            n_cells=n_cells,
            duration_ms=float(stored.attrs["duration_ms"]),
        )


def spike_table(records: Mapping[str, SpikeRecord]) -> pd.DataFrame:
    """All spikes, one a line: record, row, key, cell and time_ms."""
    import pandas as pd

    columns = (*INDICES, "time_ms")
    tables = [
        pd.DataFrame({"record": name, **{column: getattr(spikes, column) for column in columns}})
        for name, spikes in records.items()
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["record", *columns])


def _cut(record: SpikeRecord, limit: int) -> tuple[SpikeRecord, int]:
    """The first rows that together have at most `limit` spikes, and how many they are."""
    totals = np.cumsum(np.bincount(record.row, minlength=record.n_rows))
    rows = int(np.searchsorted(totals, limit, side="right"))
    if rows >= record.n_rows:
        return record, record.n_rows
    return record.before(np.where(np.arange(record.n_rows) < rows, np.inf, 0.0)), rows


def _write(file: Path, group: str, record: SpikeRecord) -> None:
    import xarray as xr

    by_row = np.argsort(record.row, kind="stable")  # each row's spikes in a run, which compresses well
    units = {"units": "1"}
    data = {
        **{index: ("spike", _small(getattr(record, index)[by_row]), units) for index in INDICES},
        "time_ms": ("spike", record.time_ms[by_row].astype(np.float32), {"units": "ms"}),
    }
    dataset = xr.Dataset(data, attrs={size: getattr(record, size) for size in SHAPE})
    packed = {name: {"zlib": True, "complevel": 4, "shuffle": True} for name in data}
    dataset.to_netcdf(file, group=group, mode="a", engine="h5netcdf", encoding=packed)


def _small(indices: np.ndarray) -> np.ndarray:
    """The indices, all >= 0, in the smallest unsigned type that holds them."""
    return indices.astype(np.min_scalar_type(int(indices.max(initial=0))))
