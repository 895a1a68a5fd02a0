"""What differs between two runs: parameters, versions, and metrics against their combined standard error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scenarios.workbench.outcome import Metric, number_text
from scenarios.workbench.provenance import Provenance
from scenarios.workbench.statistics import LEVEL, Estimate, clear, difference
from scenarios.workbench.store import StoredRun

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["Apart", "metrics_apart", "print_diff", "settings_apart"]

MISSING = "–"


@dataclass(frozen=True, kw_only=True)
class Apart:
    """A metric that differs between two runs."""

    label: str
    first: Metric
    second: Metric
    change: Estimate  # second - first; its error is nan where one of the two has none
    sign: int  # 1 or -1 where the change is clear, corrected for all metrics compared; else 0


def settings_apart(first: Provenance, second: Provenance) -> dict[str, tuple[Any, Any]]:
    """Scenario, seed, engine and parameters that differ, by name; None where a run has no such parameter."""
    return _unequal(*({**_common(run), **run.parameters} for run in (first, second)))


def _common(run: Provenance) -> dict[str, Any]:
    return {"scenario": run.scenario, "seed": run.seed, "engine": run.engine}


def _unequal(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    both = {name: (first.get(name), second.get(name)) for name in {**first, **second}}
    return {name: values for name, values in both.items() if values[0] != values[1]}


def metrics_apart(first: StoredRun, second: StoredRun) -> tuple[list[Apart], int]:
    """The metrics of both runs that differ, and how many both have.

    The errors are combined as those of independent runs. Runs of one seed may share their input, which makes them
    differ by less: then a clear difference is the clearer.
    """
    names = [name for name in first.metrics if name in second.metrics]
    pairs = {name: (first.metrics[name], second.metrics[name]) for name in names}
    changes = {name: difference(_estimate(b), _estimate(a)) for name, (a, b) in pairs.items()}
    signs = clear({name: change for name, change in changes.items() if math.isfinite(change.error)})
    return [
        Apart(label=a.label, first=a, second=b, change=changes[name], sign=signs.get(name, 0))
        for name, (a, b) in pairs.items()
        if a.value != b.value and not (math.isnan(a.value) and math.isnan(b.value))
    ], len(names)


def _estimate(metric: Metric) -> Estimate:
    error = metric.standard_error
    return Estimate(value=metric.value, error=math.nan if error is None else error)


def print_diff(first: StoredRun, second: StoredRun, console: Console) -> None:
    """Print what differs between two runs."""
    from rich.text import Text

    names = (first.folder.name, second.folder.name)
    settings = settings_apart(first.provenance, second.provenance)
    versions = _unequal(first.provenance.versions, second.provenance.versions)
    for title, values in (("settings", settings), ("versions", versions)):
        console.print(_pairs(title, names, values) if values else Text(f"{title}: the same"))
        console.print()
    apart, n_common = metrics_apart(first, second)
    if apart:
        console.print(_changes(names, apart))
        console.print()
    for line in _summary(apart, n_common):
        console.print(Text(line))


def _table(title: str, names: tuple[str, ...], *more: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title)
    for name in (*names, *more):
        table.add_column(name, justify="right", no_wrap=name in more)
    return table


def _pairs(title: str, names: tuple[str, str], values: dict[str, tuple[Any, Any]]) -> Table:
    from rich.text import Text

    table = _table(title, names)
    for name, both in values.items():
        table.add_row(Text(name), *(Text(MISSING if value is None else str(value)) for value in both))
    return table


def _changes(names: tuple[str, str], apart: list[Apart]) -> Table:

    table = _table("metrics", names, "difference", "in SE")
    for one in apart:
        style = "bold" if one.sign else ""
        ratio = one.change.value / one.change.error if one.change.error else math.nan
        cells = (one.first.text(), one.second.text(), number_text(one.change.value, one.change.error))
        table.add_row(one.label, *cells, f"{ratio:.1f}" if math.isfinite(ratio) else MISSING, style=style)
    return table


def _summary(apart: list[Apart], n_common: int) -> Iterator[str]:
    if not n_common:
        yield "The runs have no metric in common."
        return
    tested = sum(math.isfinite(one.change.error) for one in apart)
    clearly = sum(one.sign != 0 for one in apart)
    yield f"{n_common - len(apart)} of {n_common} metrics are equal."
    if tested:
        yield (
            f"{clearly} of the {tested} that differ and have a standard error differ clearly (bold): normal tests "
            f"at {LEVEL:.0%}, corrected together (Holm). Errors are combined as those of independent runs."
        )
