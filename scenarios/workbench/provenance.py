"""Where a result comes from: scenario, parameters, versions, the command that runs it again, time and memory."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["Provenance", "peak_memory_MiB", "versions"]

DISTRIBUTIONS = (
    "fortyhertz",
    "numpy",
    "scipy",
    "brian2",
    "numba",
    "torch",
    "xarray",
    "matplotlib",
    "transformers",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that a result depends on."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for distribution in DISTRIBUTIONS:
        try:
            found[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a result comes from and how to get it again: the content of ``params.json``."""

    scenario: str
    question: str
    seed: int
    engine: str
    parameters: dict[str, Any]
    defaults: dict[str, Any]
    help: dict[str, str]  # parameter -> one line
    command: str  # runs it again
    versions: dict[str, str] = field(default_factory=versions)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))  # ISO 8601
    wall_s: float = math.nan  # until it has run
    peak_memory_MiB: float = math.nan  # also where the system does not tell


def peak_memory_MiB() -> float:
    """The most memory that this process has had; nan where the system does not tell."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
