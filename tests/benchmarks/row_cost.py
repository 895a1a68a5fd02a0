"""What a row of 64 spikes costs against its number of keys, with its counted cells stepped and not."""

from __future__ import annotations

from functools import partial

import numpy as np

from spiking import Engine, EventDriven, Fused, GammaCircuit, GammaParams, Selection
from tests.benchmarks.table import Table, in_turn, spread

KEYS = (14, 64, 256, 512, 2048)
SPIKES, REPEATS = 64, 7
N_SCORES = 2**19  # of each call
FEWER = 8  # by so much for the stepped cells, whose calls would take minutes
CIRCUITS = {"escape-rate": GammaParams.brief(), "regular": GammaParams.regular_brief()}
ENGINES: dict[str, Engine] = {"stepped": Fused(threads=1), "not stepped": EventDriven(threads=1)}


def run() -> Table:
    """Microseconds of CPU a row, of whole calls, and exponents of growth."""
    ways, n_rows = {}, {}
    for n_keys in KEYS:
        scores = np.random.default_rng(n_keys).normal(0, 1.5, (N_SCORES // n_keys, n_keys)).astype(np.float32)
        for cells, params in CIRCUITS.items():
            for engine in ENGINES:
                name = f"{cells} {engine} {n_keys}"
                some = scores[: len(scores) // FEWER] if engine == "stepped" else scores
                n_rows[name] = len(some)
                ways[name] = partial(_attend, some, params, ENGINES[engine])
    rounds = in_turn(ways, repeats=REPEATS)
    of_row_us = {name: rounds.cpu_s[name] / n_rows[name] * 1e6 for name in ways}
    kinds = [f"{cells} {engine}" for cells in CIRCUITS for engine in ENGINES]
    return Table(
        setting=f"Whole calls of `attend` with counts, scores N(0, 1.5²) in single precision, {SPIKES} spikes a "
        f"row, circuits `brief` and `regular-brief`; one thread, since two that share a core slow each other; "
        f"microseconds of CPU a row, median of {REPEATS} rounds (range).",
        head=("keys", *kinds, "ratio, escape-rate", "ratio, regular"),
        lines=tuple(
            (
                str(n_keys),
                *(spread(of_row_us[f"{kind} {n_keys}"], 1) for kind in kinds),
                *(
                    spread(of_row_us[f"{c} stepped {n_keys}"] / of_row_us[f"{c} not stepped {n_keys}"], 1)
                    for c in CIRCUITS
                ),
            )
            for n_keys in KEYS
        ),
        below=(
            "Exponent of growth, slope of log time on log keys in each round: "
            + ", ".join(f"{kind} {spread(_slopes(of_row_us, kind))}" for kind in kinds)
            + ".",
            "A key costs at least the exponential of its score and, of regular cells, the draw of its phase, "
            "whatever comes after.",
        ),
    )


def _attend(scores: np.ndarray, params: GammaParams, engine: Engine) -> Selection:
    return GammaCircuit(params).attend(
        scores, spikes=SPIKES, rng=np.random.default_rng(1), engine=engine, record="counts"
    )


def _slopes(of_row_us: dict[str, np.ndarray], kind: str) -> np.ndarray:
    times = np.log([of_row_us[f"{kind} {n_keys}"] for n_keys in KEYS])
    return np.polyfit(np.log(KEYS), times, 1)[0]
