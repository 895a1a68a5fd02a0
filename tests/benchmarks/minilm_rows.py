"""Rows of a real transformer per second: what a row of about 64 spikes costs, brief circuit and shipped one."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import softmax

from bridge.comparison.metrics import total_variation
from bridge.comparison.sampling import total_variation_floor
from scenarios.workbench.minilm import minilm_heads, shipped_paragraph
from spiking import GammaCircuit, GammaParams, Selection
from tests.benchmarks.table import Table, in_turn, spread

WORDS, REPEATS = 11, 5  # of a sentence; rounds
LIMIT_MS = 2000.0
WAYS: dict[str, tuple[GammaParams, int | None, float]] = {  # circuit, spikes, limit or duration
    "brief, 64 spikes": (GammaParams.brief(), 64, LIMIT_MS),
    "brief, 16 spikes": (GammaParams.brief(), 16, LIMIT_MS),
    "brief, 256 spikes": (GammaParams.brief(), 256, LIMIT_MS),
    "brief, 40 cells, 64 spikes": (GammaParams.brief(n_cells=40), 64, LIMIT_MS),
    "shipped, 64 spikes": (GammaParams(), 64, LIMIT_MS),
    "shipped, 200 ms": (GammaParams(), None, 200.0),
}


def run() -> Table:
    """Rows per second, cell-steps per row and distance from the softmax beside its floor."""
    rows = _rows()
    found = in_turn({name: partial(_attend, rows, *way) for name, way in WAYS.items()}, repeats=REPEATS)
    n_rows = sum(len(r) for r in rows)
    keys = sum(r.size for r in rows) / n_rows
    brief = found.cpu_s["brief, 64 spikes"]
    lines = tuple(
        (
            name,
            f"{_cell_steps(params, found.first[name]):,.0f}",
            f"{np.median(n_rows / found.seconds[name]):,.0f}",
            f"{np.median(found.cpu_s[name]) / n_rows * 1e6:.0f}",
            spread(found.cpu_s[name] / brief),
            f"{np.mean([s.counts.sum(axis=1).mean() for s in found.first[name]]):.1f}",
            f"{_excess(rows, found.first[name]):.2f}",
        )
        for name, (params, _, _) in WAYS.items()
    )
    return Table(
        setting=f"Every row of the 72 heads of MiniLM on sentences of {WORDS} words: {n_rows:,} rows of "
        f"{keys:.1f} keys on average; event-driven engine, all cores, counts; medians of {REPEATS} rounds.",
        head=(
            "",
            "cell-steps/row",
            "rows/s",
            "CPU µs/row",
            "CPU time over the first",
            "spikes/row",
            "total variation over its floor",
        ),
        lines=lines,
        packages=("numpy", "numba", "brian2", "transformers"),
    )


def _rows() -> list[np.ndarray]:
    """Scores of all rows of each sentence, (rows, keys)."""
    words = shipped_paragraph().split()
    sentences = [" ".join(words[i : i + WORDS]) for i in range(0, len(words), WORDS)]
    scores = [minilm_heads(sentence).scores for sentence in sentences]
    return [s.reshape(-1, s.shape[-1]) for s in scores]


def _attend(
    rows: list[np.ndarray], params: GammaParams, spikes: int | None, duration_ms: float
) -> list[Selection]:
    rng, circuit = np.random.default_rng(0), GammaCircuit(params)
    return [
        circuit.attend(scores, rng=rng, spikes=spikes, duration_ms=duration_ms, record="counts")
        for scores in rows
    ]


def _cell_steps(params: GammaParams, selections: list[Selection]) -> float:
    """E cells times steps of a row, the settling time with them."""
    of_rows = [
        (s.row_ms + params.settle_ms) / params.dt_ms * s.mask.sum(axis=1) * params.n_cells for s in selections
    ]
    return float(np.concatenate(of_rows).mean())


def _excess(rows: list[np.ndarray], selections: list[Selection]) -> float:
    found, floor = 0.0, 0.0
    for scores, selection in zip(rows, selections, strict=True):
        target = softmax(scores, axis=1)
        found += total_variation(selection.weights, target).sum()
        floor += total_variation_floor(target, selection.counts.sum(axis=1)).sum()
    return found / floor
