"""Points of a sweep computed by jobs of a SLURM cluster: `dask-jobqueue` submits Dask workers, and renews them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.workbench.errors import UsageError
from scenarios.workbench.executors import ONE_THREAD, DaskExecutor, Result, Task

__all__ = ["Slurm", "SlurmExecutor"]


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """What each job asks for."""

    queue: str | None = None  # partition; the cluster's default if None
    walltime: str = "01:00:00"
    memory: str = "2GB"


class SlurmExecutor(DaskExecutor[Task, Result]):
    """Workers that are SLURM jobs, of one core each.

    A job that ends early, by ``scancel`` or its walltime, is submitted again, and what it had runs on another. When
    the sweep ends, its jobs are cancelled; if the sweep is killed, they end by themselves within a minute.

    Parameters
    ----------
    work : callable
        Task to result; importable by name on the nodes, which share this file system.
    slurm : Slurm
    jobs : int
        Number of jobs.
    preload : str
        As for `DaskExecutor`.
    logs : Path
        Folder for what the jobs write.

    Raises
    ------
    ModuleNotFoundError
        If dask-jobqueue is not installed.
    UsageError
        If there is no SLURM here, or it refuses such a job.
    """

    def __init__(
        self, work: Callable[[Task], Result], *, slurm: Slurm, jobs: int, preload: str, logs: Path
    ) -> None:
        cluster = _slurm_cluster()
        if shutil.which("sbatch") is None:
            raise UsageError("slurm must be installed where the sweep is started, got no sbatch on the PATH")
        self._cluster: Any = cluster(
            queue=slurm.queue,
            walltime=slurm.walltime,
            memory=slurm.memory,
            cores=1,
            processes=1,
            job_name="fortyhertz",
            log_directory=str(logs),
            local_directory=tempfile.gettempdir(),
            job_script_prologue=[f"export {name}=1" for name in ONE_THREAD],
            scheduler_options={"dashboard": False},
        )
        try:
            _check_accepted(self._cluster.job_script())
            self._cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
            super().__init__(work, address=self._cluster.scheduler_address, preload=preload)
        except BaseException:
            self._cluster.close()
            raise

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        self._cluster.close()


def _slurm_cluster() -> Any:
    """The class of dask-jobqueue; its import takes Ctrl-C from the program, which gets it back."""
    before = signal.getsignal(signal.SIGINT)
    try:
        from dask_jobqueue.slurm import SLURMCluster
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)
    return SLURMCluster


def _check_accepted(script: str) -> None:
    """Ask SLURM whether it would take such a job: one that it refuses is waited for without end."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(script)
        file.flush()
        asked = subprocess.run(
            ["sbatch", "--test-only", file.name], capture_output=True, text=True, check=False
        )
    if asked.returncode:
        lines = asked.stderr.strip().splitlines() or ["no reason given"]
        raise UsageError(
            "queue, walltime and memory must be what the cluster offers, got from sbatch: "
            f"{'; '.join(lines)}; see sinfo"
        )
