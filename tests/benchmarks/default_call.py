"""`attend` by default, with spike times, rhythm and cycles, against counts alone and against Brian2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from spiking import Brian2, Engine, EventDriven, Fused, GammaCircuit
from tests.benchmarks.engines import DURATION_MS, N_KEYS, N_ROWS, PARAMS, REPEATS, scores
from tests.benchmarks.table import Table, in_turn, spread

COUNTS, DEFAULT = "counts", "spikes"  # what is recorded
ENGINES: dict[str, Engine] = {engine.name: engine for engine in (EventDriven(), Fused(), Brian2())}


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a caller reads from a selection."""

    n_spikes: float  # of a row
    n_rhythmic: int  # rows with a significant peak
    f_gamma_Hz: float  # their mean
    n_cycles: float  # of those rows


def run() -> Table:
    """Seconds of each engine, both ways in turn, and the ratios of each round."""
    rows = scores(N_ROWS)
    ways = {
        f"{name}, {record}": partial(_attend, rows, engine=engine, record=record)
        for name, engine in ENGINES.items()
        for record in (COUNTS, DEFAULT)
    }
    rounds = in_turn(ways, repeats=REPEATS)
    reference, reference_cpu = (of[f"{Brian2.name}, {DEFAULT}"] for of in (rounds.seconds, rounds.cpu_s))
    return Table(
        setting=f"{N_ROWS} rows x {N_KEYS} keys x {PARAMS.n_cells} cells, dt {PARAMS.dt_ms} ms, "
        f"{DURATION_MS / 1000:g} s; all cores, warm; median of {REPEATS} rounds (range). The default call keeps "
        "spikes and field, and `f_gamma_Hz` and `n_cycles` are read from it.",
        head=(
            "",
            "counts alone, s",
            "default call, s",
            "speed kept",
            "over Brian2's",
            "in CPU time",
            "rhythm",
        ),
        lines=tuple(
            (
                name,
                spread(rounds.seconds[f"{name}, {COUNTS}"], 3),
                spread(default := rounds.seconds[f"{name}, {DEFAULT}"], 3),
                f"{spread(100 * rounds.seconds[f'{name}, {COUNTS}'] / default, 0)} %",
                spread(reference / default, 1),
                spread(reference_cpu / rounds.cpu_s[f"{name}, {DEFAULT}"], 1),
                _in_words(rounds.first[f"{name}, {DEFAULT}"]),
            )
            for name in ENGINES
        ),
        below=("Speed kept: time of counts alone over that of the default call, within a round.",),
    )


def _attend(rows: np.ndarray, *, engine: Engine, record: str) -> Read:
    rng = np.random.default_rng(1)
    selection = GammaCircuit(PARAMS).attend(
        rows, duration_ms=DURATION_MS, rng=rng, engine=engine, record=record
    )
    rhythmic = np.isfinite(selection.f_gamma_Hz)
    n = max(int(rhythmic.sum()), 1)
    return Read(
        n_spikes=float(selection.counts.sum(axis=1).mean()),
        n_rhythmic=int(rhythmic.sum()),
        f_gamma_Hz=float(np.nansum(selection.f_gamma_Hz)) / n,
        n_cycles=float(selection.n_cycles.sum()) / n,
    )


def _in_words(read: Read) -> str:
    of_row = f"{read.n_cycles:.1f} cycles, {read.n_spikes:.0f} spikes"
    return f"{read.n_rhythmic} rows at {read.f_gamma_Hz:.1f} Hz, {of_row}"
