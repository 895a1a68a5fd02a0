"""Scenarios from outside: a user's file, another package's module, and what `fortyhertz new` writes."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from scenarios.workbench import registry
from scenarios.workbench.cli import main
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.run_sweep import run_sweep
from scenarios.workbench.sweep import plan_sweep

IMPORTS = """\
from dataclasses import dataclass
import xarray as xr
from scenarios.workbench.outcome import Metric, Outcome, Picture
from scenarios.workbench.params import ScenarioParams, param
"""
QUESTION = 'QUESTION = "What does a die show?"\n'
PARAMS = """
@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    sides: int = param(6, "sides of the die", at_least=2)
"""
RUN = """
def run(params, ctx):
    shown = Metric(label="shown", value=float(ctx.rng.integers(params.sides)))
    names = ("a", "b", "c")
    return Outcome(dataset=xr.Dataset(), metrics=dict.fromkeys(names, shown), headline=names, pictures={},
                   verdict="It shows a number.")
"""
GOOD = IMPORTS + QUESTION + PARAMS + RUN


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each test works in an empty folder and leaves the imports as they were."""
    before, path = set(sys.modules), list(sys.path)
    monkeypatch.chdir(tmp_path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


def command(line: str) -> int:
    return main(shlex.split(line))


# A user's file


def test_a_file_runs_as_a_scenario_does_and_again_by_its_stored_command():
    Path("study").mkdir()
    Path("study/die.py").write_text(GOOD)
    assert command("run study/die.py --sides 1000000 --seed 4") == 0
    [folder] = Path("runs").glob("die-4-*")
    names = {path.name for path in folder.iterdir()}
    assert names == {"die.py", "metrics.json", "params.json", "report.html", "result.nc"}
    assert (folder / "die.py").read_text() == GOOD
    assert "kept in <code>die.py</code>" in (folder / "report.html").read_text()
    stored = json.loads((folder / "params.json").read_text())
    assert (stored["scenario"], stored["question"]) == ("die", "What does a die show?")
    assert stored["command"] == "fortyhertz run study/die.py --seed 4 --engine events --sides 1000000"
    assert command(stored["command"].removeprefix("fortyhertz ") + " --out again") == 0
    assert (folder / "metrics.json").read_bytes() == Path("again/metrics.json").read_bytes()


def test_help_of_a_file_shows_its_question_and_parameters(capsys):
    Path("die.py").write_text(GOOD)
    assert command("run die.py --help") == 0
    text = capsys.readouterr().out
    assert "What does a die show?" in text
    assert "sides of the die  [default: 6" in text


def test_a_file_runs_from_python_with_the_params_of_its_import(monkeypatch):
    Path("die.py").write_text(GOOD)
    assert run_scenario("die.py").provenance.scenario == "die"
    monkeypatch.syspath_prepend(str(Path.cwd()))
    die = import_module("die")
    assert run_scenario(Path(die.__file__), die.Params(sides=3)).provenance.parameters == {"sides": 3}


def test_a_file_that_changed_is_read_again_and_imports_from_its_own_folder():
    Path("die.py").write_text(GOOD)
    run_scenario("die.py")
    Path("faces.py").write_text("SHOWN = 'A six.'\n")
    Path("die.py").write_text("from faces import SHOWN\n" + GOOD.replace('"It shows a number."', "SHOWN"))
    assert run_scenario("die.py").verdict == "A six."


def test_a_file_may_bear_the_name_of_an_imported_module():
    Path("json.py").write_text(GOOD)
    assert run_scenario("json.py").provenance.scenario == "json"
    assert sys.modules["json"] is json


def test_a_sweep_over_a_file_computes_anew_what_the_file_computes_anew():
    Path("die.py").write_text(GOOD)
    plan = plan_sweep("die.py", ["sides=2,3"])
    first = run_sweep(plan, jobs=1)
    assert (first.n_computed, first.n_failed) == (2, 0)
    assert first.run.folder.name.startswith("sweep-die-0-")
    assert run_sweep(plan_sweep("die.py", ["sides=2,3"]), jobs=1).n_computed == 0
    Path("die.py").write_text(GOOD.replace("params.sides)", "1)"))
    changed = run_sweep(plan_sweep("die.py", ["sides=2,3"]), jobs=1)
    assert changed.n_computed == 2
    assert changed.run.dataset()["a"].values.ravel().tolist() == [0, 0]


LOOSE = PARAMS.replace("@dataclass(frozen=True, kw_only=True)\n", "")
FAULTS = {
    "no question": (
        IMPORTS + PARAMS + RUN,
        "bad.py must ask a QUESTION, a text, got None; add for example QUEST",
    ),
    "blank question": (GOOD.replace("What does a die show?", " "), "must ask a QUESTION, a text, got ' '"),
    "no Params": (
        IMPORTS + QUESTION + RUN,
        "must hold Params, a dataclass derived from ScenarioParams, got None",
    ),
    "Params of another kind": (
        GOOD.replace("(ScenarioParams)", ""),
        "must hold Params, a dataclass derived from",
    ),
    "Params undecorated": (
        IMPORTS + QUESTION + LOOSE + RUN,
        "Params of bad.py must be a dataclass, got a plain",
    ),
    "no run": (IMPORTS + QUESTION + PARAMS, "must hold a function run(params, ctx), got None"),
    "run of one argument": (
        GOOD.replace("run(params, ctx)", "run(params)"),
        "must hold a function run(params, ctx)",
    ),
    "without param": (
        GOOD.replace('param(6, "sides of the die", at_least=2)', "6"),
        "Params of bad.py: sides must be made with param() and a line of help, got none; write for example sides",
    ),
    "blank help": (
        GOOD.replace('"sides of the die"', '""'),
        "sides must be made with param() and a line of help",
    ),
    "default out of bounds": (
        GOOD.replace("param(6", "param(1"),
        "Params of bad.py: sides must be >= 2, got 1",
    ),
    "unknown annotation": (
        "from __future__ import annotations\n" + GOOD.replace("sides: int", "sides: integer"),
        "Params of bad.py: name 'integer' is not defined",
    ),
    "common option": (
        GOOD.replace("sides", "seed"),
        "parameter name must not be one of the common options, got seed; rename the field",
    ),
    "raises on import": (
        GOOD + "1 / 0\n",
        "must be imported without an error, got ZeroDivisionError in line 16",
    ),
    "syntax": (
        GOOD + "def\n",
        "must be imported without an error, got SyntaxError in line 16: invalid syntax",
    ),
    "exits": (GOOD + "raise SystemExit('bye')\n", "got SystemExit in line 16: bye"),
    "import of nothing": ("import nothing_there\n" + GOOD, "ModuleNotFoundError in line 1: No module named"),
    "raises in run": (
        GOOD.replace("    names =", "    {}['x']\n    names ="),
        "bad.py must run without an error, got KeyError in line 13: 'x'; correct it (--debug shows the traceback)",
    ),
    "wrong value in run": (
        GOOD.replace("    names =", "    int('x')\n    names ="),
        "got ValueError in line 13: invalid",
    ),
    "bad outcome": (
        GOOD.replace("headline=names", "headline=('a', 'b', 'd')"),
        "got ValueError in line 14: headline",
    ),
    "no outcome": (GOOD.replace("return Outcome", "Outcome"), "run must return an Outcome, got NoneType"),
    "raises in a figure": (
        GOOD.replace("pictures={}", "pictures={'p': Picture(draw=lambda: 1 / 0, caption='')}"),
        "bad.py must run without an error, got ZeroDivisionError in line 14",
    ),
}


@pytest.mark.parametrize(("text", "says"), FAULTS.values(), ids=FAULTS)
def test_a_bad_file_is_refused_in_one_line_and_nothing_is_written(text, says, capsys):
    Path("bad.py").write_text(text)
    assert command("run bad.py") == 2
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1, captured.err
    assert says in captured.err
    assert captured.out == ""
    assert [path.name for path in Path().rglob("*")] == ["bad.py"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "gone.py",
            "scenario file must exist, got gone.py; check its path (fortyhertz new NAME writes a scenario",
        ),
        ("study.txt", "scenario file must be Python, got study.txt; give it a name that ends in .py"),
        ("./study", "scenario file must be Python, got ./study"),
        ("coin", "unknown scenario 'coin'; known: gamma-selects"),
    ],
)
def test_what_is_no_file_of_python_is_refused(name, says, capsys):
    Path("study.txt").touch()
    assert command(f"run {name}") == 2
    assert says in capsys.readouterr().err


def test_an_error_of_a_file_shows_its_traceback_when_asked(capsys):
    Path("bad.py").write_text(GOOD.replace("    names =", "    {}['x']\n    names ="))
    assert command("run bad.py --debug") == 2
    assert "KeyError: 'x'" in capsys.readouterr().err


# Another package's module


@pytest.fixture
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution `dice` with two scenarios, one of which is broken."""
    site = tmp_path / "site"
    (site / "dice-2.1.dist-info").mkdir(parents=True)
    (site / "dice-2.1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: dice\nVersion: 2.1\n")
    (site / "dice-2.1.dist-info/entry_points.txt").write_text(
        "[fortyhertz.scenarios]\nthrow-dice = a_die\nbroken = no_die\ngamma-selects = a_die\n"
    )
    (site / "a_die.py").write_text(GOOD)
    (site / "no_die.py").write_text(QUESTION)
    monkeypatch.syspath_prepend(str(site))


@pytest.mark.usefixtures("_package")
def test_an_installed_scenario_is_listed_and_runs(capsys):
    assert command("list") == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("From other installed packages")
    assert lines[at + 1].split() == ["throw-dice", "of", "dice", "2.1"]
    assert sum("gamma-selects" in line for line in lines) == 1  # ours keeps its name
    assert command("run throw-dice --sides 3 --out run") == 0
    assert json.loads(Path("run/params.json").read_text())["command"].startswith("fortyhertz run throw-dice")


@pytest.mark.usefixtures("_package")
def test_a_broken_installed_scenario_is_named_with_its_package(capsys):
    assert command("run broken") == 2
    assert "broken of dice 2.1 must hold Params" in capsys.readouterr().err
    assert command("run throw-dicee") == 2
    assert "did you mean 'throw-dice'?" in capsys.readouterr().err


# Lists


def test_list_shows_the_scenarios_of_the_folder_without_running_them(capsys):
    Path("die.py").write_text(GOOD + "raise RuntimeError('was run')\n")
    Path("other.py").write_text("QUESTION = 3")
    Path("broken.py").write_text("QUESTION = ScenarioParams (")
    assert command("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == "In this folder"
    assert lines[-1].split(maxsplit=1) == ["die.py", "What does a die show?"]


def test_list_answers_in_half_a_second():
    """Processor time, which a busy machine does not stretch as it does the clock."""
    code = "import time; from scenarios.workbench.cli import main; main(['list']); print(time.process_time())"
    root = str(Path(__file__).parents[1])
    said = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": root}, capture_output=True, text=True
    )
    assert float(said.stdout.splitlines()[-1]) < 0.5, said.stderr


def test_every_scenario_has_a_theme_and_a_summary():
    assert all(entry.theme and entry.summary and not entry.module for entry in registry.SCENARIOS.values())


# fortyhertz new


def test_new_writes_a_scenario_and_a_test_that_pass_as_written(capsys):
    assert command("new pilot") == 0
    assert "run it: fortyhertz run pilot.py\ntest it: pytest test_pilot.py" in capsys.readouterr().out
    assert sorted(path.name for path in Path().iterdir()) == ["pilot.py", "test_pilot.py"]
    assert "my_study" not in Path("pilot.py").read_text() + Path("test_pilot.py").read_text()
    said = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pilot.py"],
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("my-study", "not first a digit, got 'my-study'; use for example 'my_study'"),
        ("class", "name must be letters"),
        ("json", "name must not be that of an installed module, got 'json'"),
        ("taken", "name must be new, got 'taken', and test_taken.py exists; choose another"),
    ],
)
def test_new_refuses_a_name_that_would_not_work_and_writes_nothing(name, says, capsys):
    Path("test_taken.py").touch()
    assert command(f"new {name}") == 2
    assert says in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["test_taken.py"]
