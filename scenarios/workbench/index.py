"""All runs of a folder: read, and shown on one page with question, answer, headline numbers and first figure."""

from __future__ import annotations

import warnings
from pathlib import Path

from scenarios.workbench.errors import UsageError
from scenarios.workbench.pages import page
from scenarios.workbench.staging import whole_file
from scenarios.workbench.store import RUNS, StoredRun, read_run

__all__ = ["keep_index", "runs_of", "write_index"]

INDEX = "index.html"


def runs_of(folder: Path = RUNS) -> list[StoredRun]:
    """The runs of a folder, the latest first; one that cannot be read is left out with a warning.

    Raises
    ------
    UsageError
        If there is none.
    """
    runs = []
    for parameters in sorted(folder.glob("[!.]*/params.json")):
        try:
            runs.append(read_run(parameters.parent))
        except UsageError as error:
            warnings.warn(f"left out: {error}", stacklevel=2)
    if not runs:
        raise UsageError(
            f"there must be a run, got none in {folder}/; make one, for example: fortyhertz run gamma-selects"
        )
    return sorted(runs, key=lambda run: run.provenance.started, reverse=True)


def write_index(folder: Path = RUNS) -> tuple[Path, int]:
    """Write ``index.html`` of a folder's runs, whole or not at all; returns its path and the number of runs.

    Thumbnails and reports are linked relative to the page, so the folder can be moved as it is.
    """
    runs = runs_of(folder)
    text = page("index", title=folder.resolve().name, images="'self' file:", runs=runs)
    with whole_file(folder / INDEX) as partial:
        partial.write_text(text, encoding="utf-8")
    return folder / INDEX, len(runs)


def keep_index(run: Path) -> None:
    """Bring the index up to date after a run under ``runs/``; what goes wrong here must not cost the run."""
    if run.parent.resolve() != RUNS.resolve():
        return
    try:
        write_index(run.parent)
    except (OSError, UsageError) as error:
        warnings.warn(f"no {INDEX} of the runs: {error}", stacklevel=2)
