"""The fused engine against Brian2 (cython, warm) and against a hand-written C loop, in one run."""

from __future__ import annotations

import gc
import os
import time
from statistics import median

import numpy as np

from spiking import GammaCircuit, GammaParams
from spiking.gamma import score_input
from tests.benchmarks import by_hand

N_ROWS, N_KEYS, N_CELLS, DURATION_MS, REPEATS = 256, 8, 20, 1000.0, 5
THREADS = min(2, os.cpu_count() or 1)


def run() -> str:
    """Seconds and cell-steps per second of each, as a Markdown table, with the ratios of each round."""
    params = GammaParams(n_cells=N_CELLS, gain=1.0, settle_ms=0.0)
    circuit = GammaCircuit(params)
    scores = np.random.default_rng(0).normal(0, 1.5, (N_ROWS, N_KEYS))
    u = score_input(params, scores, np.ones(scores.shape, dtype=bool))

    def attend(engine: str, record: str, threads: int) -> np.ndarray:
        return circuit.attend(
            scores,
            duration_ms=DURATION_MS,
            rng=np.random.default_rng(1),
            engine=engine,
            record=record,
            threads=threads,
        ).counts

    ways = {
        "Brian2, cython": lambda: attend("brian2", "counts", 1),
        f"fused, {THREADS} threads": lambda: attend("fused", "counts", THREADS),
        "fused, 1 thread": lambda: attend("fused", "counts", 1),
        f"fused, {THREADS} threads, spikes recorded and rhythm read": lambda: attend(
            "fused", "spikes", THREADS
        ),
        "C by hand, 1 thread": lambda: by_hand.simulate(params, u, duration_ms=DURATION_MS, seed=1)[0],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    rate: dict[str, float] = {}
    for name, way in ways.items():  # warm: everything is compiled
        rate[name] = float(way().sum(axis=1).mean() / DURATION_MS * 1000)
    for _ in range(REPEATS):  # in turn, so that all meet the same noise of the machine
        for name, way in ways.items():
            gc.collect()  # nobody pays for another's garbage
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    brian2, fused, single, _, by_c = (np.array(s) for s in seconds.values())
    speedup, of_limit = brian2 / fused, by_c / single
    cell_steps = N_ROWS * N_KEYS * N_CELLS * DURATION_MS / params.dt_ms / 1e6
    lines = [
        f"{N_ROWS} rows x {N_KEYS} keys x {N_CELLS} cells, dt {params.dt_ms} ms, {DURATION_MS / 1000:g} s; "
        f"warm; median of {REPEATS} (best)",
        "",
        "| | s | million cell-steps/s | E spikes per row and s |",
        "|---|---|---|---|",
        *(
            f"| {name} | {median(s):.3f} ({min(s):.3f}) | {cell_steps / median(s):.0f} "
            f"({cell_steps / min(s):.0f}) | {rate[name]:.1f} |"
            for name, s in seconds.items()
        ),
        "",
        _ratio(f"fused, {THREADS} threads, over Brian2", speedup),
        _ratio("fused over C, one thread each", of_limit),
    ]
    return "\n".join(lines)


def _ratio(name: str, ratio: np.ndarray) -> str:
    return f"{name}: {np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f})  "
