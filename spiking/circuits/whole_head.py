"""The whole spiking head: vectors in, spikes all the way, vectors out.

    query  -> ON/OFF Poisson cells --(synapses weighted by the keys)--> dendrite of each E population
           -> gamma circuit: the populations race ----(synapses weighted by the values)--> readout units

The dot product is done by synapses, the softmax by the race, the weighted mean by synapses again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np

from spiking.cells import Noise
from spiking.checks import check_mask, check_vectors, known
from spiking.circuits.gamma import gamma_core, initial_state, structure
from spiking.circuits.gamma_rows import PRECISIONS
from spiking.circuits.head_rows import HeadRecording, compile_head, simulate_head_rows
from spiking.circuits.periphery import HeadParams, build_periphery
from spiking.circuits.selection import select
from spiking.engines.brian2 import ENGINES, building, check_duration, measured, simulate
from spiking.engines.fused.kernel import Kernel
from spiking.params import GammaParams
from spiking.record import Selection
from spiking.rows import Layout

__all__ = ["HeadParams", "HeadSelection", "VectorCircuit"]

SETTLED = 6  # dendritic time constants before the measured window: exp(-6) = 0.2 % of a score is missing


@dataclass(frozen=True, kw_only=True)
class HeadSelection:
    """What the whole head returns for each query."""

    output: np.ndarray  # (n_queries, d_value): activity of the readout units, mean over the window
    trace: np.ndarray  # (n_queries, d_value, n_samples) float32: that activity in time, every millisecond
    selection: Selection  # its rows are the queries
    query_spikes: np.ndarray  # (n_queries,) int64: ON and OFF spikes, settling time included


@dataclass(frozen=True)
class VectorCircuit:
    """Attention from vectors to vectors, with nothing but spikes in between.

    The dendrite of population j receives the query's spikes through weights k_j - mean(k): the mean key
    is feedforward inhibition, which softmax does not feel and which keeps the drive in range. Each E
    spike adds its value vector to the readout units through fixed weights, so the output is a weighted
    mean only as far as the loop holds the number of spikes.
    """

    params: GammaParams = field(default_factory=GammaParams)
    head: HeadParams = field(default_factory=HeadParams)

    def attend(
        self,
        query: np.ndarray,
        key: np.ndarray,
        value: np.ndarray,
        *,
        duration_ms: float,
        rng: np.random.Generator,
        mask: np.ndarray | None = None,
        engine: str = "fused",
        precision: str = "float32",
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> HeadSelection:
        """Attend with every query over its keys.

        Parameters
        ----------
        query : (n_queries, d) array
        key : (n_keys, d) array shared by the queries, or (n_queries, n_keys, d)
        value : (n_keys, d_value) array shared by the queries, or (n_queries, n_keys, d_value)
        duration_ms : float
            Measured time; the dendrites settle before it.
        rng : numpy.random.Generator
        mask : (n_queries, n_keys) bool array, optional
            True where a key takes part.
        engine : {"fused", "brian2"}
        precision : {"float32", "float64"}
            Of the fused engine.
        threads : int, optional
            Of the fused engine; as many as there are cores, unless given. They change no spike.
        progress : callable, optional
            Called with the fraction that is done: of simulated time (Brian2) or of the queries (fused).

        Returns
        -------
        HeadSelection

        Raises
        ------
        ValueError, TypeError
            For vectors, masks, durations and engines that cannot be simulated.
        """
        known("engine", engine, ENGINES)
        known("precision", precision, PRECISIONS)
        query, key, value = check_vectors(query, key, value)
        present = check_mask(np.zeros(key.shape[:2]), mask)
        check_duration(duration_ms)
        params = replace(self.params, settle_ms=max(self.params.settle_ms, SETTLED * self.head.tau_nmda_ms))
        layout = Layout.of(present, params.n_cells)
        options: dict[str, Any] = {
            **{"query": query, "key": key, "value": value},
            **{"duration_ms": duration_ms, "rng": rng, "progress": progress},
        }
        if engine == "brian2":
            ran = _brian2(layout, params, self.head, **options)
        else:
            kernel = _one_row(structure(params), self.head, precision)
            options["threads"] = threads
            ran = simulate_head_rows(kernel, layout, params, self.head, partial(_initial, params), **options)
        return HeadSelection(
            output=ran.trace.mean(axis=2),
            trace=ran.trace,
            selection=select(ran.recording, present),
            query_spikes=ran.query_spikes,
        )


@cache
def _one_row(params: GammaParams, head: HeadParams, precision: str) -> Kernel:
    """The compiled head of one query; the numbers of its cells do not matter, but for more than one of each."""
    rng = np.random.default_rng(0)
    params = replace(params, n_cells=2)
    layout = Layout.of(np.ones((1, 2), dtype=bool), params.n_cells)
    query, key, value = np.ones((1, 1)), np.ones((1, 2, 1)), np.ones((1, 2, 2))
    with building():
        core = gamma_core(params, layout, rng, None)
        around = build_periphery(core, layout, params, head, query=query, key=key, value=value, rng=rng)
    return compile_head(
        core, around, params, head, _initial(params, np.zeros(1), 1, rng, rng), precision=precision
    )


def _initial(
    params: GammaParams, linked: np.ndarray, n_rows: int, exc_noise: Noise, inh_noise: Noise
) -> dict[str, dict[str, np.ndarray]]:
    """The core's state at the start: no score is in the membranes yet, since its own spikes have to bring it."""
    return initial_state(params, np.zeros(len(linked)), n_rows, exc_noise, inh_noise)


def _brian2(
    layout: Layout,
    params: GammaParams,
    head: HeadParams,
    *,
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    rng: np.random.Generator,
    **options: Any,
) -> HeadRecording:
    """All queries in one Brian2 network."""
    with building():
        core = gamma_core(params, layout, rng, None)
        around = build_periphery(core, layout, params, head, query=query, key=key, value=value, rng=rng)
    recording = simulate(
        core,
        layout,
        params,
        rng=rng,
        extra=[*around.objects, around.trace, around.query_spikes],
        namespace=head.namespace(),
        **options,
    )
    trace = measured(around.trace, "y", params.settle_ms)
    return HeadRecording(
        recording=recording,
        trace=trace.reshape(layout.n_rows, -1, trace.shape[1]),
        query_spikes=np.asarray(around.query_spikes.count).reshape(layout.n_rows, -1).sum(axis=1),
    )
