"""Spikes in the format SONATA (Dai et al. 2020, PLoS Computational Biology 16:e1007696), out and in.

The layout is that of the section *Spike file* in the SONATA developer guide
(https://github.com/AllenInstitute/sonata): `/spikes/POPULATION/timestamps`, with the attribute `units`, and
`/spikes/POPULATION/node_ids`; the population's attribute `sorting` is an enumeration.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.workbench.errors import UsageError
from scenarios.workbench.spike_times import SHAPE, Spiking
from scenarios.workbench.staging import whole_file
from spiking.record import SpikeRecord

if TYPE_CHECKING:
    import h5py

__all__ = ["read_sonata", "write_sonata"]

MAGIC, VERSION = 0x0A7A, (0, 1)  # of every SONATA file: developer guide, "HDF5 top level attributes"
SORTING = {"none": 0, "by_id": 1, "by_time": 2}
PER_ms = {"ms": 1.0, "s": 1e3, "us": 1e-3}  # milliseconds of a unit
DEFAULT_UNIT = "ms"


def write_sonata(source: Spiking, file: Path) -> int:
    """Write each simulation of a run, or group of a graph, as a population; returns the number of spikes.

    A node is a cell of one row: its id is (row x keys + key) x cells + cell. The four numbers that undo this, and
    the duration, stand in attributes of the population, which other readers pass over. Every row has its own
    clock, from 0.

    Parameters
    ----------
    source : Spiking
        A run that keeps spikes, or a simulated graph.
    file : Path
        Written whole or not at all.
    """
    import h5py

    n_spikes = 0
    with whole_file(file) as partial, h5py.File(partial, "w") as opened:
        opened.attrs.update(magic=np.uint32(MAGIC), version=np.array(VERSION, dtype=np.uint32))
        for name in source.spikes_kept:
            record = source.spikes(name)
            _write_population(opened.create_group(f"spikes/{name}"), record)
            n_spikes += len(record)
    return n_spikes


def _write_population(group: h5py.Group, record: SpikeRecord) -> None:
    import h5py

    kind = h5py.enum_dtype(SORTING, basetype="i4")
    group.attrs.create("sorting", SORTING["by_time"], dtype=kind)
    group.attrs.update({name: getattr(record, name) for name in SHAPE})
    population = record.row.astype(np.uint64) * np.uint64(record.n_keys) + record.key.astype(np.uint64)
    node = population * np.uint64(record.n_cells) + record.cell.astype(np.uint64)
    group.create_dataset("node_ids", data=node)
    group.create_dataset("timestamps", data=record.time_ms.astype(np.float64)).attrs["units"] = "ms"


def read_sonata(file: Path) -> SpikeRecord:
    """Read the first population, by name.

    One that `write_sonata` wrote comes back with its rows and keys. Of another the whole time is one row, from its
    first spike to 1 ms after its last, and its nodes that fired are the cells.

    Raises
    ------
    UsageError
        For a file of another kind, one without spikes, and times that are not sorted although the file says so.
    """
    import h5py

    try:
        opened = h5py.File(file, "r")
    except OSError as error:
        raise UsageError(f"file must be a SONATA file, got {file} ({error}); save it again") from error
    with opened:
        groups = opened["spikes"] if isinstance(opened.get("spikes"), h5py.Group) else {}
        names = [name for name in groups if isinstance(groups[name], h5py.Group)]
        if not names:
            raise UsageError(
                f"file must hold spikes in /spikes/POPULATION, got {', '.join(opened) or 'nothing'} in {file}; "
                "give the spike file of the simulation"
            )
        if len(names) > 1:
            warnings.warn(f"{names[0]} is read, of the populations {', '.join(names)}", stacklevel=2)
        return _record(groups[names[0]], names[0], file)


def _record(group: h5py.Group, name: str, file: Path) -> SpikeRecord:
    node, time_ms = _columns(group, name, file)
    _check_sorted(group, node, time_ms, name, file)
    if all(key in group.attrs for key in SHAPE):
        n_rows, n_keys, n_cells = (int(group.attrs[key]) for key in SHAPE[:3])
        if int(node.max(initial=0)) >= n_rows * n_keys * n_cells or min(n_rows, n_keys, n_cells) < 1:
            raise UsageError(
                f"node_ids must be < rows x keys x cells = {n_rows * n_keys * n_cells}, got {int(node.max())} in "
                f"{name} of {file}; export the run again"
            )
        flat, cell = np.divmod(node, n_cells)
        row, key = np.divmod(flat, n_keys)
        duration_ms = float(group.attrs["duration_ms"])
    else:
        _, cell = np.unique(node, return_inverse=True)
        row = key = np.zeros(len(node), dtype=np.int64)
        n_rows, n_keys, n_cells = 1, 1, int(cell.max(initial=0)) + 1
        time_ms = time_ms - time_ms.min(initial=np.inf)
        duration_ms = float(time_ms.max(initial=0.0)) + 1.0
    return SpikeRecord.of_spikes(
        row=row,
        key=key,
        cell=cell,
        time_ms=time_ms,
        n_rows=n_rows,
        n_keys=n_keys,
        n_cells=n_cells,
        duration_ms=duration_ms,
    )


def _columns(group: h5py.Group, name: str, file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Node ids (int64) and times in milliseconds."""
    if not {"timestamps", "node_ids"} <= set(group):
        held = ", ".join(group) or "nothing"
        raise UsageError(f"/spikes/{name} must hold timestamps and node_ids, got {held} in {file}; add them")
    node, times = np.asarray(group["node_ids"]), np.asarray(group["timestamps"], dtype=np.float64)
    if node.shape != times.shape or node.ndim != 1:
        raise UsageError(
            f"timestamps and node_ids must be of one length, got {times.shape} and {node.shape} in {name} of "
            f"{file}; write them again"
        )
    if not np.isfinite(times).all():
        raise UsageError(f"timestamps must be finite, got nan or inf in {name} of {file}; leave those out")
    unit = _text(group["timestamps"].attrs.get("units", DEFAULT_UNIT))
    if unit not in PER_ms:
        raise UsageError(
            f"units of timestamps must be one of {', '.join(PER_ms)}; got {unit!r} in {name} of {file}"
        )
    return node.astype(np.int64), times * PER_ms[unit]


def _check_sorted(group: h5py.Group, node: np.ndarray, time_ms: np.ndarray, name: str, file: Path) -> None:
    """A file may leave its spikes unsorted; one that says how they are sorted must be right."""
    sorting = _sorting(group)
    if sorting not in SORTING:
        raise UsageError(f"sorting must be one of {', '.join(SORTING)}; got {sorting!r} in {name} of {file}")
    falls = np.diff(time_ms) < 0
    if sorting == "by_id":
        falls = (np.diff(node) < 0) | (falls & (np.diff(node) == 0))
    if sorting != "none" and falls.any():
        at = int(np.argmax(falls))
        raise UsageError(
            f"spikes must be sorted {sorting}, as {name} of {file} says, got {time_ms[at + 1]:g} ms of node "
            f"{node[at + 1]} after {time_ms[at]:g} ms of node {node[at]}; sort them, or set sorting to none"
        )


def _sorting(group: h5py.Group) -> str:
    """The attribute as a word: writers store it as an enumeration, its number, or a text."""
    import h5py

    if "sorting" not in group.attrs:
        return "none"
    value, kind = group.attrs["sorting"], group.attrs.get_id("sorting").dtype
    if isinstance(value, (bytes, str)):
        return _text(value)
    words = {number: word for word, number in (h5py.check_enum_dtype(kind) or SORTING).items()}
    return words.get(int(value), str(value))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
