"""The lists of the command line: scenarios by theme, and runs by date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import shorten

from scenarios.workbench import registry
from scenarios.workbench.outside import scenario_files

__all__ = ["by_theme", "listed_scenarios"]

HERE = "In this folder"
WIDTH = 90  # of a summary, which the question of a file stands in for


def by_theme() -> dict[str, dict[str, str]]:
    """Summaries of all scenarios: theme, then name; those of installed packages and this folder last."""
    files = {
        name: registry.Entry(HERE, shorten(question, WIDTH, placeholder=" ..."))
        for name, question in scenario_files(Path()).items()
    }
    themes: dict[str, dict[str, str]] = {}
    for name, entry in {**registry.SCENARIOS, **registry.installed(), **files}.items():
        themes.setdefault(entry.theme, {})[name] = entry.summary
    return themes


def listed_scenarios() -> Iterator[str]:
    """The lines of `fortyhertz list`."""
    themes = by_theme()
    width = max(len(name) for group in themes.values() for name in group)
    for theme, group in themes.items():
        yield theme
        for name, summary in group.items():
            yield f"  {name:<{width}}  {summary}"
        yield ""
