"""What lies in a run folder: written from an `Outcome`, read back as a `StoredRun`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pragmatic.checks import shown
from scenarios.workbench.errors import UsageError, check_known
from scenarios.workbench.outcome import Kept, Metric, Outcome, Picture, first_sentences
from scenarios.workbench.provenance import Provenance
from scenarios.workbench.staging import check_room

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from neo import Block

    from spiking.record import SpikeRecord

__all__ = ["RUNS", "StoredRun", "read_run", "write_results"]

RUNS = Path("runs")  # where runs go by default
SPIKE_BYTES, HEADERS = 16, 2**18  # at most: of a spike in result.nc, and of what describes its variables


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
    def name(self) -> str:
        """Of the folder."""
        return self.folder.name

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

    def get_data(self, name: str) -> Block:
        """The spike trains of one record as a Neo block, as PyNN's `Population.get_data` gives them."""
        from spiking.export import get_data

        return get_data(self.spikes(name), name=name)

    def spike_table(self) -> pd.DataFrame:
        """All spikes kept, one a line: record, row, key, cell and time_ms."""
        from scenarios.workbench.spike_times import spike_table

        return spike_table({name: self.spikes(name) for name in self.spikes_kept})


def write_results(folder: Path, provenance: Provenance, outcome: Outcome) -> None:
    """Write everything but the report into an existing folder: parameters, metrics, data, figures, files."""
    from scenarios.workbench.spike_times import LIMIT, write_spikes

    _write_json(folder / "params.json", asdict(provenance))
    n_spikes = min(LIMIT, sum(map(len, outcome.spikes.values())))
    check_room(folder, outcome.dataset.nbytes + n_spikes * SPIKE_BYTES + HEADERS)
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
    if not isinstance(run, (str, Path)):
        raise TypeError(
            f"run must be a run's folder or name, got {shown(run)}; list the runs: fortyhertz show"
        )
    for folder in (Path(run), RUNS / run):
        if _holds_run(folder):
            return _read(folder)
    known = sorted(path.parent.name for path in RUNS.glob("[!.]*/params.json"))
    raise UsageError(
        f"run must be a run's folder or name, got {shown(str(run))}; in {RUNS}/: {', '.join(known) or 'none'}"
    )


def _holds_run(folder: Path) -> bool:
    try:
        return (folder / "params.json").is_file() and (folder / "metrics.json").is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _read(folder: Path) -> StoredRun:
    try:
        parameters = json.loads((folder / "params.json").read_text(encoding="utf-8"))
        numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        parameters["peak_memory_MiB"] = _number(parameters["peak_memory_MiB"])
        metrics = {
            name: Metric(**{**entry, "value": _number(entry["value"])})
            for name, entry in numbers["metrics"].items()
        }
        _check_texts(numbers["verdict"], *numbers["captions"].values(), *parameters["parameters"])
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
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"run must be a whole run folder, got a damaged one: {folder}; run it again"
        ) from error


def _check_texts(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("a text is no text")


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
