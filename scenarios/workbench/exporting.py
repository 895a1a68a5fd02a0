"""What a run, a circuit or a NIR graph leaves for other tools: one writer a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.workbench.errors import UsageError, check_known
from scenarios.workbench.nir_files import SimulatedGraph, write_nir
from scenarios.workbench.nwb import write_nwb
from scenarios.workbench.sonata import write_sonata
from scenarios.workbench.spike_times import Spiking
from scenarios.workbench.staging import whole_file
from scenarios.workbench.store import StoredRun, read_run

__all__ = ["FORMATS", "Options", "export"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format, and how spikes are written in it."""

    suffix: str
    write: Callable[[Any, Path], int] | None = (
        None  # returns how many of `unit` it wrote; None for a network's
    )
    unit: str = "nodes"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What NIR asks for besides; see `write_nir` and `SimulatedGraph`."""

    keys: int = 4
    only: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    inputs: Path | None = None
    duration_ms: float = 1000.0
    spike_s: float = 1.0


def write_neo(source: Spiking, file: Path) -> int:
    """Write one Neo block as a MATLAB file, which `neo.io.NeoMatlabIO` reads; returns its number of spike trains.

    Rows are segments, those of one simulation after those of another.
    """
    from neo import Block
    from neo.io import NeoMatlabIO

    whole = Block(name=source.name)
    for name in source.spikes_kept:
        whole.segments.extend(list(source.get_data(name).segments))
    for index, segment in enumerate(whole.segments):
        segment.index = index
    with whole_file(file) as partial:
        NeoMatlabIO(str(partial)).write_block(whole)
    return sum(len(segment.spiketrains) for segment in whole.segments)


def write_csv(source: Spiking, file: Path) -> int:
    """Write one line a spike: record, row, key, cell and time_ms; returns their number."""
    table = source.spike_table()
    with whole_file(file) as partial:
        table.to_csv(partial, index=False)
    return len(table)


FORMATS = {
    "nwb": Format(suffix=".nwb", write=write_nwb, unit="units"),
    "neo": Format(suffix=".mat", write=write_neo, unit="spike trains"),
    "sonata": Format(suffix=".h5", write=write_sonata, unit="spikes"),
    "csv": Format(suffix=".csv", write=write_csv, unit="spikes"),
    "nir": Format(suffix=".nir"),
}


def export(source: str, to: str, out: Path | None, options: Options) -> str:
    """Write spikes, or a network, in a format; returns the line that says so.

    Parameters
    ----------
    source : str
        The folder or name of a run, or a .nir file, which is simulated; to NIR the name of a circuit.
    to : str
        A name of `FORMATS`.
    out : Path, optional
        A new file; by default the source's name with the suffix of the format, in the working folder.
    options : Options

    Raises
    ------
    UsageError
        For an unknown format, a run without spikes, and a file that exists or has another suffix.
    """
    chosen = FORMATS[check_known("format", to, FORMATS)]
    if chosen.write is None:
        file = _file(out or Path(source.replace(":", "-")).with_suffix(".nir"), to)
        n_nodes = write_nir(_circuit(source), file, n_keys=options.keys, only=options.only, drop=options.drop)
        return f"{n_nodes} nodes: {file}"
    spiking = _graph(source, to, options) if source.endswith(".nir") else _run(source)
    file = _file(out or Path(f"{spiking.name}{chosen.suffix}"), to)
    return f"{chosen.write(spiking, file):,} {chosen.unit}: {file}"


def _circuit(source: str) -> str:
    """The name of a circuit; a run is none."""
    if Path(source).exists() or source.endswith(".nir"):
        raise UsageError(
            f"source must be a circuit for --to nir, got {source}; give its name, such as brief, or "
            "package.module:name: a run keeps its spikes, not its network"
        )
    return source


def _graph(source: str, to: str, options: Options) -> SimulatedGraph:
    if to == "nwb":
        raise UsageError(f"source must be a run for --to nwb, got {source}; use --to sonata, neo or csv")
    return SimulatedGraph(
        file=Path(source), inputs=options.inputs, duration_ms=options.duration_ms, spike_s=options.spike_s
    )


def _run(source: str) -> StoredRun:
    stored = read_run(source)
    if not stored.spikes_kept:
        raise UsageError(
            f"run must keep spike times, got none in {stored.folder}; run gamma-selects, compare or swap, for "
            "example"
        )
    return stored


def _file(file: Path, to: str) -> Path:
    suffix = FORMATS[to].suffix
    if file.suffix != suffix or file.exists():
        rule = "must be new" if file.exists() else f"must end in {suffix}"
        raise UsageError(f"{to} {rule}, got {file}; choose another name")
    return file
