"""What a run, or a circuit, leaves for other tools: one writer a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scenarios.workbench.errors import UsageError, check_known
from scenarios.workbench.nwb import write_nwb
from scenarios.workbench.sonata import write_sonata
from scenarios.workbench.staging import whole_file
from scenarios.workbench.store import StoredRun, read_run

__all__ = ["FORMATS", "export"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format, and how a run's spikes are written in it."""

    suffix: str
    write: Callable[[StoredRun, Path], int]  # returns how many of `unit` it wrote
    unit: str


def write_neo(run: StoredRun, file: Path) -> int:
    """Write one Neo block as a MATLAB file, which `neo.io.NeoMatlabIO` reads; returns its number of spike trains.

    Rows are segments, those of one simulation after those of another.
    """
    from neo import Block
    from neo.io import NeoMatlabIO

    whole = Block(name=run.folder.name)
    for name in run.spikes_kept:
        whole.segments.extend(run.get_data(name).segments)
    for index, segment in enumerate(whole.segments):
        segment.index = index
    with whole_file(file) as partial:
        NeoMatlabIO(str(partial)).write_block(whole)
    return sum(len(segment.spiketrains) for segment in whole.segments)


def write_csv(run: StoredRun, file: Path) -> int:
    """Write one line a spike: record, row, key, cell and time_ms; returns their number."""
    table = run.spike_table()
    with whole_file(file) as partial:
        table.to_csv(partial, index=False)
    return len(table)


FORMATS = {
    "nwb": Format(suffix=".nwb", write=write_nwb, unit="units"),
    "neo": Format(suffix=".mat", write=write_neo, unit="spike trains"),
    "sonata": Format(suffix=".h5", write=write_sonata, unit="spikes"),
    "csv": Format(suffix=".csv", write=write_csv, unit="spikes"),
}


def export(run: str, to: str, out: Path | None) -> str:
    """Write a run's spikes in a format; returns the line that says so.

    Parameters
    ----------
    run : str
        Its folder or name.
    to : str
        A name of `FORMATS`.
    out : Path, optional
        A new file; by default the run's name with the suffix of the format, in the working folder.

    Raises
    ------
    UsageError
        For an unknown format, a run without spikes, and a file that exists or has another suffix.
    """
    chosen = FORMATS[check_known("format", to, FORMATS)]
    stored = read_run(run)
    if not stored.spikes_kept:
        raise UsageError(
            f"run must keep spike times, got none in {stored.folder}; run gamma-selects, compare "
            "or swap, for example"
        )
    file = out or Path(stored.folder.name).with_suffix(chosen.suffix)
    _check_file(file, to, chosen.suffix)
    return f"{chosen.write(stored, file):,} {chosen.unit}: {file}"


def _check_file(file: Path, to: str, suffix: str) -> None:
    if file.suffix != suffix or file.exists():
        rule = "must be new" if file.exists() else f"must end in {suffix}"
        raise UsageError(f"{to} {rule}, got {file}; choose another name")
