"""Sweeps whose parent, worker or cluster is killed: nothing is lost, nothing kept is computed twice."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sweep_scenario
import xarray as xr
from sweep_scenario import NAME, computed

from scenarios.workbench.progress import Progress
from scenarios.workbench.run_sweep import run_sweep
from scenarios.workbench.sweep import plan_sweep

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ROOT = Path(__file__).parents[1]
SETTINGS = ("n=1:12:12", "wait_s=0.1")
LINE = f"sweep {NAME} --set {SETTINGS[0]} --set {SETTINGS[1]} --jobs 2 --out out"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Each test works in an empty folder, with the scenario of the sweeps registered."""
    monkeypatch.chdir(tmp_path)
    sweep_scenario.stand_in(monkeypatch)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> xr.Dataset:
    """The dataset of the same sweep when nobody kills anything, in one process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        sweep_scenario.stand_in(monkeypatch)
        return run_sweep(plan_sweep(NAME, SETTINGS), out="out", jobs=1).run.dataset()


def start(line: str) -> subprocess.Popen[str]:
    """The command in a fresh Python, as a process group of its own."""
    code = (
        "import sys, sweep_scenario; sweep_scenario.register(); from scenarios.workbench.cli import main\n"
        f"sys.exit(main({shlex.split(line)}))"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        text=True,
        stderr=subprocess.PIPE,
    )


def wait_for(n: int, log: Path = Path("log")) -> list[int]:
    """Wait until n runs are noted; returns the processes that noted them."""
    for _ in range(2000):
        lines = log.read_text().splitlines() if log.exists() else []
        if len(lines) >= n:
            return [int(line.split()[-1]) for line in lines]
        time.sleep(0.01)
    raise TimeoutError(f"{n} runs expected, {len(lines)} noted")


def n_kept() -> int:
    """Points that are kept; a parent that is killed while it writes one leaves half of it under a hidden name."""
    return len(list(Path("out/points").glob("[!.]*.json")))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> set[int]:
    """Processes that a process has started."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for file in listed for child in file.read_text().split()}


def kill_and_resume(rng: np.random.Generator, n_kills: int) -> None:
    """Kill the parent or one of its workers at random moments, so many times; then let the command finish."""
    for _ in range(n_kills):
        noted = len(computed())
        parent = start(LINE)
        workers = wait_for(min(noted + 2, 12))[noted:]  # those of this parent
        time.sleep(rng.uniform(0, 0.15))
        if workers and rng.random() < 0.5:
            with contextlib.suppress(ProcessLookupError):
                os.kill(workers[-1], signal.SIGKILL)
            assert parent.wait(timeout=60) == 0
        else:
            parent.kill()
            parent.wait()
    assert start(LINE).wait(timeout=60) == 0


def test_killed_parent_leaves_no_worker_and_the_same_command_computes_only_what_is_missing(undisturbed):
    parent = start(LINE)
    workers = {*wait_for(4)}
    parent.send_signal(signal.SIGSTOP)  # so that it starts no further worker between here and its end
    workers |= {*children(parent.pid)}  # one that is still starting has noted nothing yet
    parent.kill()
    parent.wait()
    for _ in range(1000):
        if not any(map(alive, workers)):
            break
        time.sleep(0.02)
    assert not any(map(alive, workers))
    kept = n_kept()
    noted = len(computed())
    assert noted - 2 <= kept <= noted  # of the two in flight, one may have ended without being kept
    assert start(LINE).wait(timeout=60) == 0
    assert len(computed()) == noted + 12 - kept
    assert not list(Path("out").rglob(".*.json"))
    xr.testing.assert_identical(xr.load_dataset("out/result.nc"), undisturbed)


def test_half_a_point_is_not_taken_for_one_and_is_swept_up(undisturbed):
    assert start(LINE).wait(timeout=60) == 0
    [point, *_] = Path("out/points").glob("[!.]*.json")
    point.rename(point.with_name(f".{point.stem}.0123abcd.json"))
    assert start(LINE).wait(timeout=60) == 0
    assert len(computed()) == 13
    assert not list(Path("out").rglob(".*.json"))
    xr.testing.assert_identical(xr.load_dataset("out/result.nc"), undisturbed)


def test_killed_worker_costs_only_what_was_in_flight(undisturbed):
    parent = start(LINE)
    os.kill(wait_for(4)[-1], signal.SIGKILL)
    assert parent.wait(timeout=60) == 0
    assert 12 <= len(computed()) <= 14
    xr.testing.assert_identical(xr.load_dataset("out/result.nc"), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_kills_at_random_moments_change_nothing(seed, undisturbed):
    kill_and_resume(np.random.default_rng(seed), n_kills=1 + seed % 3)
    xr.testing.assert_identical(xr.load_dataset("out/result.nc"), undisturbed)


def test_interrupted_sweep_says_how_far_it_came_and_keeps_it():
    parent = start(LINE)
    wait_for(4)
    parent.send_signal(signal.SIGINT)
    _, said = parent.communicate(timeout=20)
    assert parent.returncode == 130
    kept = n_kept()
    assert kept >= 3
    assert f"interrupted; {kept} of 12 points are kept" in said
    assert "Traceback" not in said


def test_a_cluster_of_two_workers_one_killed_gives_the_same_dataset(undisturbed):
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        plan = plan_sweep(NAME, [*SETTINGS, f"log={Path('dask').resolve()}"])
        killed: list[int] = []

        def kill(fraction: float, label: str | None = None) -> None:
            if fraction > 0.3 and not killed:
                killed.append(wait_for(3, Path("dask"))[-1])
                os.kill(killed[0], signal.SIGKILL)

        swept = run_sweep(plan, out="dask-out", scheduler=cluster.scheduler_address, progress=Progress(kill))
    assert killed
    assert swept.n_failed == 0
    xr.testing.assert_identical(swept.run.dataset().drop_vars("log"), undisturbed)
