"""All rows in one Brian2 network against one network per row, warm, in one run."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from spiking import GammaCircuit, GammaParams

N_KEYS, N_CELLS, DURATION_MS = 8, 20, 1000.0
BATCH_ROWS, SINGLE_ROWS, REPEATS = 256, 4, 3


def run() -> str:
    """Cell-steps and rows per second of both ways, as a Markdown table."""
    circuit = GammaCircuit(GammaParams(n_cells=N_CELLS, settle_ms=0.0))
    scores = np.random.default_rng(0).normal(0, 1.5, (BATCH_ROWS, N_KEYS))

    def seconds(rows: np.ndarray) -> float:
        began = time.perf_counter()
        circuit.attend(rows, duration_ms=DURATION_MS, rng=np.random.default_rng(1))
        return time.perf_counter() - began

    seconds(scores[:1])  # warm: the compiled code is in the cache
    batched, single = [], []
    for _ in range(REPEATS):  # in turn, so that both meet the same noise of the machine
        batched.append(seconds(scores))
        single.append(median(seconds(scores[i : i + 1]) for i in range(SINGLE_ROWS)))
    cell_steps = N_KEYS * N_CELLS * DURATION_MS / circuit.params.dt_ms
    ratio = [one * BATCH_ROWS / all_ for one, all_ in zip(single, batched, strict=True)]
    lines = [
        f"{BATCH_ROWS} rows x {N_KEYS} keys x {N_CELLS} cells, dt {circuit.params.dt_ms} ms, "
        f"{DURATION_MS / 1000:g} s; Brian2, warm; median of {REPEATS} (best)",
        "",
        "| | s per call | rows/s | million cell-steps/s |",
        "|---|---|---|---|",
        _line("one network for all rows", batched, BATCH_ROWS, cell_steps),
        _line("one network per row", single, 1, cell_steps),
        "",
        f"rows per second, batched over single: {median(ratio):.0f} ({min(ratio):.0f} to {max(ratio):.0f})",
    ]
    return "\n".join(lines)


def _line(name: str, seconds: list[float], rows: int, cell_steps: float) -> str:
    middle, best = median(seconds), min(seconds)
    speed = rows * cell_steps / 1e6
    return (
        f"| {name} | {middle:.2f} ({best:.2f}) | {rows / middle:.2f} ({rows / best:.2f}) "
        f"| {speed / middle:.1f} ({speed / best:.1f}) |"
    )
