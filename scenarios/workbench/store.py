"""Run folders: written aside and renamed into place whole, read back as a `StoredRun`."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios.workbench.errors import UsageError, check_known
from scenarios.workbench.outcome import Kept, Metric, Outcome, Picture, first_sentences
from scenarios.workbench.provenance import Provenance

if TYPE_CHECKING:
    import xarray as xr

    from spiking.record import SpikeRecord

__all__ = ["RUNS", "Staged", "StoredRun", "read_run", "staged_folder", "whole_file", "write_results"]

RUNS = Path("runs")  # where runs go by default


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A run folder, read back."""

    folder: Path
    provenance: Provenance
    metrics: dict[str, Metric]
    headline: tuple[str, ...]  # the names of the three metrics that matter
    verdict: str
    in_short: tuple[str, ...]  # one to three sentences
    captions: dict[str, str]  # figure -> caption
    spikes_kept: dict[str, Kept]  # record -> how much of it `spikes` gives

    @property
    def report(self) -> Path:
        """The self-contained HTML report."""
        return self.folder / "report.html"

    def dataset(self) -> xr.Dataset:
        """The labelled data of ``result.nc``, in memory."""
        import xarray as xr

        return xr.load_dataset(self.folder / "result.nc", engine="h5netcdf")

    def spikes(self, name: str) -> SpikeRecord:
        """The spike times of one record, of those in `spikes_kept`."""
        from scenarios.workbench.spike_times import read_spikes

        return read_spikes(self.folder / "result.nc", check_known("record", name, self.spikes_kept))


class Staged:
    """A folder in the making; `folder` is its final place once it is published."""

    def __init__(self, temporary: Path, wanted: Path, numbered: bool) -> None:
        self.temporary = temporary
        self.folder = wanted
        self._numbered = numbered

    def publish(self) -> None:
        """Flush everything to disk and rename into place; take the next free number if allowed."""
        _fsync_tree(self.temporary)
        wanted = self.folder
        for number in itertools.count(1):
            self.folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
            try:
                os.rename(self.temporary, self.folder)
                break
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                if not self._numbered:
                    raise _occupied(wanted) from error
        _fsync(self.folder.parent)


@contextmanager
def staged_folder(wanted: Path, *, numbered: bool) -> Iterator[Staged]:
    """Make a folder next to `wanted` at once, and rename it to `wanted` when the block ends well.

    After an exception or Ctrl-C nothing stays, parent folders made for it included.

    Parameters
    ----------
    wanted : Path
        New, or an empty folder.
    numbered : bool
        If `wanted` is taken: True appends ``-2``, ``-3``, ...; False is an error.

    Raises
    ------
    UsageError
        If the folder is taken or cannot be written.
    """
    if not numbered and wanted.exists() and not _is_empty_folder(wanted):
        raise _occupied(wanted)
    temporary = wanted.with_name(f".{wanted.name}.{secrets.token_hex(4)}.partial")
    made = [parent for parent in wanted.parents if not parent.exists()]  # innermost first
    try:
        try:
            temporary.mkdir(parents=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(
                f"out must be a folder that can be written, got {wanted} ({reason}); choose another"
            ) from error
        staged = Staged(temporary, wanted, numbered)
        yield staged
        staged.publish()
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file to write next to `path`; it takes that name when the block ends well, and goes otherwise."""
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield partial
        _fsync(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_results(folder: Path, provenance: Provenance, outcome: Outcome) -> None:
    """Write everything but the report into an existing folder: parameters, metrics, data, figures, files."""
    from scenarios.workbench.spike_times import write_spikes

    _write_json(folder / "params.json", asdict(provenance))
    outcome.dataset.to_netcdf(folder / "result.nc", engine="h5netcdf")
    kept = write_spikes(folder / "result.nc", outcome.spikes)
    numbers = {
        "headline": outcome.headline,
        "in_short": outcome.in_short or first_sentences(outcome.verdict),
        "verdict": outcome.verdict,
        "metrics": {name: asdict(metric) for name, metric in outcome.metrics.items()},
        "captions": {name: picture.caption for name, picture in outcome.pictures.items()},
        "spikes": {name: asdict(record) for name, record in kept.items()},
    }
    _write_json(folder / "metrics.json", numbers)
    _write_pictures(folder, outcome.pictures)
    for name, write in outcome.files.items():
        write(folder / name)


def read_run(run: str | Path) -> StoredRun:
    """Read a run by its folder, or by its name under ``runs/``.

    Raises
    ------
    UsageError
        If neither is a run folder; the message lists the runs there are.
    """
    for folder in (Path(run), RUNS / run):
        if (folder / "params.json").is_file() and (folder / "metrics.json").is_file():
            return _read(folder)
    known = sorted(path.parent.name for path in RUNS.glob("[!.]*/params.json"))
    raise UsageError(
        f"run must be a run's folder or name, got {str(run)!r}; in {RUNS}/: {', '.join(known) or 'none'}"
    )


def _read(folder: Path) -> StoredRun:
    try:
        parameters = json.loads((folder / "params.json").read_text(encoding="utf-8"))
        numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        parameters["peak_memory_MiB"] = _number(parameters["peak_memory_MiB"])
        metrics = {
            name: Metric(**{**entry, "value": _number(entry["value"])})
            for name, entry in numbers["metrics"].items()
        }
        return StoredRun(
            folder=folder,
            provenance=Provenance(**parameters),
            metrics=metrics,
            headline=tuple(numbers["headline"]),
            verdict=numbers["verdict"],
            in_short=tuple(numbers.get("in_short") or first_sentences(numbers["verdict"])),
            captions=numbers["captions"],
            spikes_kept={name: Kept(**kept) for name, kept in numbers.get("spikes", {}).items()},
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"run must be a whole run folder, got a damaged one: {folder}; run it again"
        ) from error


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """The value in JSON's own types: NumPy scalars unpacked, numbers that are not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_pictures(folder: Path, pictures: Mapping[str, Picture]) -> None:
    from scenarios.workbench.style import style

    for name, picture in pictures.items():
        with style():
            figure = picture.draw()
            figure.savefig(folder / f"{name}.png", dpi=200)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _occupied(folder: Path) -> UsageError:
    return UsageError(
        f"out must be new or an empty folder, got {folder}, which exists; choose another or remove it"
    )


def _fsync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _fsync(path)
    _fsync(folder)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
