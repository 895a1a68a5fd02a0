"""Where a run goes: checked before anything is simulated, and clean whatever ends the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import fake_scenario
import pytest
import sweep_scenario

from scenarios.workbench import registry
from scenarios.workbench.cli import main
from scenarios.workbench.staging import whole_file


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.SCENARIOS, "coin-toss", registry.Entry("Chance", "A fair coin"))
    monkeypatch.setitem(sys.modules, "scenarios.coin_toss", fake_scenario)


@pytest.fixture
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*given: object) -> None:
        raise AssertionError("it was simulated")

    monkeypatch.setattr(fake_scenario, "run", run)


@pytest.mark.usefixtures("_nothing_runs")
@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("dangling", "out must not be a dangling link, got dangling to nowhere; remove the link"),
        ("~nobody-of-that-name/run", "out must begin with the home of a known user"),
        ("/", "out must be a folder with a name, got /"),
        (".", "which is the current one; name one inside it"),
        ("..", "out must be new or an empty folder"),
        ("file", "out must be new or an empty folder, got file, which exists"),
        ("file/run", "out must be a folder that can be written, got file/run (Not a directory)"),
        ("/proc", "out must be new or an empty folder"),
        ("n" * 250, "File name too long"),
    ],
)
def test_a_folder_that_cannot_be_made_is_refused_before_the_run(
    out: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").touch()
    (tmp_path / "here").mkdir()
    if out == ".":
        monkeypatch.chdir("here")
    assert main(["run", "coin-toss", "--out", out]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert says in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "file", "here"]


@pytest.mark.parametrize("command", ["run coin-toss", "sweep few-numbers"])
def test_a_tilde_is_the_home(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep_scenario.stand_in(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert main([*command.split(), "--out=~/run1"]) == 0
    assert (tmp_path / "home/run1/result.nc").exists()
    assert not (tmp_path / "~").exists()


def test_a_link_to_an_empty_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert main(["run", "coin-toss", "--out", "link"]) == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/result.nc").exists()


LIMITED = """
import resource, sys
import fake_scenario
from scenarios.workbench import registry
from scenarios.workbench.cli import main
registry.SCENARIOS["coin-toss"] = registry.Entry("Chance", "A fair coin")
sys.modules["scenarios.coin_toss"] = fake_scenario
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)  # as on a disk that fills up
sys.exit(main(["run", "coin-toss", "--out", "run"]))
"""


def in_another_process(code: str, *words: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_full_disk_is_said_with_the_path_and_leaves_nothing() -> None:
    process = in_another_process(LIMITED, "4096")
    _, said = process.communicate(timeout=120)
    assert said == "error: File too large: run\n"
    assert process.returncode == 2
    assert not list(Path().iterdir())


def test_an_error_of_the_system_names_the_file_that_was_to_be_written() -> None:
    def full() -> None:
        with whole_file(Path("index.html")):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device: 'index\.html'"):
        full()


KILLED = """
import os, signal, sys
from pathlib import Path
from scenarios.workbench.staging import staged_folder
with staged_folder(Path("run"), numbered=True) as staged:
    (staged.temporary / "half").write_text("written")
    {end}
"""


def test_what_a_killed_run_left_is_swept_up_by_the_next_and_what_is_being_written_is_not() -> None:
    killed = in_another_process(KILLED.format(end="os.kill(os.getpid(), signal.SIGKILL)"))
    assert killed.wait(timeout=60) == -signal.SIGKILL
    [left] = Path().glob(".run.*.partial/half")
    writing = in_another_process(KILLED.format(end="print('here', flush=True); sys.stdin.read()"))
    assert writing.stdout is not None
    assert writing.stdout.readline() == "here\n"
    assert not left.exists()
    [being_written] = Path().glob(".run.*.partial/half")
    assert main(["run", "coin-toss", "--out", "other"]) == 0
    assert being_written.exists()
    writing.communicate("")
    assert Path("run/half").exists()
    assert not list(Path().glob(".*"))
