"""The whole spiking head: vectors in, spikes all the way, vectors out.

    query  -> ON/OFF Poisson cells --(synapses weighted by the keys)--> dendrite of each E population
           -> gamma circuit: the populations race ----(synapses weighted by the values)--> readout units

The dot product is done by synapses, the softmax by the race, the weighted mean by synapses again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from spiking.checks import check_mask, check_vectors, known
from spiking.gamma import gamma_core
from spiking.params import GammaParams
from spiking.periphery import HeadParams, build_periphery
from spiking.record import Selection
from spiking.rows import Layout
from spiking.selection import select
from spiking.simulate import ENGINES, building, check_duration, measured, simulate

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
        engine: str = "brian2",
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
        engine : {"brian2"}
        progress : callable, optional
            Called with the fraction of simulated time that is done.

        Returns
        -------
        HeadSelection

        Raises
        ------
        ValueError, TypeError
            For vectors, masks, durations and engines that cannot be simulated.
        """
        known("engine of the whole head", engine, ENGINES)
        query, key, value = check_vectors(query, key, value)
        present = check_mask(np.zeros(key.shape[:2]), mask)
        check_duration(duration_ms)
        layout = Layout.of(present, self.params.n_cells)
        with building():
            core = gamma_core(self.params, layout, rng, None)
            around = build_periphery(
                core, layout, self.params, self.head, query=query, key=key, value=value, rng=rng
            )
        settle_ms = max(self.params.settle_ms, SETTLED * self.head.tau_nmda_ms)
        recording = simulate(
            core,
            layout,
            self.params,
            duration_ms=duration_ms,
            settle_ms=settle_ms,
            rng=rng,
            progress=progress,
            extra=[*around.objects, around.trace, around.query_spikes],
            namespace=self.head.namespace(),
        )
        trace = measured(around.trace, "y", settle_ms).reshape(len(query), value.shape[2], -1)
        return HeadSelection(
            output=trace.mean(axis=2),
            trace=trace,
            selection=select(recording, present),
            query_spikes=np.asarray(around.query_spikes.count).reshape(len(query), -1).sum(axis=1),
        )
