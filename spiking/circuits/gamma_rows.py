"""Rows of the gamma circuit on the fused engine: what differs between rows goes in, spikes or counts come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spiking.cells import Noise
from spiking.engines.brian2 import FIELD_DT_MS, Core, Recording
from spiking.engines.fused.kernel import Kernel, compile_program
from spiking.engines.fused.program import read_program
from spiking.engines.fused.random import RowNoise
from spiking.engines.fused.run import NO_LIMIT, PRECISIONS, Rows, RowSpikes, Window, run_rows
from spiking.params import GammaParams
from spiking.record import SpikeRecord
from spiking.rows import Layout

__all__ = [
    "PRECISIONS",
    "Counted",
    "Initial",
    "compile_core",
    "count_rows",
    "gamma_rows",
    "gamma_window",
    "recorded",
    "simulate_rows",
]

State = Mapping[str, Mapping[str, np.ndarray]]  # group -> variable -> values of its cells
Initial = Callable[[np.ndarray, int, Noise, Noise], State]  # see spiking.circuits.gamma.initial_state
Own = Callable[[range], Mapping[str, np.ndarray]]  # rows -> arrays by full name, one row after another
_INH_SITE = 1024  # draws of the I cells are counted from here on


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Spikes in the measured window, without their times."""

    counts: np.ndarray  # (n_rows, n_keys) int64
    inh_counts: np.ndarray  # (n_rows,) int64
    row_ms: np.ndarray  # (n_rows,) float64: measured time of each row


def compile_core(core: Core, params: GammaParams, initial: State, *, precision: str) -> Kernel:
    """Compile one row's circuit; `initial` names the variables that each row starts with of its own."""
    own = {f"{group}__{variable}" for group, state in initial.items() for variable in state}
    program = read_program(core.objects, params.namespace(), per_cell=own | {"exc__u"})
    return compile_program(program, record=("exc",), sample=("row__exc",), precision=precision)


def simulate_rows(
    kernel: Kernel,
    layout: Layout,
    params: GammaParams,
    score_input: np.ndarray,
    initial: Initial,
    *,
    duration_ms: float,
    rng: np.random.Generator,
    spikes: int | None = None,
    streams: np.ndarray | None = None,
    progress: Callable[[float], None] | None = None,
    threads: int | None = None,
) -> Recording:
    """Simulate the rows and record every spike, as `spiking.engines.brian2.simulate` does.

    Parameters
    ----------
    kernel : Kernel
        From `compile_core`.
    layout, params
        The rows of the batch and the circuit's constants.
    score_input : (n_populations,) array
        The input `u` of each population.
    initial : callable
        (input of each E cell, rows, noise of the E cells, noise of the I cells) -> their state at the start.
    duration_ms : float
    rng : numpy.random.Generator
        Gives the seed; from it and its stream, each row makes its own random numbers.
    spikes : int, optional
        E spikes after which a row ends, with the step in which the last of them falls.
    streams : (n_rows,) integer array, optional
        The rows' numbers, unless given.
    progress : callable, optional
        Called with the fraction of rows done.
    threads : int, optional
        As many as there are cores, unless given.
    """
    window = gamma_window(params, duration_ms, spikes, record=True)
    seed = int(rng.integers(2**63))
    rows = gamma_rows(layout, params, score_input, initial, seed, streams)
    parts = list(run_rows(kernel, rows, window, seed=seed, threads=threads, progress=progress))
    return recorded(parts, layout, params, duration_ms)


def count_rows(
    kernel: Kernel,
    layout: Layout,
    params: GammaParams,
    score_input: np.ndarray,
    initial: Initial,
    *,
    duration_ms: float,
    rng: np.random.Generator,
    spikes: int | None = None,
    streams: np.ndarray | None = None,
    progress: Callable[[float], None] | None = None,
    threads: int | None = None,
) -> Counted:
    """Simulate the rows and keep only counts; memory does not grow with `duration_ms`.

    Parameters are those of `simulate_rows`.
    """
    window = gamma_window(params, duration_ms, spikes, record=False)
    seed = int(rng.integers(2**63))
    rows = gamma_rows(layout, params, score_input, initial, seed, streams)
    counts = np.zeros((layout.n_rows, layout.n_keys), dtype=np.int64)
    inh_counts = np.empty(layout.n_rows, dtype=np.int64)
    row_ms = np.empty(layout.n_rows)
    done = 0
    for part in run_rows(kernel, rows, window, seed=seed, threads=threads, progress=progress):
        here = slice(done, done + len(part.counts["exc"]))
        counts[layout.row_of_population[here], layout.key_of_population[here]] = part.counts["exc"]
        these = slice(part.first_row, part.first_row + len(part.n_steps))
        inh_counts[these] = part.counts["inh"]
        row_ms[these] = part.n_steps * params.dt_ms
        done = here.stop
    return Counted(counts=counts, inh_counts=inh_counts, row_ms=row_ms)


def gamma_window(params: GammaParams, duration_ms: float, spikes: int | None, *, record: bool) -> Window:
    """The settling time and the measured window, in steps."""
    return Window(
        n_settle=round(params.settle_ms / params.dt_ms),
        n_steps=round((params.settle_ms + duration_ms) / params.dt_ms),
        sample_every=round(FIELD_DT_MS / params.dt_ms),
        spikes=record,
        n_spikes=NO_LIMIT if spikes is None else spikes,
    )


def gamma_rows(
    layout: Layout,
    params: GammaParams,
    score_input: np.ndarray,
    initial: Initial,
    seed: int,
    streams: np.ndarray | None,
    own: Own = lambda rows: {},
) -> Rows:
    """The rows of a layout; `own` is what else they bring."""
    populations = np.bincount(layout.row_of_population, minlength=layout.n_rows)
    keys = np.arange(layout.n_rows, dtype=np.uint64) if streams is None else streams

    def state(rows: range) -> dict[str, np.ndarray]:
        here = slice(rows.start, rows.stop)
        n_exc = populations[here] * layout.n_cells
        exc = RowNoise(seed, keys[here], n_exc)
        inh = RowNoise(seed, keys[here], np.full(len(rows), params.n_inh), first_site=_INH_SITE)
        u = layout.per_cell(score_input[layout.populations_of(rows)])
        drawn = initial(u, len(rows), exc, inh)
        flat = {f"{group}__{name}": v for group, values in drawn.items() for name, v in values.items()}
        return {**flat, "exc__u": u, **own(rows)}

    return Rows(
        n_cells={"exc": populations * layout.n_cells},
        unit={"exc": layout.n_cells, "inh": params.n_inh},
        state=state,
        streams=keys,
    )


def recorded(
    parts: Sequence[RowSpikes], layout: Layout, params: GammaParams, duration_ms: float
) -> Recording:
    """What all rows did, put together."""
    return Recording(
        spikes=_spike_record(parts, layout, params, duration_ms),
        inh_counts=np.concatenate([p.counts["inh"] for p in parts]),
        field=np.concatenate([p.samples["row__exc"] for p in parts]),
        field_dt_ms=FIELD_DT_MS,
        row_ms=np.concatenate([p.n_steps for p in parts]) * params.dt_ms,
    )


def _spike_record(
    parts: Sequence[RowSpikes], layout: Layout, params: GammaParams, duration_ms: float
) -> SpikeRecord:
    first_cell = np.searchsorted(layout.row_of_population, np.arange(layout.n_rows)) * layout.n_cells
    events = [p.spikes["exc"] for p in parts]
    step = np.concatenate([e.step for e in events])
    flat = np.concatenate([first_cell[e.row] + e.cell for e in events])
    order = np.argsort(step, kind="stable")
    row, key, cell = layout.locate(flat[order])
    return SpikeRecord(
        row=row,
        key=key,
        cell=cell,
        time_ms=step[order] * params.dt_ms,
        n_rows=layout.n_rows,
        n_keys=layout.n_keys,
        n_cells=layout.n_cells,
        duration_ms=float(duration_ms),
    )
