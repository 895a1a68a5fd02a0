"""All rows in one Brian2 network against one network per row, warm, in one run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from spiking import Brian2, GammaCircuit, GammaParams
from tests.benchmarks.table import Table, in_turn, spread

N_KEYS, N_CELLS, DURATION_MS = 8, 20, 1000.0
BATCHES, SINGLE_ROWS, REPEATS = (256, 1024), 4, 3


def run() -> Table:
    """Rows and cell-steps per second of both ways."""
    circuit = GammaCircuit(GammaParams(n_cells=N_CELLS, settle_ms=0.0))
    scores = np.random.default_rng(0).normal(0, 1.5, (max(BATCHES), N_KEYS))

    def attend(rows: np.ndarray) -> None:
        circuit.attend(rows, duration_ms=DURATION_MS, rng=np.random.default_rng(1), engine=Brian2())

    def one_by_one() -> None:
        for i in range(SINGLE_ROWS):
            attend(scores[i : i + 1])

    single = "one network per row"
    rows = {single: SINGLE_ROWS} | {f"one network for {n} rows": n for n in BATCHES}
    ways: dict[str, Callable[[], object]] = {single: one_by_one}
    ways |= {f"one network for {n} rows": partial(attend, scores[:n]) for n in BATCHES}
    seconds = in_turn(ways, repeats=REPEATS).seconds
    steps = N_KEYS * N_CELLS * DURATION_MS / circuit.params.dt_ms / 1e6  # million cell-steps of a row
    return Table(
        setting=f"{N_KEYS} keys x {N_CELLS} cells a row, dt {circuit.params.dt_ms} ms, "
        f"{DURATION_MS / 1000:g} s; Brian2, warm; median of {REPEATS} rounds (range).",
        head=("", "rows/s", "million cell-steps/s", "rows/s over one network per row"),
        lines=tuple(
            (
                name,
                spread(n / seconds[name]),
                spread(steps * n / seconds[name], 0),
                spread(n / seconds[name] / (SINGLE_ROWS / seconds[single]), 0),
            )
            for name, n in rows.items()
        ),
        packages=("numpy", "brian2"),
    )
