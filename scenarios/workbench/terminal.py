"""A run on the terminal: the answer in a sentence, the three numbers that matter, and where the report is."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scenarios.workbench.outcome import Metric, number_text
from scenarios.workbench.store import StoredRun

__all__ = ["print_headline", "print_run", "print_runs"]


def print_run(run: StoredRun, console: Console) -> None:
    """Print everything: question, answer in short and in full, all numbers, the three that matter."""
    console.print(Text(run.provenance.question, style="bold"))
    console.print()
    console.print(Text(" ".join(run.in_short)))
    console.print()
    console.print(Text(run.verdict, style="dim"))
    console.print()
    console.print(_numbers(run))
    _print_three(run, console)


def print_runs(runs: list[StoredRun], console: Console) -> None:
    """Print a line for each run: when, its name, its answer."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("started (UTC)", "run", "in short"):
        shown.add_column(heading, no_wrap=heading != "in short")
    for run in runs:
        started = run.provenance.started[:16].replace("T", " ")
        shown.add_row(started, Text(run.folder.name), Text(run.in_short[0]))
    console.print(shown)


def print_headline(run: StoredRun, console: Console) -> None:
    """Print the answer in one sentence, the three numbers that matter, and where the report is."""
    console.print()
    console.print(Text(run.in_short[0], style="bold"))
    _print_three(run, console)


def _print_three(run: StoredRun, console: Console) -> None:
    console.print()
    shown = Table.grid(padding=(0, 3))
    for name in run.headline:
        metric = run.metrics[name]
        shown.add_row(metric.label, Text(metric.text(), style="bold"), Text(_beside(metric), style="dim"))
    console.print(Padding(shown, (0, 0, 0, 2)))
    console.print()
    console.print(Text(f"report: {_readable(run.report)}"), soft_wrap=True)


def _numbers(run: StoredRun) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("measure")
    for heading in ("value", "floor", "control"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("note", style="dim")
    for metric in run.metrics.values():
        shown.add_row(
            Text(metric.label),
            metric.text(),
            number_text(metric.floor),
            number_text(metric.control),
            Text(metric.note),
        )
    return shown


def _beside(metric: Metric) -> str:
    parts = {"floor": metric.floor, "control": metric.control}
    return ", ".join(f"{name} {number_text(value)}" for name, value in parts.items() if value is not None)


def _readable(path: Path) -> str:
    """The path from here if that is shorter, else in full."""
    relative = os.path.relpath(path)
    return str(path.resolve()) if relative.startswith("..") else relative
