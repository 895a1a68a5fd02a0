"""All rows in one Brian2 network against one network per row, warm, in one run."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from spiking import GammaCircuit, GammaParams

N_KEYS, N_CELLS, DURATION_MS = 8, 20, 1000.0
BATCHES, SINGLE_ROWS, REPEATS = (256, 1024), 4, 3


def run() -> str:
    """Cell-steps and rows per second of both ways, as a Markdown table."""
    circuit = GammaCircuit(GammaParams(n_cells=N_CELLS, settle_ms=0.0))
    scores = np.random.default_rng(0).normal(0, 1.5, (max(BATCHES), N_KEYS))

    def seconds(rows: np.ndarray) -> float:
        began = time.perf_counter()
        circuit.attend(rows, duration_ms=DURATION_MS, rng=np.random.default_rng(1))
        return time.perf_counter() - began

    seconds(scores[:1])  # warm: the compiled code is in the cache
    single: list[float] = []
    batched: dict[int, list[float]] = {n: [] for n in BATCHES}
    for _ in range(REPEATS):  # in turn, so that all meet the same noise of the machine
        single.append(median(seconds(scores[i : i + 1]) for i in range(SINGLE_ROWS)))
        for n, times in batched.items():
            times.append(seconds(scores[:n]))
    lines = [
        f"{N_KEYS} keys x {N_CELLS} cells a row, dt {circuit.params.dt_ms} ms, {DURATION_MS / 1000:g} s; "
        f"Brian2, warm; median of {REPEATS} (best)",
        "",
        "| | s per call | rows/s | million cell-steps/s | rows/s over one network per row |",
        "|---|---|---|---|---|",
        _line("one network per row", single, 1, single),
        *(_line(f"one network for {n} rows", times, n, single) for n, times in batched.items()),
    ]
    return "\n".join(lines)


def _line(name: str, seconds: list[float], rows: int, single: list[float]) -> str:
    middle, best = median(seconds), min(seconds)
    cell_steps = rows * N_KEYS * N_CELLS * DURATION_MS / GammaParams().dt_ms / 1e6
    ratio = [rows * one / this for one, this in zip(single, seconds, strict=True)]
    return (
        f"| {name} | {middle:.2f} ({best:.2f}) | {rows / middle:.2f} ({rows / best:.2f}) "
        f"| {cell_steps / middle:.1f} ({cell_steps / best:.1f}) | {median(ratio):.0f} ({max(ratio):.0f}) |"
    )
