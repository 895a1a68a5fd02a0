"""The whole spiking head: vectors in, spikes all the way, vectors out.

    query  -> ON/OFF Poisson cells --(synapses weighted by the keys)--> dendrite of each E population
           -> gamma circuit: the populations race ----(synapses weighted by the values)--> readout units

The dot product is done by synapses, the softmax by the race, the weighted mean by synapses again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import brian2 as b2
import numpy as np

from spiking.calibration import effective_gain
from spiking.checks import check_mask, check_vectors, known, positive, positive_int
from spiking.gamma import gamma_core, select
from spiking.params import GammaParams
from spiking.record import Selection
from spiking.rows import Layout
from spiking.simulate import ENGINES, FIELD_DT_MS, Core, building, check_duration, measured, simulate

__all__ = ["HeadParams", "HeadSelection", "VectorCircuit"]

# A Poisson cell by integrated hazard; what h has beyond q at the end of a step belongs to the next interval.
QUERY_EQUATIONS = "dh/dt = rate : 1\nrate : Hz (constant)\nq : 1"
DENDRITE_EQUATIONS = "du/dt = -u / tau_nmda : 1"
READOUT_EQUATIONS = "dy/dt = -y / tau_out : 1"
SETTLED = 6  # dendritic time constants before the measured window: exp(-6) = 0.2 % of a score is missing


@dataclass(frozen=True, kw_only=True)
class HeadParams:
    """What stands around the gamma circuit."""

    n_query: int = 10  # ON cells, and OFF cells, per query component
    query_rate_Hz: float = 100.0  # of one ON cell when its component is 1 (of an OFF cell: -1)
    tau_nmda_ms: float = 50.0  # slow dendritic synapse, NMDA: averages the query's Poisson noise
    tau_out_ms: float = 20.0  # membrane of a readout unit
    row_rate_Hz: float = (
        610.0  # spikes of a row, measured at 8 keys of 32 components: sets the value synapses
    )

    def __post_init__(self) -> None:
        positive_int("HeadParams", "n_query", self.n_query)
        for name in ("query_rate_Hz", "tau_nmda_ms", "tau_out_ms", "row_rate_Hz"):
            positive("HeadParams", name, getattr(self, name))


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
        known("engine", engine, ENGINES)
        query, key, value = check_vectors(query, key, value)
        present = check_mask(np.zeros(key.shape[:2]), mask)
        check_duration(duration_ms)
        layout = Layout.of(present, self.params.n_cells)
        with building():
            core = gamma_core(self.params, layout, rng, linked_input=True)
            around = self._around(core, layout, query, key, value, present, rng)
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
            namespace={"tau_nmda": self.head.tau_nmda_ms * b2.ms, "tau_out": self.head.tau_out_ms * b2.ms},
        )
        trace = measured(around.trace, "y", settle_ms).reshape(len(query), value.shape[2], -1)
        return HeadSelection(
            output=trace.mean(axis=2),
            trace=trace,
            selection=select(recording, present),
            query_spikes=np.asarray(around.query_spikes.count).reshape(len(query), -1).sum(axis=1),
        )

    def _around(
        self,
        core: Core,
        layout: Layout,
        query: np.ndarray,
        key: np.ndarray,
        value: np.ndarray,
        present: np.ndarray,
        rng: np.random.Generator,
    ) -> Around:
        """The query cells, the dendrites, the readout units and the synapses that join them."""
        clock, delay = core.exc.clock, self.params.grid_delay_ms * b2.ms
        rates = np.stack([np.maximum(query, 0), np.maximum(-query, 0)], axis=2)  # (rows, d, ON/OFF)
        rates = np.repeat(rates[..., None], self.head.n_query, axis=3) * self.head.query_rate_Hz
        query_cells = b2.NeuronGroup(
            rates.size,
            QUERY_EQUATIONS,
            threshold="h > q",
            reset="h -= q\nq = -log(rand())",
            method="euler",
            clock=clock,
            name="query_cells",
        )
        query_cells.rate = rates.ravel() * b2.Hz
        query_cells.q = rng.exponential(size=rates.size)

        dendrites = b2.NeuronGroup(
            layout.n_populations, DENDRITE_EQUATIONS, method="exact", clock=clock, name="dendrites"
        )
        core.exc.u = b2.linked_var(dendrites, "u", index=layout.per_cell(np.arange(layout.n_populations)))
        key_synapses = _weighted(
            query_cells,
            dendrites,
            "u",
            *self._key_weights(layout, key, present),
            delay,
            clock,
            "key_synapses",
        )
        readout = b2.NeuronGroup(
            value.shape[0] * value.shape[2], READOUT_EQUATIONS, method="exact", clock=clock, name="readout"
        )
        value_synapses = _weighted(
            core.exc, readout, "y", *self._value_weights(layout, value), delay, clock, "value_synapses"
        )
        return Around(
            objects=[query_cells, dendrites, key_synapses, readout, value_synapses],
            trace=b2.StateMonitor(readout, "y", record=True, dt=FIELD_DT_MS * b2.ms, name="readout_trace"),
            query_spikes=b2.SpikeMonitor(query_cells, record=False, name="query_spikes"),
        )

    def _key_weights(
        self, layout: Layout, key: np.ndarray, present: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(source, target, weight) from query cells to dendrites: a mean rate of 1 gives k / (T sqrt(d))."""
        d, n_query = key.shape[2], self.head.n_query
        mean_key = np.mean(key, axis=1, keepdims=True, where=present[..., None])
        centred = (key - mean_key)[layout.row_of_population, layout.key_of_population]  # (populations, d)
        per_spike = effective_gain(self.params) / (
            self.params.temperature
            * np.sqrt(d)
            * n_query
            * self.head.query_rate_Hz
            * self.head.tau_nmda_ms
            / 1000
        )
        signed = np.stack([centred, -centred], axis=2) * per_spike  # (populations, d, ON/OFF)
        fan_in = d * 2 * n_query
        source = layout.row_of_population[:, None].astype(np.int64) * fan_in + np.arange(fan_in)
        target = np.repeat(np.arange(layout.n_populations), fan_in)
        return source.ravel(), target, np.repeat(signed.ravel(), n_query)

    def _value_weights(self, layout: Layout, value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(source, target, weight), E cells to readout units: row_rate_Hz spikes/s give the mean value."""
        d_value = value.shape[2]
        per_spike = 1.0 / (self.head.row_rate_Hz * self.head.tau_out_ms / 1000)
        weight = value[layout.row_of_population, layout.key_of_population] * per_spike
        source = np.repeat(np.arange(layout.n_total), d_value)
        first = layout.per_cell(layout.row_of_population.astype(np.int64)) * d_value
        return source, (first[:, None] + np.arange(d_value)).ravel(), layout.per_cell(weight).ravel()


@dataclass(frozen=True, kw_only=True)
class Around:
    """What the head adds to the gamma core."""

    objects: list[b2.BrianObject]
    trace: b2.StateMonitor
    query_spikes: b2.SpikeMonitor


def _weighted(
    source: b2.NeuronGroup,
    target: b2.NeuronGroup,
    variable: str,
    i: np.ndarray,
    j: np.ndarray,
    weight: np.ndarray,
    delay: b2.Quantity,
    clock: b2.Clock,
    name: str,
) -> b2.Synapses:
    """Synapses i -> j, each adding its own weight to `variable` of the target."""
    synapses = b2.Synapses(
        source,
        target,
        "weight : 1 (constant)",
        on_pre=f"{variable}_post += weight",
        delay=delay,
        clock=clock,
        name=name,
    )
    synapses.connect(i=i, j=j)
    synapses.weight = weight
    return synapses
