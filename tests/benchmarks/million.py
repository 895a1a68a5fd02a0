"""A million rows of 64 keys and 64 spikes: time, and that memory stays with the input and the result.

`python -m tests.benchmarks.million N_ROWS` simulates so many in a process of its own and prints what it took.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np

from spiking import GammaCircuit, GammaParams
from tests.benchmarks.table import Table, cpu_seconds

N_ROWS = (1_000, 10_000, 100_000, 1_000_000)
N_KEYS, SPIKES = 64, 64


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one process."""

    n_rows: int
    seconds: float
    cpu_s: float
    before_bytes: int  # peak before the call: the program, the compiled kernel, the scores
    peak_bytes: int
    result_bytes: int  # arrays of the result
    spikes_per_row: float


def run() -> Table:
    """Seconds, rows per second and peak memory for more and more rows."""
    costs = [_in_own_process(n_rows) for n_rows in N_ROWS]
    return Table(
        setting=f"Event-driven engine, all cores, counts; {N_KEYS} keys, {SPIKES} spikes a row, circuit "
        "`regular-brief`, scores in single precision; each number of rows in a process of its own, once.",
        head=(
            "rows",
            "s",
            "CPU s",
            "rows/s",
            "peak memory",
            "of it before the call",
            "result",
        ),
        lines=tuple(
            (
                f"{c.n_rows:,}",
                f"{c.seconds:.2f}",
                f"{c.cpu_s:.2f}",
                f"{c.n_rows / c.seconds:,.0f}",
                *(f"{b / 2**20:.0f} MiB" for b in (c.peak_bytes, c.before_bytes, c.result_bytes)),
            )
            for c in costs
        ),
        below=(_per_row(costs),),
    )


def _per_row(costs: list[Cost]) -> str:
    (some, more) = costs[-2:]
    grown = (more.peak_bytes - some.peak_bytes) / (more.n_rows - some.n_rows)
    kept = more.result_bytes / more.n_rows + 4 * N_KEYS
    return f"A further row costs {grown:.0f} bytes of peak memory, of which its scores and result are {kept:.0f}."


def _in_own_process(n_rows: int) -> Cost:
    command = [sys.executable, "-m", __name__, str(n_rows)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Cost(**json.loads(said))


def _measure(n_rows: int) -> Cost:
    circuit = GammaCircuit(GammaParams.regular_brief())
    scores = np.random.default_rng(0).standard_normal((n_rows, N_KEYS), dtype=np.float32)
    circuit.attend(scores[:64], spikes=SPIKES, rng=np.random.default_rng(1), record="counts")
    before = _peak_bytes()
    began, cpu_before = time.perf_counter(), cpu_seconds()
    selection = circuit.attend(scores, spikes=SPIKES, rng=np.random.default_rng(1), record="counts")
    seconds, cpu_s = time.perf_counter() - began, cpu_seconds() - cpu_before
    result = [*vars(selection).values(), *selection.other_counts.values()]
    return Cost(
        n_rows=n_rows,
        seconds=seconds,
        cpu_s=cpu_s,
        before_bytes=before,
        peak_bytes=_peak_bytes(),
        result_bytes=sum(a.nbytes for a in result if isinstance(a, np.ndarray)),
        spikes_per_row=float(selection.counts.sum(axis=1).mean()),
    )


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(int(sys.argv[1])))))
