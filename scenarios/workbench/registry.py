"""How the name of a scenario becomes the module that it stands for, and the names of engines and models."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol, cast

from scenarios.workbench.catalogue import INSTALLED, SCENARIOS, Entry
from scenarios.workbench.errors import check_known
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.outside import digest, is_file, load_file, load_module
from scenarios.workbench.params import ScenarioParams

__all__ = [
    "ENGINES",
    "MODELS",
    "SCENARIOS",
    "Entry",
    "Scenario",
    "identity",
    "installed",
    "is_ours",
    "load",
    "load_from",
    "short_name",
    "where",
]

ENGINES = ("events", "fused", "cuda", "brian2")

MODELS = {"minilm": "minilm-heads"}  # model -> the scenario that compares its heads

GROUP = "fortyhertz.scenarios"  # entry points of other packages: name -> module


class Scenario(Protocol):
    """What a scenario's module offers."""

    @property
    def QUESTION(self) -> str:
        """The question that the scenario answers, in one or two sentences."""
        ...

    @property
    def Params(self) -> type[ScenarioParams]:
        """Its parameters, each with a default and a line of help."""
        ...

    def run(self, params: Any, ctx: RunContext) -> Outcome:
        """Answer the question."""
        ...


def installed() -> dict[str, Entry]:
    """The scenarios that other packages add by the entry point group ``fortyhertz.scenarios``."""
    from importlib.metadata import entry_points  # not needed for our own names, which must come at once

    return {
        point.name: Entry(INSTALLED, f"of {point.dist.name} {point.dist.version}", point.value)
        for point in entry_points(group=GROUP)
        if point.dist is not None and point.name not in SCENARIOS
    }


def load(name: str) -> Scenario:
    """Import a scenario by its name, or from the path of a user's file.

    Raises
    ------
    UsageError
        If no scenario has that name, or what comes from outside is not a scenario.
    """
    if is_file(name):
        return cast(Scenario, load_file(name))
    if name not in SCENARIOS:
        others = installed()
        entry = others[check_known("scenario", name, {**SCENARIOS, **others})]
        return cast(Scenario, load_module(entry.module, f"{name} {entry.summary}"))
    return cast(Scenario, importlib.import_module(f"scenarios.{name.replace('-', '_')}"))


def is_ours(name: str) -> bool:
    """Tell whether an error of the scenario is a fault of this program."""
    return name in SCENARIOS


def short_name(name: str) -> str:
    """The name that runs are called by: of a file, its own without folder and suffix."""
    return Path(name).stem if is_file(name) else name


def identity(name: str) -> str:
    """The name under which results are kept; it changes with the content of a user's file."""
    return f"{short_name(name)}@{digest(name)}" if is_file(name) else name


def where(name: str, scenario: Scenario) -> str:
    """Where another process can load it from: the module, or the whole path of a user's file."""
    return str(Path(name).resolve()) if is_file(name) else scenario.Params.__module__


def load_from(place: str) -> Scenario:
    """Load a scenario from where `where` says it is."""
    return cast(Scenario, load_file(place) if place.endswith(".py") else importlib.import_module(place))
