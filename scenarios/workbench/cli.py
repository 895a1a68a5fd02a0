"""The command `fortyhertz`; where every error becomes one line."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from pragmatic.checks import listed
from scenarios.workbench import registry
from scenarios.workbench.compare_options import compare_options, comparison
from scenarios.workbench.errors import check_known, describe
from scenarios.workbench.interrupts import as_ctrl_c
from scenarios.workbench.listing import by_theme, listed_scenarios
from scenarios.workbench.options import Request, given, options_of
from scenarios.workbench.outside import is_file
from scenarios.workbench.registry import ENGINES, load
from scenarios.workbench.rhythm_options import rhythm_options
from scenarios.workbench.run_commands import RUN_COMMANDS
from scenarios.workbench.swap_options import swap_options, swapped
from scenarios.workbench.sweep_options import INTERRUPTED, sweep_and_tell, sweep_options

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status.

    0; 2 for a mistake of the user; 3 after a sweep of which every point failed; 130 after Ctrl-C, and 128 and the
    signal's number after SIGTERM or SIGHUP.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # where a circuit or a model that is named by an import path may lie
    with as_ctrl_c() as interrupts:
        status = _status([word for word in words if word != "--debug"], debug)
    return interrupts.status if status == INTERRUPTED else status


def _status(words: Sequence[str], debug: bool) -> int:
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _note
            return int(cli.main(words, prog_name="fortyhertz", standalone_mode=False) or 0)
    except click.Abort as abort:
        return _interrupted(abort.__cause__)
    except KeyboardInterrupt as interrupt:
        return _interrupted(interrupt)
    except Exception as error:
        message = describe(error)
        if message is None:
            raise
        if debug:
            traceback.print_exc()
        click.echo(f"error: {message}", err=True)
        return 2


def _interrupted(interrupt: BaseException | None) -> int:
    click.echo(f"interrupted; {str(interrupt or '') or 'nothing was written'}", err=True)
    return INTERRUPTED


def _note(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
    """What our own code warns of, as one line; the libraries' notes to programmers are left out."""
    if category is UserWarning:
        click.echo(f"note: {message}", err=True)


class KnownGroup(click.Group):
    """A group whose unknown commands are answered with the known ones."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; the name of a scenario is answered with how to run it."""
        if cmd_name in registry.SCENARIOS or is_file(cmd_name):
            raise click.UsageError(f"unknown command {cmd_name!r}; to run it: fortyhertz run {cmd_name}")
        return super().get_command(ctx, check_known("command", cmd_name, self.commands))


@click.group(
    cls=KnownGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error, with any command."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Attention from neurons that spike in synchrony near 40 Hz, compared with softmax attention."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@cli.command("list")
def list_scenarios() -> None:
    """List the scenarios by theme."""
    click.echo("\n".join(listed_scenarios()).rstrip())


@cli.command("new")
@click.argument("name", metavar="NAME")
def new(name: str) -> None:
    """Write NAME.py, a scenario of your own to start from, and its test."""
    from scenarios.workbench.new import write_new

    scenario, test = write_new(name)
    click.echo(f"written: {scenario} and {test}\nrun it: fortyhertz run {scenario}\ntest it: pytest {test}")


class ScenarioGroup(click.Group):
    """A command per scenario, made from its parameters when its name is asked for."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command of one scenario, or of a user's file; an unknown name lists the known."""
        return _scenario_command(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The summaries, without importing a scenario."""
        for theme, summaries in by_theme().items():
            with formatter.section(theme):
                formatter.write_dl(list(summaries.items()))


@cli.group(
    "run",
    cls=ScenarioGroup,
    subcommand_metavar="NAME|FILE.py [OPTIONS]",
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.pass_context
def run(ctx: click.Context) -> None:
    """Run a scenario, or a file of your own; run NAME --help lists its parameters."""
    if ctx.invoked_subcommand is None:
        raise click.UsageError(
            f"run needs the NAME of a scenario or a file; known: {listed(list(registry.SCENARIOS))}; "
            "see fortyhertz list"
        )


def _scenario_command(name: str) -> click.Command:
    scenario = load(name)
    return _running(
        name,
        scenario.QUESTION,
        options_of(scenario.Params),
        lambda values: Request(scenario=name, values=values),
    )


def _running(
    name: str, help: str, options: Sequence[click.Parameter], choose: Callable[[dict[str, Any]], Request]
) -> click.Command:
    """A command that runs a scenario: `choose` turns the options that were given into which one, and its values."""

    def callback(seed: int, engine: str, out: Path | None, **values: Any) -> None:
        chosen = choose(given(values))
        params = load(chosen.scenario).Params(**chosen.values)
        _run_and_tell(chosen.scenario, params, seed=seed, engine=engine, out=out)

    return click.Command(name, callback=callback, params=[*options, *_common_options()], help=help)


def _common_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--seed"], type=int, default=0, show_default=True, help="Seed of the random generator."
        ),
        click.Option(
            ["--engine"], default=ENGINES[0], show_default=True, help=f"One of: {', '.join(ENGINES)}."
        ),
        click.Option(["--out"], type=Path, help="Run folder, new or empty.  [default: runs/NAME-SEED-HASH]"),
    ]


cli.add_command(
    _running(
        "compare", "Compare spiking with softmax attention on your own input.", compare_options(), comparison
    )
)
cli.add_command(
    _running(
        "swap",
        "Put spiking heads into MODEL: mini, minilm, or the folder of a Hugging Face model.",
        swap_options(),
        swapped,
    )
)


cli.add_command(
    _running(
        "rhythm",
        "Look for a rhythm in FILE, a recording: .nwb with units, .h5 of SONATA, or .mat with spikes and field.",
        rhythm_options(),
        lambda values: Request(scenario="rhythm-file", values=values),
    )
)


@cli.command("sweep")
def sweep(**values: Any) -> int:
    """Run a scenario over many values of its parameters; the same command again resumes."""
    return sweep_and_tell(**values)


sweep.params += [*sweep_options(), *_common_options()]


for command in RUN_COMMANDS:
    cli.add_command(command)


@cli.command("doctor")
def doctor() -> None:
    """Show versions, compiler, Brian2 target, cores, memory and extras."""
    from rich.console import Console

    from scenarios.workbench.doctor import table

    Console().print(table())


@cli.command("explore")
@click.option(
    "--port", type=int, default=5006, show_default=True, help="Of this machine; 0: any that is free."
)
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@click.option(
    "--runs", type=Path, default=Path("runs"), show_default=True, help="Folder of runs, shown and saved to."
)
@click.option(
    "--circuit", "circuits", multiple=True, help="Yours for the menu, package.module:name; repeatable."
)
def explore(port: int, no_browser: bool, runs: Path, circuits: tuple[str, ...]) -> None:
    """Watch circuits run in the browser, on this machine alone."""
    server = importlib.import_module("scenarios.explorer.server")  # a scenario to this file: loaded by name
    server.explore(port=port, browser=not no_browser, runs=runs, circuits=circuits)


@cli.command("lm-eval", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def lm_eval(arguments: tuple[str, ...]) -> None:
    """Run lm-evaluation-harness, where `--model fortyhertz` has gamma attention."""
    from scenarios.workbench.harness import run_harness

    run_harness(arguments)


def _run_and_tell(name: str, params: Any, *, seed: int, engine: str, out: Path | None) -> None:
    """Run, then print the answer in one sentence and the three numbers that matter."""
    from rich.console import Console

    from scenarios.workbench.execute import run_scenario
    from scenarios.workbench.progress import show_progress
    from scenarios.workbench.terminal import print_headline

    with show_progress(Console(stderr=True)) as progress:
        stored = run_scenario(name, params, seed=seed, engine=engine, out=out, progress=progress)
    print_headline(stored, Console())
