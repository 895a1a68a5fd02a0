"""`python -m tests.kills [N [KIND ...]]`: kill runs, sweeps and trainings N times each at random, resume, compare.

Each process is killed with SIGKILL and started again by the same command. Every few kills it is left to end; its
data must be those of a run in a fresh Python that nobody disturbed, and nothing half-written may be left. Processes
to kill are forked from this one, which has imported what they need: moments of a kill then lie in the work, not in
imports, and three kinds with 30 kills each take some ten minutes on two busy cores.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import numpy as np
import xarray as xr

from tests.forked import LOADED

ROOT = Path(__file__).parents[1]
KILLS, ROUND = 30, 3  # of each kind; after so many the command is left to end
LIMIT_S = 600  # of one command on a busy machine; what takes longer is lost
CHECKPOINT_EVERY = 8  # iterations; by itself a training keeps one in 200
SIZES = "--n-layers 1 --n-heads 2 --width 16 --n-context 8 --batch 4 --windows 8"


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
        command="run train-with-spikes --task sort --iterations 120 --kinds softmax,simulated --seeds 1 "
        f"--spikes 4 --n-cells 2 {SIZES} --out out",
    ),
    Kind(
        name="benchmarks",
        command="run language-model-on-gamma --model ../model --text-file ../text.txt --windows 12 --length 24 "
        "--spikes 8 --layer-spikes 0 --minimal-pairs ../pairs.tsv --benchmarks perplexity,pairs --out out",
    ),
)


@dataclass
class Killed:
    """What came of the kills of one kind."""

    kills: int = 0
    lost: int = 0
    half: int = 0
    different: int = 0
    at: list[float] = field(default_factory=list)  # moments of the kills, as parts of an undisturbed command

    @property
    def wrong(self) -> int:
        return self.lost + self.half + self.different


def main(n_kills: int, names: list[str]) -> int:
    """Kill each kind, or those named, so often; 0 if nothing was lost, half-written or different."""
    # On a busy machine the threads of a product of small matrices spend their time waiting for each other.
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.path.insert(0, str(ROOT / "tests"))
    for name in (*LOADED, "sweep_scenario", "scenarios.train_with_spikes"):
        import_module(name)
    rng, wrong = np.random.default_rng(), 0
    for kind in KINDS:
        if names and kind.name not in names:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="fortyhertz-kills-") as folder:
            if kind.name == "benchmarks":
                _give_language_model(Path(folder))
            came = _killed(kind, Path(folder), n_kills, rng)
        print(
            f"{kind.name}: {came.kills} kills, {came.lost} lost, {came.half} half-written, {came.different} "
            f"different ({time.monotonic() - began:.0f} s; killed at {_span(came.at)} of its time)",
            flush=True,
        )
        wrong += came.wrong + (came.kills < n_kills)
    return min(wrong, 1)


def _give_language_model(folder: Path) -> None:
    """A small random model, a text, and pairs of sentences in some ten batches."""
    hf_models = import_module("hf_models")
    hf_models.saved(folder / "model", hf_models.built("gpt2"))
    words = hf_models.TEXT.split()
    (folder / "text.txt").write_text(f"{hf_models.TEXT} " * 20, encoding="utf-8")
    pairs = [
        f"order\tnone\t{' '.join(words[n : n + 8])}\t{' '.join(words[n + 8 : n : -1])}" for n in range(9)
    ]
    (folder / "pairs.tsv").write_text("\n".join(pairs * 40), encoding="utf-8")


def _span(parts: list[float]) -> str:
    low, high = np.quantile(parts, (0.1, 0.9)) if parts else (np.nan, np.nan)
    return f"{low:.0%} to {high:.0%}"


def _killed(kind: Kind, folder: Path, n_kills: int, rng: np.random.Generator) -> Killed:
    came, expected = Killed(), _undisturbed(kind, folder / "undisturbed")
    took_s = _timed(lambda: _ended(kind, folder / "timed"))
    for number in range(n_kills):  # rounds; a third of them, if every kill comes in time
        here = folder / str(number)
        try:
            for done in range(min(ROUND, n_kills - came.kills)):
                after_s, began = (
                    rng.uniform(0, took_s / (1 + done)),
                    time.monotonic(),
                )  # a resumed one takes less
                if _is_done(here):
                    break
                if not _one_kill(kind, here, after_s):
                    took_s = (
                        time.monotonic() - began if done == 0 else took_s
                    )  # the machine has become faster
                    break
                came.kills += 1
                came.at.append(after_s / took_s)
            data = _data(kind, here) if _is_done(here) else _ended(kind, here)
        except OSError as error:
            print(f"lost: {error}", file=sys.stderr)
            came.lost += 1
        else:
            came.half += len(_half_written(kind, here))
            came.different += not data.identical(expected)
        if came.kills >= n_kills:
            break
    return came


def _is_done(here: Path) -> bool:
    """Whether a run folder is there, though its command may have been killed since."""
    return (here / "out/report.html").exists()


def _half_written(kind: Kind, here: Path) -> list[Path]:
    return [*here.glob(kind.parts), *(here / "out").glob(kind.parts), *here.glob(".*.unfinished")]


def _undisturbed(kind: Kind, here: Path) -> xr.Dataset:
    """The data of the command in a fresh Python."""
    here.mkdir()
    code = (
        "import sys, sweep_scenario; sweep_scenario.register(); from scenarios.workbench.cli import main\n"
        f"sys.exit(main({shlex.split(kind.command)}))"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=here,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=True,
        timeout=LIMIT_S,
    )
    return _data(kind, here)


def _start(kind: Kind, here: Path) -> int:
    """The number of a process that does the command in a folder; what it says goes to a file next to that."""
    here.mkdir(exist_ok=True)
    child = os.fork()
    if child == 0:
        _become(shlex.split(kind.command), here)
    return child


def _become(words: list[str], here: Path) -> NoReturn:
    from scenarios.workbench import trainings
    from scenarios.workbench.cli import main

    status = 1
    try:
        for number, path in enumerate((os.devnull, os.devnull, str(_said(here)))):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        os.chdir(here)
        import_module("sweep_scenario").register()
        trainings.schedule = partial(trainings.schedule, checkpoint_every=CHECKPOINT_EVERY)
        status = main(words)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _said(here: Path) -> Path:
    return here.with_name(f"{here.name}.txt")


def _one_kill(kind: Kind, here: Path, after_s: float) -> bool:
    """Kill the command after a time; False if it has ended before, OSError if badly."""
    child = _start(kind, here)
    status = _waited(child, after_s)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return True
    _check(kind, here, status)
    return False


def _ended(kind: Kind, here: Path) -> xr.Dataset:
    child = _start(kind, here)
    status = _waited(child, LIMIT_S)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise TimeoutError(f"{kind.command} did not end in {LIMIT_S} s")
    _check(kind, here, status)
    return _data(kind, here)


def _waited(child: int, seconds: float) -> int | None:
    """The exit status of a process; None if it has not ended in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def _check(kind: Kind, here: Path, status: int) -> None:
    if status:
        raise OSError(
            f"{kind.command} ended with {status}: {_said(here).read_text(errors='replace')[-2000:]}"
        )


def _data(kind: Kind, here: Path) -> xr.Dataset:
    data = xr.load_dataset(here / "out/result.nc", engine="h5netcdf")
    return data.drop_vars([name for name in data.variables if kind.clocked in str(name)])


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else KILLS, sys.argv[2:]))
