"""What this machine and installation offer: versions, compiler, Brian2 target, cores, memory, extras."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenarios.workbench.extras import EXTRAS, install_command
from scenarios.workbench.provenance import versions
from scenarios.workbench.staging import PARTIAL
from scenarios.workbench.store import RUNS

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Check", "checks", "table"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of the doctor's table."""

    topic: str
    finding: str
    remedy: str = ""  # "" if nothing is amiss


def checks() -> tuple[Check, ...]:
    """Everything the doctor looks at, in the order shown."""
    packages = [Check(topic=name, finding=version) for name, version in versions().items()]
    return (*packages, *_compilation(), *_resources(), *_extras(), *_left())


def table() -> Table:
    """The checks as a table for the terminal."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "here", "remedy"):
        shown.add_column(heading, overflow="fold")
    for check in checks():
        shown.add_row(check.topic, Text(check.finding, "yellow" if check.remedy else ""), Text(check.remedy))
    return shown


def _compilation() -> Iterator[Check]:
    from spiking.engines.brian2 import codegen_target, compiler

    present = compiler()
    install = "install one, for example: apt install g++"
    yield Check(topic="C++ compiler", finding=present or "none", remedy="" if present else install)
    target = codegen_target()
    slow = "" if target == "cython" else "runs, but slower: needs a C++ compiler"
    yield Check(topic="Brian2 target", finding=target, remedy=slow)


def _resources() -> Iterator[Check]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Check(topic="cores", finding=f"{usable} usable of {os.cpu_count()}")
    limits = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    yield Check(topic="BLAS threads", finding=", ".join(limits) or "one per core")
    if hasattr(os, "sysconf"):
        memory_GiB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        yield Check(topic="memory", finding=f"{memory_GiB:.1f} GiB")


def _extras() -> Iterator[Check]:
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        finding = f"without {', '.join(missing)}" if missing else "present"
        remedy = install_command(extra, missing) if missing else ""
        yield Check(topic=f"extra {extra}", finding=finding, remedy=remedy)


def _left() -> Iterator[Check]:
    """What runs that did not end well have left in the folder of runs."""
    for pattern, topic, remedy in (
        (".*.unfinished", "unfinished trainings", "the same command resumes; or remove them"),
        (
            PARTIAL,
            "half-written runs",
            "the next run removes those of killed runs; on network disks remove them",
        ),
    ):
        names = sorted(path.name for path in RUNS.glob(pattern))
        if names:
            more = f" and {len(names) - 1} more" if names[1:] else ""
            yield Check(topic=topic, finding=f"{RUNS}/{names[0]}{more}", remedy=remedy)
