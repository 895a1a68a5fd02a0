"""Run a sweep: compute the points that are missing, keep each, and make one dataset and report of all."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from scenarios.workbench.errors import UsageError
from scenarios.workbench.executors import DaskExecutor, Executor, ProcessExecutor
from scenarios.workbench.index import keep_index
from scenarios.workbench.params import fields_of
from scenarios.workbench.points import Point, PointResult, PointStore, compute
from scenarios.workbench.progress import Progress, silent
from scenarios.workbench.provenance import Provenance
from scenarios.workbench.registry import load, short_name
from scenarios.workbench.report import render
from scenarios.workbench.slurm import Slurm, SlurmExecutor
from scenarios.workbench.staging import destination, written_to
from scenarios.workbench.store import RUNS, StoredRun, read_run, write_results
from scenarios.workbench.sweep import SweepPlan
from scenarios.workbench.sweep_report import summarise

__all__ = ["SweepInterrupted", "SweepRun", "run_sweep"]

SLURM_JOBS = 2
POINTS = "points"  # the folder of stored points inside that of the sweep


@dataclass(frozen=True, kw_only=True)
class SweepRun:
    """A sweep that went through, and how its points ended."""

    run: StoredRun
    n_points: int
    n_computed: int  # now; the others were stored before
    n_failed: int


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C; the message says how far the sweep had come."""


def run_sweep(
    plan: SweepPlan,
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    slurm: Slurm | None = None,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> SweepRun:
    """Compute every point of a plan that is not stored yet, and write dataset and report.

    Whatever ends it, the same call goes on where it stopped. A point that fails is kept with its error; one
    that could not be computed at all, because its worker died, is reported and tried again by the next call.

    Parameters
    ----------
    plan : SweepPlan
    out : path, optional
        New, empty, or the folder of a sweep whose points are used again. By default
        ``runs/sweep-<scenario>-<seed>-<hash of the plan>``.
    jobs : int, optional
        Processes of this machine, as many as there are cores by default; with `slurm` its jobs, 2 by default.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers compute instead.
    slurm : Slurm, optional
        What jobs of the SLURM cluster ask for that compute instead.
    retry_failed : bool
        Compute points again that failed before.
    progress : Progress, optional
        Where to report the fraction of points done; nowhere by default.

    Raises
    ------
    UsageError
        If the folder is taken, in use or not writable, `jobs` below 1 or given with `scheduler`, no
        scheduler answers, or SLURM refuses such jobs.
    ModuleNotFoundError
        If `scheduler` or `slurm` is given and the extra `cluster` is not installed.
    SweepInterrupted
        At Ctrl-C.
    """
    if jobs is not None and (jobs < 1 or scheduler is not None):
        rule = "be >= 1" if jobs < 1 else "not go with scheduler, whose workers are its own"
        raise UsageError(f"jobs must {rule}, got {jobs}; leave it out for all cores")
    if slurm is not None and scheduler is not None:
        raise UsageError(f"scheduler must not go with slurm, got {scheduler}; leave one out")
    began, folder = time.perf_counter(), _folder(plan, out)
    store = PointStore(folder / POINTS)
    with store.locked():
        distinct = {point.key: point for point in plan.points}  # samples of whole numbers may coincide
        missing = [p for p in distinct.values() if _is_missing(store.read(p), retry_failed)]
        executor = partial(_executor, missing, jobs, scheduler, slurm, folder)
        unkept = _compute(missing, len(distinct), store, executor, progress or silent())
        results = [store.read(point) or unkept[point.key] for point in plan.points]
        provenance = replace(_provenance(plan), wall_s=time.perf_counter() - began)
        with written_to(folder):
            _write(folder, provenance, plan, results)
    keep_index(folder)
    return SweepRun(
        run=read_run(folder),
        n_points=len(results),
        n_computed=len(missing),
        n_failed=sum(result.error is not None for result in results),
    )


def _is_missing(result: PointResult | None, retry_failed: bool) -> bool:
    return result is None or (retry_failed and result.error is not None)


def _compute(
    missing: list[Point],
    total: int,
    store: PointStore,
    executor: Callable[[], Executor[Point, PointResult]],
    progress: Progress,
) -> dict[str, PointResult]:
    """Compute and store the missing points; returns those that could not be computed, by key."""
    if not missing:
        return {}
    unkept: dict[str, PointResult] = {}
    done = total - len(missing)
    try:
        with executor() as started:
            for point in missing:
                started.submit(point)
            progress(done / total, f"{done} of {total} points")
            for completed in started.as_completed():
                if completed.result is not None:
                    store.write(completed.task, completed.result)
                else:
                    unkept[completed.task.key] = PointResult.failed(f"not computed: {completed.error}")
                done += 1
                progress(done / total, f"{done} of {total} points")
    except KeyboardInterrupt:
        said = f"{done - len(unkept)} of {total} points are kept; the same command goes on"
        raise SweepInterrupted(said) from None
    return unkept


def _executor(
    missing: list[Point], jobs: int | None, scheduler: str | None, slurm: Slurm | None, folder: Path
) -> Executor[Point, PointResult]:
    if slurm is not None:
        n = min(jobs or SLURM_JOBS, len(missing))
        return SlurmExecutor(
            compute, slurm=slurm, jobs=n, preload=_preload(missing[0]), logs=folder / "slurm"
        )
    if scheduler is not None:
        return DaskExecutor(compute, address=scheduler, preload=_preload(missing[0]))
    return ProcessExecutor(compute, jobs=min(jobs or _cores(), len(missing)))


def _preload(point: Point) -> str:
    """The module that brings Brian2 to a worker, which need not have a user's file."""
    return "spiking" if point.module.endswith(".py") else point.module


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _folder(plan: SweepPlan, out: str | Path | None) -> Path:
    """The sweep's folder, made if need be."""
    folder = RUNS / _default_name(plan) if out is None else destination(out)
    try:
        if folder.exists() and not (folder / POINTS).is_dir() and any(folder.iterdir()):
            raise UsageError(
                f"out must be new, empty or the folder of a sweep, got {folder}; choose another or remove it"
            )
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"out must be a folder that can be written, got {folder} ({reason}); choose another"
        ) from error
    return folder


def _default_name(plan: SweepPlan) -> str:
    content = json.dumps([sorted(plan.settings), plan.repeats, plan.samples, plan.engine])
    return f"sweep-{short_name(plan.scenario)}-{plan.seed}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"


def _write(folder: Path, provenance: Provenance, plan: SweepPlan, results: list[PointResult]) -> None:
    """Write dataset, numbers, figures and report aside, then rename each into place."""
    staging = folder / ".partial"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    write_results(staging, provenance, summarise(plan, results))
    run = read_run(staging)
    run.report.write_text(render(run, title=folder.name), encoding="utf-8")
    for path in _report_last(staging.iterdir()):
        os.replace(path, folder / path.name)
    staging.rmdir()


def _report_last(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: (path.name == "report.html", path.name))


def _provenance(plan: SweepPlan) -> Provenance:
    scenario = load(plan.scenario)
    fields = {field.name: field for field in fields_of(scenario.Params)}
    swept = {axis.name: list(axis.levels) for axis in plan.swept}
    between = {axis.name: "{} to {}".format(*axis.levels) for axis in plan.swept if axis.between}
    chosen = {**plan.fixed, **swept, **between}
    return Provenance(
        scenario=f"sweep of {short_name(plan.scenario)}",
        question=scenario.QUESTION,
        seed=plan.seed,
        engine=plan.engine,
        parameters={**chosen, "repeats": plan.repeats, "samples": plan.samples},
        defaults={**{name: fields[name].default for name in chosen}, "repeats": 1, "samples": None},
        help={
            **{name: fields[name].help for name in chosen},
            "repeats": "runs of each setting, each with its own seed",
            "samples": "settings of a Latin hypercube; none: the whole grid",
        },
        command=_command(plan),
    )


def _command(plan: SweepPlan) -> str:
    words = ["fortyhertz", "sweep", plan.scenario]
    for setting in plan.settings:
        words += ["--set", setting]
    words += ["--repeats", str(plan.repeats)]
    if plan.samples is not None:
        words += ["--samples", str(plan.samples)]
    return shlex.join([*words, "--seed", str(plan.seed), "--engine", plan.engine])
