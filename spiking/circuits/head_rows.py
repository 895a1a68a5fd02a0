"""Rows of the whole spiking head on the fused engine: vectors go in as rates and weights, traces come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from spiking.circuits.gamma_rows import Initial, State, gamma_rows, gamma_window, recorded
from spiking.circuits.periphery import HeadParams, Periphery, key_weights, query_rates_Hz, value_weights
from spiking.engines.brian2 import Core, Recording
from spiking.engines.fused.kernel import Kernel, compile_program
from spiking.engines.fused.program import read_program
from spiking.engines.fused.random import RowNoise
from spiking.engines.fused.run import Rows, run_rows
from spiking.params import GammaParams
from spiking.rows import Layout

__all__ = ["HeadRecording", "RowVectors", "compile_head", "simulate_head_rows"]

_QUERY_SITE = 2048  # draws of the query cells are counted from here on


@dataclass(frozen=True, kw_only=True)
class HeadRecording:
    """What a batch of queries did."""

    recording: Recording  # of the gamma circuit
    trace: np.ndarray  # (n_queries, d_value, n_samples) float32, activity of the readout units
    query_spikes: np.ndarray  # (n_queries,) int64, settling time included


def compile_head(
    core: Core, around: Periphery, params: GammaParams, head: HeadParams, initial: State, *, precision: str
) -> Kernel:
    """Compile the head of one query; `initial` names what each row's core starts with of its own."""
    own = {f"{group}__{variable}" for group, state in initial.items() for variable in state}
    program = read_program(
        [*core.objects, *around.objects],
        {**params.namespace(), **head.namespace()},
        per_cell=own | {"query_cells__rate", "query_cells__q"},
    )
    return compile_program(program, record=("exc",), sample=("row__exc", "readout__y"), precision=precision)


def simulate_head_rows(
    kernel: Kernel,
    layout: Layout,
    params: GammaParams,
    head: HeadParams,
    initial: Initial,
    *,
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    duration_ms: float,
    rng: np.random.Generator,
    progress: Callable[[float], None] | None = None,
    threads: int | None = None,
) -> HeadRecording:
    """Simulate every query with its keys and values, and record what Brian2's monitors do.

    Parameters
    ----------
    kernel : Kernel
        From `compile_head`.
    layout, params, head
        The rows of the batch and the constants.
    initial : callable
        (input of each E cell, rows, noise of the E cells, noise of the I cells) -> their state at the start.
    query, key, value
        Of shapes (n_queries, d), (n_queries, n_keys, d), (n_queries, n_keys, d_value).
    duration_ms : float
    rng : numpy.random.Generator
        Gives the seed; from it and its number, each row makes its own random numbers.
    progress : callable, optional
        Called with the fraction of rows done.
    threads : int, optional
        As many as there are cores, unless given.
    """
    seed = int(rng.integers(2**63))
    vectors = RowVectors.of(layout, params, head, query=query, key=key, value=value, seed=seed)
    nothing = np.zeros(layout.n_populations)  # the dendrites are empty at the start
    rows = vectors.join(gamma_rows(layout, params, nothing, initial, seed, None, vectors.own))
    window = gamma_window(params, duration_ms, None, record=True)
    window = replace(window, counted_whole=("query_cells",))
    parts = list(run_rows(kernel, rows, window, seed=seed, threads=threads, progress=progress))
    trace = np.concatenate([p.samples["readout__y"] for p in parts])
    return HeadRecording(
        recording=recorded(parts, layout, params, duration_ms),
        trace=trace.reshape(layout.n_rows, -1, trace.shape[1]),
        query_spikes=np.concatenate([p.counts["query_cells"] for p in parts]),
    )


@dataclass(frozen=True, kw_only=True)
class RowVectors:
    """Queries, keys and values as rates and weights."""

    layout: Layout
    rates_Hz: np.ndarray  # (n_rows, n_query_cells)
    key_weights: np.ndarray  # (n_populations, n_query_cells)
    value_weights: np.ndarray  # (n_populations, d_value)
    seed: int

    @classmethod
    def of(
        cls,
        layout: Layout,
        params: GammaParams,
        head: HeadParams,
        *,
        query: np.ndarray,
        key: np.ndarray,
        value: np.ndarray,
        seed: int,
    ) -> RowVectors:
        """From vectors as `simulate_head_rows` takes them."""
        return cls(
            layout=layout,
            rates_Hz=query_rates_Hz(query, head).reshape(layout.n_rows, -1),
            key_weights=key_weights(layout, params, head, key),
            value_weights=value_weights(layout, head, value),
            seed=seed,
        )

    def join(self, core: Rows) -> Rows:
        """The rows of the core with those of the periphery."""
        n_rows, n_query = self.rates_Hz.shape
        sizes = {
            "dendrites": np.bincount(self.layout.row_of_population, minlength=n_rows),
            "query_cells": np.full(n_rows, n_query),
            "readout": np.full(n_rows, self.value_weights.shape[1]),
        }
        return replace(core, n_cells={**core.n_cells, **sizes}, unit={**core.unit, "query_cells": n_query})

    def own(self, rows: range) -> Mapping[str, np.ndarray]:
        """What rows bring to the periphery, one row after another."""
        layout, n_query = self.layout, self.rates_Hz.shape[1]
        here = layout.populations_of(rows)
        of_row = layout.row_of_population[here] - rows.start
        n_keys = np.bincount(of_row, minlength=len(rows))
        number = np.arange(len(of_row)) - np.repeat(np.cumsum(n_keys) - n_keys, n_keys)  # within its row
        by_row = np.split(self.key_weights[here], np.cumsum(n_keys)[:-1])
        noise = RowNoise(
            self.seed,
            np.array(rows, dtype=np.uint64),
            np.full(len(rows), n_query),
            first_site=_QUERY_SITE,
        )
        return {
            "query_cells__rate": self.rates_Hz[rows.start : rows.stop].ravel(),
            "query_cells__q": noise.exponential(size=len(rows) * n_query),
            "exc__u": layout.per_cell(number),
            "key_synapses__weight": np.concatenate([weights.T.ravel() for weights in by_row]),
            "value_synapses__weight": layout.per_cell(self.value_weights[here]).ravel(),
        }
