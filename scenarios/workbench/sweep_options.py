"""The options of `fortyhertz sweep`, and the sweep that they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from scenarios.workbench.errors import UsageError
from scenarios.workbench.slurm import Slurm

__all__ = ["ALL_FAILED", "INTERRUPTED", "sweep_and_tell", "sweep_options"]

ALL_FAILED = 3  # exit status of a sweep without a single result
INTERRUPTED = 130
OF_SLURM = ("queue", "walltime", "memory")


def sweep_options() -> list[click.Parameter]:
    """The scenario's name and everything but seed, engine and folder."""
    return [
        click.Argument(["name"], metavar="NAME"),
        click.Option(
            ["--set", "settings"],
            multiple=True,
            metavar="PARAMETER=VALUES",
            help="Values a,b,c, or low:high:n, or low:high:n:log; one value fixes the parameter. Repeatable. "
            "With --samples also low:high and low:high:log: everything between.",
        ),
        click.Option(
            ["--repeats"], type=int, default=1, show_default=True, help="Runs of each setting, by seed."
        ),
        click.Option(["--samples"], type=int, help="Draw so many settings by a Latin hypercube."),
        click.Option(["--jobs"], type=int, help="Processes, or SLURM jobs.  [default: one a core; 2 jobs]"),
        click.Option(
            ["--scheduler"], metavar="ADDRESS", help="Compute on the Dask cluster of this scheduler."
        ),
        click.Option(
            ["--slurm"], is_flag=True, help="Compute in jobs of the SLURM cluster that this is part of."
        ),
        click.Option(["--queue"], help="SLURM partition.  [default: the cluster's]"),
        click.Option(["--walltime"], help=f"Of each SLURM job.  [default: {Slurm.walltime}]"),
        click.Option(["--memory"], help=f"Of each SLURM job.  [default: {Slurm.memory}]"),
        click.Option(["--retry-failed"], is_flag=True, help="Compute points again that failed before."),
    ]


def sweep_and_tell(
    name: str, settings: tuple[str, ...], *, out: Path | None, seed: int, engine: str, **options: Any
) -> int:
    """Run the sweep and say what came of it; returns the exit status."""
    from rich.console import Console

    from scenarios.workbench.progress import show_progress
    from scenarios.workbench.run_sweep import SweepInterrupted, run_sweep
    from scenarios.workbench.sweep import plan_sweep
    from scenarios.workbench.terminal import print_headline

    repeats, samples = options.pop("repeats"), options.pop("samples")
    options["slurm"] = _slurm(options.pop("slurm"), **{name: options.pop(name) for name in OF_SLURM})
    plan = plan_sweep(name, settings, repeats=repeats, samples=samples, seed=seed, engine=engine)
    try:
        with show_progress(Console(stderr=True)) as progress:
            swept = run_sweep(plan, out=out, progress=progress, **options)
    except SweepInterrupted as interruption:
        click.echo(f"interrupted; {interruption}", err=True)
        return INTERRUPTED
    print_headline(swept.run, Console())
    if swept.n_failed:
        click.echo(f"note: {swept.n_failed} of {swept.n_points} points failed; see the report", err=True)
    return ALL_FAILED if swept.n_failed == swept.n_points else 0


def _slurm(chosen: bool, **asked: str | None) -> Slurm | None:
    given = {name: value for name, value in asked.items() if value is not None}
    if given and not chosen:
        raise UsageError(
            f"{min(given)} must go with --slurm, got {given[min(given)]} without it; add --slurm"
        )
    return Slurm(**given) if chosen else None
