"""Run a scenario: check everything, simulate, leave a run folder; the one way in."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pragmatic.checks import shown
from scenarios.workbench.errors import UsageError, check_known
from scenarios.workbench.index import keep_index
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.outside import blamed, is_file
from scenarios.workbench.params import Field, ScenarioParams, fields_of
from scenarios.workbench.progress import Progress, compilation_shown, silent
from scenarios.workbench.provenance import Provenance, peak_memory_MiB
from scenarios.workbench.registry import ENGINES, is_ours, load, short_name
from scenarios.workbench.staging import destination, staged_folder, written_to
from scenarios.workbench.store import RUNS, StoredRun, read_run, write_results
from scenarios.workbench.unfinished import Unfinished

__all__ = ["run_scenario"]


def run_scenario(
    name: str | Path,
    params: ScenarioParams | None = None,
    *,
    seed: int = 0,
    engine: str = ENGINES[0],
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> StoredRun:
    """Run a scenario and leave its run folder, whole or not at all.

    What it trains is kept in a folder ``.NAME.unfinished`` until the run is complete: after an interruption
    the same call resumes there.

    Parameters
    ----------
    name : str or Path
        A scenario's name, or the file of one that you wrote.
    params : ScenarioParams, optional
        An instance of the scenario's `Params`; its defaults if None.
    seed : int
        Of the one random generator that the scenario is given.
    engine : str
        One of `ENGINES`.
    out : path, optional
        The run folder, new or empty. By default ``runs/<scenario>-<seed>-<hash of the parameters>``, with a
        number appended if that is taken.
    progress : Progress, optional
        Where to report the fraction done; nowhere by default.

    Raises
    ------
    UsageError
        If the scenario or engine is unknown, the seed negative, or the folder taken or not writable; all
        before anything is simulated. Also for whatever a scenario from outside this package raises.
    TypeError
        If `params` belongs to another scenario.
    KeyboardInterrupt
        On Ctrl-C; its message says what is kept.
    """
    import numpy as np

    if not isinstance(name, (str, Path)):
        raise TypeError(
            f"name must be a scenario's name or a file, got {shown(name)}; use for example 'head-swap'"
        )
    name = str(name)
    scenario = load(name)
    check_known("engine", engine, ENGINES)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"seed must be a whole number, got {shown(seed)}; use for example 0")
    if seed < 0:
        raise UsageError(f"seed must be >= 0, got {shown(seed)}; use for example 0")
    if seed >= 2**63:
        raise UsageError(f"seed must be below 2**63, got {shown(seed)}; use for example 0")
    params = scenario.Params() if params is None else params
    if not isinstance(params, scenario.Params):
        wanted_kind = f"{scenario.Params.__module__}.Params"
        raise TypeError(
            f"params must be {wanted_kind}, got {shown(params)}; make them with {wanted_kind}(...)"
        )
    default_name = _default_name(name, params, seed, engine)
    wanted = RUNS / default_name if out is None else destination(out)
    provenance = _provenance(name, scenario.QUESTION, params, seed, engine)
    with (
        Unfinished(wanted.with_name(f".{default_name}.unfinished")) as unfinished,
        staged_folder(wanted, numbered=out is None) as staged,
        compilation_shown(progress or silent()) as reported,
    ):
        context = RunContext(
            rng=np.random.default_rng(seed),
            engine_name=engine,
            progress=reported,
            unfinished=unfinished,
        )
        began = time.perf_counter()
        with nullcontext() if is_ours(name) else blamed(name, "run"):
            outcome = _checked(scenario.run(params, context))
            took_s = time.perf_counter() - began
            measured = replace(provenance, wall_s=took_s, peak_memory_MiB=peak_memory_MiB())
            with written_to(wanted):
                write_results(staged.temporary, measured, outcome)
        with written_to(wanted):
            if is_file(name):
                shutil.copy(name, staged.temporary)
            _write_report(staged.temporary, wanted)
    keep_index(staged.folder)
    return read_run(staged.folder)


def _checked(outcome: Any) -> Outcome:
    if not isinstance(outcome, Outcome):
        raise UsageError(f"run must return an Outcome, got {type(outcome).__name__}; end it with one")
    return outcome


def _write_report(folder: Path, final: Path) -> None:
    from scenarios.workbench.report import render

    run = replace(read_run(folder), folder=folder)
    run.report.write_text(render(run, title=final.name), encoding="utf-8")


def _provenance(name: str, question: str, params: ScenarioParams, seed: int, engine: str) -> Provenance:
    fields = fields_of(type(params))
    return Provenance(
        scenario=short_name(name),
        question=question,
        seed=seed,
        engine=engine,
        parameters=asdict(params),
        defaults={field.name: field.default for field in fields},
        help={field.name: field.help for field in fields},
        command=_command(name, params, seed, engine),
    )


def _default_name(name: str, params: ScenarioParams, seed: int, engine: str) -> str:
    content = json.dumps([engine, asdict(params)], sort_keys=True)
    return f"{short_name(name)}-{seed}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"


def _command(name: str, params: ScenarioParams, seed: int, engine: str) -> str:
    """The command that runs it again: seed, engine, and what differs from the defaults."""
    words = ["fortyhertz", "run", name, "--seed", str(seed), "--engine", engine]
    for field in fields_of(type(params)):
        value = getattr(params, field.name)
        if value != field.default:
            words += _option(field, value)
    return shlex.join(words)


def _option(field: Field, value: Any) -> list[str]:
    if field.kind is bool and not field.many:
        return [field.option if value else field.option.replace("--", "--no-", 1)]
    return [field.option, ",".join(map(str, value)) if field.many else str(value)]
