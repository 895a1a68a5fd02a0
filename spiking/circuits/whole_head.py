"""The whole spiking head: vectors in, spikes all the way, vectors out.

    query  -> ON/OFF Poisson cells --(synapses weighted by the keys)--> dendrite of each E population
           -> gamma circuit: the populations race ----(synapses weighted by the values)--> readout units

The dot product is done by synapses, the softmax by the race, the weighted mean by synapses again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from spiking.batch import Own
from spiking.budget import Budget
from spiking.cells.model import start_without_input
from spiking.checks import check_mask, check_vectors
from spiking.circuit import RowCircuit
from spiking.circuits.gamma import gamma_row
from spiking.circuits.periphery import (
    HeadParams,
    build_periphery,
    key_weights,
    query_rates_Hz,
    value_weights,
)
from spiking.engines import Engine, EventDriven
from spiking.measures.selection import select
from spiking.params import GammaParams
from spiking.record import Selection
from spiking.refs import Ref
from spiking.rows import Layout
from spiking.running import run_batch
from spiking.streams import Streams
from spiking.template import template_of
from spiking.wiring import Row, Wiring

__all__ = ["HeadParams", "HeadSelection", "VectorCircuit"]

SETTLED = 6  # dendritic time constants before the measured window: exp(-6) = 0.2 % of a score is missing
QUERY_RATE, KEY_WEIGHT, VALUE_WEIGHT = (
    Ref("query_cells", "rate"),
    Ref("key_synapses", "weight"),
    Ref("value_synapses", "weight"),
)


@dataclass(frozen=True, kw_only=True)
class HeadSelection:
    """What the whole head returns for each query."""

    output: np.ndarray  # (n_queries, d_value): activity of the readout units, mean over the window
    trace: np.ndarray  # (n_queries, d_value, n_samples) float32: that activity in time, every millisecond
    selection: Selection  # its rows are the queries
    query_spikes: np.ndarray  # (n_queries,) int64: ON and OFF spikes, settling time included


@dataclass(frozen=True)
class VectorCircuit(RowCircuit):
    """Attention from vectors to vectors, with nothing but spikes in between.

    The dendrite of population j receives the query's spikes through weights k_j - mean(k): the mean key
    is feedforward inhibition, which softmax does not feel and which keeps the drive in range. Each E
    spike adds its value vector to the readout units through fixed weights, so the output is a weighted
    mean only as far as the loop holds the number of spikes.
    """

    params: GammaParams = field(default_factory=GammaParams)
    head: HeadParams = field(default_factory=HeadParams)

    def __post_init__(self) -> None:
        """Nothing is left to check: the parameters have checked themselves, and the wiring is ours."""

    def build(self, row: Row) -> Wiring:
        """Make the head of one query; `row.sizes` holds the dimensions d and d_value."""
        params, head = self.params, self.head
        core = gamma_row(params, row.n_keys, score="u : 1 (linked)")
        around = build_periphery(core, params, head, n_keys=row.n_keys, **row.sizes)
        start = {f"exc.{name}": e for name, e in start_without_input(params.cell).items()}
        return Wiring(
            [*core.values(), *around],
            scores=None,
            counts="exc",
            field="row.exc",
            namespace={**params.namespace(), **head.namespace()},
            start={**start, "inh.v": "0.5 * rand()", "query_cells.q": "-log(rand())"},
            settle_ms=max(params.settle_ms, SETTLED * head.tau_nmda_ms),
            sample=("readout.y",),
            counted_whole=("query_cells",),
        )

    def template_key(self) -> object:
        """Temperature and gain scale the key synapses, which each row brings with it."""
        return type(self), replace(self.params, temperature=1.0, gain=1.0, feedforward="none"), self.head

    def attend(  # type: ignore[override]
        self,
        query: np.ndarray,
        key: np.ndarray,
        value: np.ndarray,
        *,
        duration_ms: float,
        rng: np.random.Generator | Streams,
        mask: np.ndarray | None = None,
        engine: Engine = EventDriven(),
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
        rng : numpy.random.Generator or Streams
        mask : (n_queries, n_keys) bool array, optional
            True where a key takes part.
        engine : Engine
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
        query, key, value = check_vectors(query, key, value)
        present = check_mask(np.zeros(key.shape[:2]), mask)
        budget = Budget(duration_ms=duration_ms)
        sizes = {"d": query.shape[1], "d_value": value.shape[2]}
        template = template_of(self, sizes)
        layout = Layout.of(present, template.unit)
        batch = self.batch(
            layout,
            Streams.of(rng),
            frozenset({QUERY_RATE, KEY_WEIGHT, VALUE_WEIGHT}),
            self._inputs(layout, query, key, value),
            sizes,
        )
        recorded = run_batch(template, batch, budget, "spikes", engine, rng, progress)
        selection = select(recorded, layout, present, budget, counted="exc", field=template.wiring.field_ref)
        trace = selection.samples["readout.y"]
        return HeadSelection(
            output=trace.mean(axis=2),
            trace=trace,
            selection=selection,
            query_spikes=selection.other_counts["query_cells"],
        )

    def _inputs(
        self, layout: Layout, query: np.ndarray, key: np.ndarray, value: np.ndarray
    ) -> Callable[[range], Own]:
        """Queries, keys and values as rates and weights."""
        rates_Hz = query_rates_Hz(query, self.head, self.params.dt_ms)
        of_keys = key_weights(layout, self.params, self.head, key)  # (n_populations, n_query_cells)
        of_values = value_weights(layout, self.head, value)  # (n_populations, d_value)

        def inputs(rows: range) -> Own:
            here = layout.populations_of(rows)
            n_keys = np.bincount(layout.row_of_population[here] - rows.start, minlength=len(rows))
            by_row = np.split(of_keys[here], np.cumsum(n_keys)[:-1])
            return {
                QUERY_RATE: rates_Hz[rows.start : rows.stop].ravel(),
                KEY_WEIGHT: np.concatenate([weights.T.ravel() for weights in by_row]),
                VALUE_WEIGHT: layout.per_cell(of_values[here]).ravel(),
            }

        return inputs
