"""The fused engine against Brian2 (cython, and C++ standalone) and a hand-written C loop, in one run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from spiking import Brian2, Engine, Fused, GammaCircuit, GammaParams
from tests.benchmarks import by_hand, standalone
from tests.benchmarks.table import Table, compiler_version, in_turn, spread

PARAMS = GammaParams(n_cells=20, gain=1.0, settle_ms=0.0)
N_ROWS, N_KEYS, DURATION_MS, REPEATS = 256, 8, 1000.0, 7
THREADS = min(2, os.cpu_count() or 1)


def scores(n_rows: int) -> np.ndarray:
    """Random rows, shape (n_rows, N_KEYS)."""
    return np.random.default_rng(0).normal(0, 1.5, (n_rows, N_KEYS))


def run() -> Table:
    """Seconds and cell-steps per second of each, with the ratios of each round."""
    rows = scores(N_ROWS)
    u = GammaCircuit(PARAMS).score_input(rows, np.ones(rows.shape, dtype=bool))
    project = Path(tempfile.mkdtemp(prefix="fortyhertz-"))
    standalone.build(project, n_rows=N_ROWS)
    fused, single, by_c = f"fused, {THREADS} threads", "fused, 1 thread", "C by hand, 1 thread"
    ways: dict[str, Callable[[], int]] = {
        "Brian2, cython": partial(_attend, rows, engine=Brian2()),
        "Brian2, C++ standalone": partial(standalone.simulate, project),
        fused: partial(_attend, rows, engine=Fused(threads=THREADS)),
        single: partial(_attend, rows, engine=Fused(threads=1)),
        f"{fused}, spikes and rhythm": partial(_attend, rows, engine=Fused(threads=THREADS), record="spikes"),
        by_c: lambda: int(by_hand.simulate(PARAMS, u, duration_ms=DURATION_MS, seed=1)[0].sum()),
    }
    rounds = in_turn(ways, repeats=REPEATS)
    steps = N_ROWS * N_KEYS * PARAMS.n_cells * DURATION_MS / PARAMS.dt_ms / 1e6
    brian2, by_cpp, quick, *_ = rounds.seconds.values()
    one, limit = (rounds.cpu_s[name] for name in (single, by_c))
    return Table(
        setting=f"{N_ROWS} rows x {N_KEYS} keys x {PARAMS.n_cells} cells, dt {PARAMS.dt_ms} ms, "
        f"{DURATION_MS / 1000:g} s; warm; median of {REPEATS} rounds (range). "
        "Counts are read unless said otherwise.",
        head=("", "s", "CPU s", "million cell-steps/s", "E spikes per row and s"),
        lines=tuple(
            (
                name,
                spread(s, 3),
                spread(rounds.cpu_s[name], 3),
                spread(steps / s, 0),
                f"{rounds.first[name] / N_ROWS / DURATION_MS * 1000:.1f}",
            )
            for name, s in rounds.seconds.items()
        ),
        below=(
            f"{fused}, over Brian2, cython: **{spread(brian2 / quick, 1)}**  \n"
            f"{fused}, over Brian2, C++ standalone: **{spread(by_cpp / quick, 1)}**  \n"
            f"fused over C by hand, one thread each, CPU time: **{spread(limit / one)}**",
            f"C by {compiler_version()}, flags `{' '.join((*by_hand.FLAGS, *by_hand.WIDE))}`.",
        ),
    )


def _attend(rows: np.ndarray, *, engine: Engine, record: str = "counts") -> int:
    """E spikes of all rows."""
    selection = GammaCircuit(PARAMS).attend(
        rows,
        duration_ms=DURATION_MS,
        rng=np.random.default_rng(1),
        engine=engine,
        record=record,
    )
    return int(selection.counts.sum())
