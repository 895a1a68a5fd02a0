"""`python -m tests.kills [N]`: kill runs, sweeps and trainings N times each at random moments, resume, compare.

Each process is killed with SIGKILL and started again by the same command. Every few kills it is left to end; its
data must be those of a run that nobody disturbed, and nothing half-written may be left.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

ROOT = Path(__file__).parents[1]
KILLS, ROUND = 30, 3  # of each kind; after so many the command is left to end
SIZES = "--n-layers 1 --n-heads 2 --width 32 --n-context 8 --batch 4 --windows 8"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A command, and what may differ between two of its runs."""

    name: str
    command: str
    clocked: str = "second"  # in the name of what a clock has measured
    parts: str = ".*.partial"  # what would be half-written


KINDS = (
    Kind(name="run", command="run few-numbers --wait-s 0.5 --out out"),
    Kind(
        name="sweep",
        command="sweep few-numbers --set n=1:12:12 --set wait_s=0.1 --jobs 2 --out out",
        parts="points/.*.json",
    ),
    Kind(
        name="training",
        command="run train-with-spikes --task sort --iterations 400 --kinds softmax --seeds 1 "
        f"{SIZES} --out out",
    ),
)


def main(n_kills: int) -> int:
    """Kill each kind so often; 0 if nothing was lost, half-written or different."""
    rng, wrong = np.random.default_rng(), 0
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="fortyhertz-kills-") as folder:
            wrong += _killed(kind, Path(folder), n_kills, rng)
    return min(wrong, 1)


def _killed(kind: Kind, folder: Path, n_kills: int, rng: np.random.Generator) -> int:
    began = time.monotonic()
    expected = _ended(kind, folder / "undisturbed")
    took_s = _timed(lambda: _ended(kind, folder / "timed"))
    hit = lost = half = different = 0
    for number in range((n_kills + ROUND - 1) // ROUND):
        here = folder / str(number)
        for _ in range(min(ROUND, n_kills - hit)):
            hit += _one_kill(kind, here, rng.uniform(0.2, 1.0) * took_s)
        try:
            data = _ended(kind, here) if not (here / "out/report.html").exists() else _data(kind, here)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"lost: {error}", file=sys.stderr)
            lost += 1
            continue
        half += len([*here.glob(kind.parts), *(here / "out").glob(kind.parts), *here.glob(".*.unfinished")])
        different += not data.identical(expected)
    print(
        f"{kind.name}: {hit} kills, {lost} lost, {half} half-written, {different} different "
        f"({time.monotonic() - began:.0f} s)",
        flush=True,
    )
    return lost + half + different


def _start(kind: Kind, here: Path) -> subprocess.Popen[str]:
    here.mkdir(exist_ok=True)
    code = (
        "import sys, sweep_scenario; sweep_scenario.register(); from scenarios.workbench.cli import main\n"
        f"sys.exit(main({shlex.split(kind.command)}))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=here,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _one_kill(kind: Kind, here: Path, after_s: float) -> bool:
    """Kill the command after a time; False if it has ended before."""
    process = _start(kind, here)
    try:
        process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    return False


def _ended(kind: Kind, here: Path) -> xr.Dataset:
    process = _start(kind, here)
    _, said = process.communicate()
    if process.returncode:
        raise OSError(f"{kind.command} ended with {process.returncode}: {said}")
    return _data(kind, here)


def _data(kind: Kind, here: Path) -> xr.Dataset:
    data = xr.load_dataset(here / "out/result.nc", engine="h5netcdf")
    return data.drop_vars([name for name in data.variables if kind.clocked in str(name)])


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else KILLS))
