"""Sweeps on SLURM: on a stand-in for its commands, and on a cluster of one node where that is asked for."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import sweep_scenario
import xarray as xr
from sweep_scenario import NAME, computed

from scenarios.workbench import executors
from scenarios.workbench.cli import main
from scenarios.workbench.progress import Progress
from scenarios.workbench.run_sweep import SweepRun, run_sweep
from scenarios.workbench.slurm import Slurm
from scenarios.workbench.sweep import plan_sweep

if find_spec("dask_jobqueue") is None:  # to import it would change how this process meets Ctrl-C
    pytest.skip("the extra 'cluster' is not installed", allow_module_level=True)

TESTS = Path(__file__).parent
SETTINGS = ("n=1:16:16", "wait_s=0.3")
ASKED = Slurm(memory="500MB", walltime="00:20:00")

SBATCH = """#!/bin/sh
# What dask-jobqueue needs of sbatch: a job's number; the job itself runs here, as its own process group.
if [ "$1" = --test-only ]; then
    grep -q "SBATCH -p nowhere" "$2" && { echo "allocation failure: Invalid partition name" >&2; exit 1; }
    exit 0
fi
cp "$1" "$1.kept"
setsid sh "$1.kept" >> "$JOBS/out" 2>&1 &
echo $! >> "$JOBS/started"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
for job; do kill -TERM -"$job" 2>/dev/null; done
exit 0
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in an empty folder, with the scenario of the sweeps where workers find it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS.parent), str(TESTS)]))
    sweep_scenario.stand_in(monkeypatch)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder with the numbers of the jobs, which are processes of this machine."""
    commands, jobs = tmp_path / "commands", tmp_path / "jobs"
    jobs.mkdir()
    commands.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JOBS", str(jobs))
    yield jobs
    for number in started(jobs):
        with_group(number, signal.SIGKILL)


def started(jobs: Path) -> list[int]:
    file = jobs / "started"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def with_group(number: int, sent: int) -> bool:
    try:
        os.killpg(number, sent)
    except ProcessLookupError:
        return False
    return True


def sweep(slurm: Slurm | None, out: str, watch: Callable[[float], None] = lambda fraction: None) -> SweepRun:
    log = Path(f"{out}.log").resolve()
    return run_sweep(
        plan_sweep(NAME, [*SETTINGS, f"log={log}"]),
        out=out,
        slurm=slurm,
        jobs=2,
        progress=Progress(lambda fraction, label: watch(fraction)),
    )


def without_log(run: SweepRun) -> xr.Dataset:
    return run.run.dataset().drop_vars("log")


def test_a_sweep_in_jobs_one_cancelled_gives_the_dataset_of_one_here(stand_in: Path) -> None:
    """A cancelled job is submitted again; all jobs are gone when the sweep has ended."""
    cancelled: list[int] = []

    def cancel(fraction: float) -> None:
        if fraction > 0.3 and not cancelled:
            cancelled.append(started(stand_in)[0])
            assert with_group(cancelled[0], signal.SIGKILL)

    on_slurm = sweep(ASKED, "slurm-out", cancel)
    assert cancelled
    assert on_slurm.n_failed == 0
    assert 16 <= len(computed("slurm-out.log")) <= 17  # of what was cancelled, one point may have ended
    xr.testing.assert_identical(without_log(on_slurm), without_log(sweep(None, "here")))
    for _ in range(500):
        if not any(with_group(number, 0) for number in started(stand_in)):
            return
        time.sleep(0.02)
    raise AssertionError("jobs are left")


@pytest.mark.usefixtures("stand_in")
def test_what_the_cluster_does_not_offer_is_refused_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(f"sweep {NAME} --slurm --queue nowhere --out out")) == 2
    said = capsys.readouterr().err
    assert "got from sbatch: allocation failure: Invalid partition name; see sinfo" in said


def test_without_slurm_it_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(shlex.split(f"sweep {NAME} --slurm --out out")) == 2
    assert "got no sbatch on the PATH" in capsys.readouterr().err


def test_a_scheduler_that_is_stopped_costs_what_was_in_flight_and_the_same_call_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executors, "LOST_S", 1.0)
    distributed = pytest.importorskip("distributed")
    plan = plan_sweep(NAME, [*SETTINGS, f"log={Path('log').resolve()}"])
    clusters, stopped = [], []

    def cluster() -> str:
        clusters.append(distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None))
        address: str = clusters[-1].scheduler_address
        return address

    def stop(fraction: float, label: str) -> None:
        if fraction > 0.3 and not stopped:
            stopped.append(fraction)
            clusters[0].close()

    swept = run_sweep(plan, out="out", scheduler=cluster(), progress=Progress(stop))
    kept = len(list(Path("out/points").glob("[!.]*.json")))
    assert 0 < kept < 16
    assert swept.n_failed == 16 - kept
    again = run_sweep(plan, out="out", scheduler=cluster())
    clusters[-1].close()
    assert again.n_failed == 0
    assert again.n_computed == 16 - kept


@pytest.mark.slurm
def test_a_real_cluster_with_a_job_cancelled_and_its_controller_restarted(tmp_path: Path) -> None:
    """`make test-slurm`: munged, slurmctld and slurmd run for the length of this test."""
    from slurm_node import one_node

    with one_node(tmp_path / "node") as node:
        done: list[str] = []

        def disturb(fraction: float) -> None:
            if fraction > 0.2 and not done:
                done.append(node.jobs()[0])
                node.command("scancel", done[0])
            if fraction > 0.5 and len(done) == 1:
                node.restart_controller()
                done.append("restarted")

        on_slurm = sweep(ASKED, "slurm-out", disturb)
        assert len(done) == 2
        assert on_slurm.n_failed == 0
        xr.testing.assert_identical(without_log(on_slurm), without_log(sweep(None, "here")))
        print(node.log())
