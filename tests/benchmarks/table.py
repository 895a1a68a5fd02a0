"""What every benchmark shares: its result as a table, and rounds in which the candidates take turns."""

from __future__ import annotations

import gc
import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Rounds", "Table", "compiler_version", "cpu_seconds", "in_turn", "machine", "markdown", "spread"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A benchmark's result as it is printed."""

    setting: str  # what was run and how often, one paragraph
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    below: tuple[str, ...] = ()  # one paragraph each: ratios, what they mean
    packages: tuple[str, ...] = ("numpy", "numba", "brian2")  # whose versions matter

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {version(name)}" for name in self.packages)
        where = f"{machine()}; Python {platform.python_version()}, {versions}."
        return "\n\n".join([self.setting, markdown(self.head, self.lines), *self.below, where])


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table."""
    table = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """What every way gave when it ran first, and what it took in each of the rounds that followed."""

    first: dict[str, Any]
    seconds: dict[str, np.ndarray]  # by the clock, each (repeats,)
    cpu_s: dict[str, np.ndarray]  # of all threads and processes; hardly longer where others use the machine


def in_turn(ways: Mapping[str, Callable[[], Any]], *, repeats: int) -> Rounds:
    """Run every way once to warm up, then once a round, in an order drawn anew each time.

    So all meet the same noise of the machine, and a ratio within a round is fairer than one of medians.
    """
    rng = np.random.default_rng(0)
    first = {name: way() for name, way in ways.items()}
    seconds, cpu_s = ({name: np.empty(repeats) for name in ways} for _ in range(2))
    names = list(ways)
    for k in range(repeats):
        for i in rng.permutation(len(names)):
            gc.collect()  # nobody pays for another's garbage
            began, cpu_before = time.perf_counter(), cpu_seconds()
            ways[names[i]]()
            cpu_s[names[i]][k] = cpu_seconds() - cpu_before
            seconds[names[i]][k] = time.perf_counter() - began
    return Rounds(first=first, seconds=seconds, cpu_s=cpu_s)


def cpu_seconds() -> float:
    """Processor time of this process so far, and of those it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def spread(values: np.ndarray | Iterable[float], digits: int = 2) -> str:
    """Median and range, `median (least to largest)`."""
    values = np.array(list(values), dtype=float)
    return f"{np.median(values):.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"


def machine() -> str:
    """Processor and cores, in words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores of {_processor()}, {platform.system()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    lines = (line.partition(":") for line in info.read_text().splitlines())
    facts = {key.strip(): value.strip() for key, _, value in lines}
    name = facts.get("model name", platform.machine())
    return f"{name} ({'AVX-512' if 'avx512f' in facts.get('flags', '') else platform.machine()})"


def compiler_version() -> str:
    """The C compiler, by its own first line."""
    said = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[0]
