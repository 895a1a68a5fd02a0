"""The runs of a folder as the page shows them: a line each, damaged ones too, and two of them compared."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from scenarios.workbench.diff import metrics_apart, settings_apart
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Metric, number_text
from scenarios.workbench.store import StoredRun, read_run

__all__ = ["Shelved", "comparison", "figures", "lines", "shelf", "summary"]


@dataclass(frozen=True, kw_only=True)
class Shelved:
    """A run folder."""

    name: str  # its path from the folder that is shown
    run: StoredRun | None  # None for one that cannot be read
    fault: str = ""  # why

    @property
    def title(self) -> str:
        """As a menu lists it."""
        if self.run is None:
            return f"{self.name} (damaged)"
        return f"{self.name} · {self.run.provenance.started[:16].replace('T', ' ')}"


def shelf(folder: Path) -> list[Shelved]:
    """Every run folder in a folder or further down, the latest first, those that cannot be read last."""
    shelved = []
    for parameters in sorted(folder.rglob("params.json")):
        name = parameters.parent.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):  # half-written
            continue
        if not (parameters.parent / "metrics.json").is_file():
            fault = "metrics.json is missing, so that this is half a run; run it again"
            shelved.append(Shelved(name=str(name), run=None, fault=fault))
            continue
        try:
            shelved.append(Shelved(name=str(name), run=read_run(parameters.parent)))
        except (UsageError, OSError) as error:
            shelved.append(Shelved(name=str(name), run=None, fault=str(error)))
    return sorted(shelved, key=_when, reverse=True)


def _when(one: Shelved) -> tuple[str, float]:
    """When a run was started, to the second, and when it was written; a damaged one comes before all others."""
    if one.run is None:
        return "", 0.0
    return one.run.provenance.started, (one.run.folder / "metrics.json").stat().st_mtime


def summary(one: Shelved) -> str:
    """Question, answer and headline of a run, as HTML."""
    if one.run is None:
        return f"<h2>{escape(one.name)}</h2><div class='message error'>{escape(one.fault)}</div>"
    run = one.run
    rows = [
        f"<tr><td>{escape(run.metrics[name].label)}</td><td><b>{escape(run.metrics[name].text())}</b></td>"
        f"<td class='muted'>{escape(_controls(run.metrics[name]))}</td></tr>"
        for name in run.headline
        if name in run.metrics
    ]
    return (
        f"<h2>{escape(one.name)}</h2><p class='muted'>{escape(run.provenance.question)}</p>"
        f"<p>{escape(' '.join(run.in_short))}</p><table>{''.join(rows)}</table>"
    )


def figures(one: Shelved) -> str:
    """Its figures with their captions, as HTML that holds the pictures."""
    if one.run is None:
        return ""
    parts = []
    for name, caption in one.run.captions.items():
        picture = one.run.folder / f"{name}.png"
        if picture.parent != one.run.folder or not picture.is_file():
            parts.append(f"<p class='muted'>The figure {escape(name)} is missing.</p>")
            continue
        data = base64.b64encode(picture.read_bytes()).decode()
        parts.append(f'<img src="data:image/png;base64,{data}"><p class="muted">{escape(caption)}</p>')
    return "".join(parts)


def comparison(first: Shelved, second: Shelved) -> str:
    """What differs between two runs, as `fortyhertz diff` says it, as HTML."""
    if first.run is None or second.run is None:
        return ""
    names = [escape(first.name), escape(second.name)]
    settings = settings_apart(first.run.provenance, second.run.provenance)
    apart, n_common = metrics_apart(first.run, second.run)
    told = _table(["setting", *names], [[name, *map(_value, both)] for name, both in settings.items()])
    lines = [
        [
            one.label,
            one.first.text(),
            one.second.text(),
            number_text(one.change.value, one.change.error) + (" *" if one.sign else ""),
        ]
        for one in apart
    ]
    measured = _table(["metric", *names, "difference"], lines)
    said = f"{n_common - len(apart)} of {n_common} common metrics are equal; those marked * differ clearly."
    return (
        f"<h2>Compared</h2>{told if settings else '<p>The settings are the same.</p>'}{measured}<p>{said}</p>"
    )


def lines(shown: Iterable[Shelved]) -> str:
    """Python that reads the runs, and the commands that made them."""
    runs = [one.run for one in shown if one.run is not None]
    read = [f'run = fh.read_run("{run.folder}")\nprint(run.verdict)' for run in runs]
    commands = [f"$ {run.provenance.command}" for run in runs]
    diff = [f"$ fortyhertz diff {runs[0].folder} {runs[1].folder}"] if len(runs) == 2 else []
    return "\n".join(["import fortyhertz as fh", "", *read, "", *commands, *diff])


def _controls(metric: Metric) -> str:
    parts = {"floor": metric.floor, "control": metric.control}
    return ", ".join(f"{name} {number_text(value)}" for name, value in parts.items() if value is not None)


def _value(value: object) -> str:
    return "–" if value is None else str(value)


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{cells}</table>" if rows else ""
