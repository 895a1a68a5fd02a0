"""The first call on a machine: what compiling costs with an empty cache, from the cache, and without a compiler.

`python -m tests.benchmarks.cold_start ENGINE` times a first and a second call in its own process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import brian2 as b2
import numpy as np

from spiking import Fused, GammaCircuit, GammaParams, engine_named
from spiking.batch import Batch, Wanted
from spiking.engines.fused.kernel import Kernel
from tests.benchmarks.table import Table, cpu_seconds, spread

REPEATS = 5
CACHE = "FORTYHERTZ_BENCHMARK_CACHE"  # where Brian2 keeps compiled code in the processes started here


@dataclass(frozen=True, kw_only=True)
class Start:
    """What the first call in a fresh process takes more than the second, by the clock and of the processor."""

    reading_s: float  # the fused engine's: from Brian2 objects to the source of a kernel
    reading_cpu_s: float
    compiling_s: float  # the rest
    compiling_cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Watched(Fused):
    """The fused engine, with the time that it spends on reading circuits."""

    reading: np.ndarray  # (2,) seconds: by the clock, and of the processor

    def compiled(self, batch: Batch, wanted: Wanted) -> Kernel:
        began = _now()
        kernel = super().compiled(batch, wanted)
        self.reading[:] += _now() - began
        return kernel


def run() -> Table:
    """Seconds of compiling, and of the first scenario where there is no compiler."""
    lines = []
    for engine, repeats in (("fused", REPEATS), ("brian2", 1)):
        cold, warm = [], []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory(prefix="fortyhertz-") as cache:
                cold.append(_in_own_process(engine, Path(cache)))
                warm += [_in_own_process(engine, Path(cache)) for _ in range(max(1, 3 // repeats))]
        for name, starts in (("empty cache", cold), ("from the cache", warm)):
            lines.append(
                (
                    f"{engine}, {name}",
                    *(_spread([getattr(start, what) for start in starts]) for what in vars(starts[0])),
                    str(len(starts)),
                )
            )
    scenario = _without_compiler()
    return Table(
        setting="One row of 8 keys x 20 cells, 100 ms, in a fresh process, imports not counted: what the "
        "first call takes more than the second, median (range). Reading is from Brian2's objects to the source "
        "of a kernel, and is not kept; compiling is the rest.",
        head=("", "reading, s", "CPU s", "compiling, s", "CPU s", "processes"),
        lines=tuple(lines),
        below=(
            "`fortyhertz run softmax-from-spikes --engine fused` with an empty cache and no compiler on the path, "
            f"from start to report: {scenario:.0f} s.",
        ),
    )


def _spread(seconds: list[float]) -> str:
    return spread(seconds) if any(seconds) else "–"


def _environment(cache: Path) -> dict[str, str]:
    return {
        **os.environ,
        "XDG_CACHE_HOME": str(cache),
        "NUMBA_CACHE_DIR": str(cache / "numba"),  # of what reads the spikes, too
        CACHE: str(cache / "brian2"),
    }


def _in_own_process(engine: str, cache: Path) -> Start:
    command = [sys.executable, "-m", __name__, engine]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment(cache)).stdout
    return Start(**json.loads(said))


def _without_compiler() -> float:
    """Seconds of the scenario in an empty folder where the path leads nowhere."""
    with tempfile.TemporaryDirectory(prefix="fortyhertz-") as folder:
        paths = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
        environment = {
            **{
                name: value for name, value in _environment(Path(folder)).items() if name not in ("CC", "CXX")
            },
            "PATH": folder,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }
        program = "from scenarios.workbench.cli import main; main()"
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", program, "run", "softmax-from-spikes", "--engine", "fused", "--seed", "0"],
            check=True,
            capture_output=True,
            cwd=folder,
            env=environment,
        )
        return time.perf_counter() - began


def _measure(engine: str) -> Start:
    b2.prefs.codegen.runtime.cython.cache_dir = os.environ[CACHE]
    scores = np.random.default_rng(0).normal(0, 1.5, (1, 8))
    circuit = GammaCircuit(GammaParams(n_cells=20, gain=1.0, settle_ms=0.0))
    reading = np.zeros(2)
    chosen = Watched(reading=reading) if engine == Fused.name else engine_named(engine)
    times = [_now()]
    for _ in range(2):
        circuit.attend(scores, duration_ms=100.0, rng=np.random.default_rng(1), engine=chosen)
        times.append(_now())
    first, second = np.diff(times, axis=0)
    compiling = first - second - reading
    return Start(
        reading_s=float(reading[0]),
        reading_cpu_s=float(reading[1]),
        compiling_s=float(compiling[0]),
        compiling_cpu_s=float(compiling[1]),
    )


def _now() -> np.ndarray:
    return np.array([time.perf_counter(), cpu_seconds()])


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(sys.argv[1]))))
