"""The commands about runs that lie there: show, diff, export, index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["RUN_COMMANDS"]


@click.command("show")
@click.argument("run_folder", metavar="[RUN]", required=False)
def show(run_folder: str | None) -> None:
    """Show a run: RUN is its folder, or its name under runs/. Without RUN, list the runs."""
    from rich.console import Console

    from scenarios.workbench.index import runs_of
    from scenarios.workbench.store import read_run
    from scenarios.workbench.terminal import print_run, print_runs

    if run_folder is None:
        print_runs(runs_of(), Console())
    else:
        print_run(read_run(run_folder), Console())


@click.command("diff")
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
def diff(first: str, second: str) -> None:
    """Show what differs between two runs: parameters, versions, and metrics against their errors."""
    from rich.console import Console

    from scenarios.workbench.diff import print_diff
    from scenarios.workbench.store import read_run

    print_diff(read_run(first), read_run(second), Console())


@click.command("export")
@click.argument("source")
@click.option("--to", metavar="FORMAT", help="nwb, neo, sonata, csv or nir.")
@click.option(
    "--out", type=Path, metavar="FILE", help="A new file.  [default: SOURCE and the format's suffix]"
)
@click.option("--nwb", type=Path, metavar="FILE", help="Short for --to nwb --out FILE.")
@click.option("--keys", type=click.IntRange(1), help="To nir: keys of the row.  [default: 4]")
@click.option("--only", help="To nir: the groups to write, such as row,inh.  [default: all]")
@click.option("--drop", help="To nir: what to leave out knowingly: refractory.")
@click.option(
    "--inputs", type=Path, metavar="FILE", help="Of a .nir file: .npz with currents for each Input."
)
@click.option("--duration-ms", type=float, help="Of a .nir file: simulated time.  [default: 1000]")
@click.option(
    "--spike-s", type=float, help="Of a .nir file: integral of a spike over time.  [default: 1, Dirac's]"
)
def export(source: str, to: str | None, out: Path | None, nwb: Path | None, **special: Any) -> None:
    """Write spikes or a network for other tools.

    SOURCE is a run or a .nir file, whose spikes are written; with --to nir a circuit, of which a row is written.
    """
    from scenarios.workbench.exporting import FORMATS, Options
    from scenarios.workbench.exporting import export as written

    if (to is None) == (nwb is None) or (nwb is not None and out is not None):
        raise click.UsageError(
            f"export needs one of --to FORMAT and --nwb FILE; formats: {', '.join(FORMATS)}"
        )
    for name in ("only", "drop"):
        special[name] = tuple(filter(None, (special[name] or "").split(",")))
    options = Options(**{name: value for name, value in special.items() if value is not None})
    click.echo(written(source, to or "nwb", out or nwb, options))


@click.command("index")
@click.argument("folder", type=Path, default=Path("runs"))
def index(folder: Path) -> None:
    """Write index.html of all runs in FOLDER.  [default: runs]"""
    from scenarios.workbench.index import write_index

    path, n_runs = write_index(folder)
    click.echo(f"{n_runs} {'run' if n_runs == 1 else 'runs'}: {path}")


RUN_COMMANDS = (show, diff, export, index)
