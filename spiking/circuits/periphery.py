"""What stands around the gamma circuit in the whole head: the parts that vectors enter and leave by.

Query cells fire the query, synapses weighted by the keys carry it onto the dendrites of the E
populations, and synapses weighted by the values carry the E spikes onto readout units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import brian2 as b2
import numpy as np

from spiking.calibration import effective_gain
from spiking.checks import positive_int, positive_within
from spiking.params import MOST_CELLS, GammaParams
from spiking.rows import Layout

__all__ = ["HeadParams", "build_periphery", "key_weights", "query_rates_Hz", "value_weights"]

# Poisson by time rescaling. What the hazard has passed q by is carried over, so that the rate is exact at
# any time step: dropping it would lose half a step per interval, 0.5 % at 100 Hz and 0.1 ms.
QUERY_EQUATIONS = "dh/dt = rate : 1\nrate : Hz (constant)\nq : 1"
QUERY_RESET = "h -= q\nq = -log(rand())"
DENDRITE_EQUATIONS = "du/dt = -u / tau_nmda : 1"
READOUT_EQUATIONS = "dy/dt = -y / tau_out : 1"


@dataclass(frozen=True, kw_only=True)
class HeadParams:
    """What stands around the gamma circuit."""

    n_query: int = 10  # ON cells, and OFF cells, per query component
    query_rate_Hz: float = 100.0  # of one ON cell when its component is 1 (of an OFF cell: -1)
    tau_nmda_ms: float = 50.0  # slow dendritic synapse, NMDA: averages the query's Poisson noise
    tau_out_ms: float = 20.0  # membrane of a readout unit
    row_rate_Hz: float = (
        620.0  # spikes of a row, for the value synapses; measured at 8 keys (2: 420, 32: 830)
    )

    def __post_init__(self) -> None:
        positive_int("HeadParams", "n_query", self.n_query, MOST_CELLS)
        object.__setattr__(self, "n_query", int(self.n_query))
        positive_within("HeadParams", "query_rate_Hz", self.query_rate_Hz, 1e-6, 1e4)
        positive_within("HeadParams", "row_rate_Hz", self.row_rate_Hz, 1e-6, 1e9)
        for name in ("tau_nmda_ms", "tau_out_ms"):
            positive_within("HeadParams", name, getattr(self, name), 1e-3, 1e5)

    def namespace(self) -> dict[str, b2.Quantity]:
        """The constants of the periphery's equations, with their dimensions, for Brian2."""
        return {"tau_nmda": self.tau_nmda_ms * b2.ms, "tau_out": self.tau_out_ms * b2.ms}


def build_periphery(
    core: Mapping[str, b2.BrianObject],
    params: GammaParams,
    head: HeadParams,
    *,
    n_keys: int,
    d: int,
    d_value: int,
) -> list[b2.BrianObject]:
    """Build the query cells, dendrites and readout units of one row, and join them to the core.

    Parameters
    ----------
    core : mapping
        From `gamma_row`, with a linked `u`: the E cells read the dendrites.
    params, head
        The constants.
    n_keys, d, d_value : int
        Keys of the row, and dimensions of queries and values.
    """
    exc = core["exc"]
    clock, delay = exc.clock, params.grid_delay_ms * b2.ms
    query_cells = b2.NeuronGroup(
        2 * d * head.n_query,
        QUERY_EQUATIONS,
        threshold="h > q",
        reset=QUERY_RESET,
        method="euler",
        clock=clock,
        name="query_cells",
    )
    dendrites = b2.NeuronGroup(n_keys, DENDRITE_EQUATIONS, method="exact", clock=clock, name="dendrites")
    exc.u = b2.linked_var(dendrites, "u", index=np.repeat(np.arange(n_keys), params.n_cells))
    readout = b2.NeuronGroup(d_value, READOUT_EQUATIONS, method="exact", clock=clock, name="readout")
    joined = [
        b2.Synapses(
            source,
            target,
            "weight : 1 (constant)",
            on_pre=f"{variable}_post += weight",
            delay=delay,
            clock=clock,
            name=name,
        )
        for name, source, target, variable in (
            ("key_synapses", query_cells, dendrites, "u"),
            ("value_synapses", exc, readout, "y"),
        )
    ]
    for synapses in joined:
        synapses.connect()
    return [query_cells, dendrites, readout, *joined]


def query_rates_Hz(query: np.ndarray, head: HeadParams, dt_ms: float) -> np.ndarray:
    """Rate of each query cell, (n_queries, d * 2 * n_query): ON before OFF in each component."""
    rectified = np.stack([np.maximum(query, 0), np.maximum(-query, 0)], axis=2)  # (n_queries, d, ON/OFF)
    rates = np.repeat(rectified.ravel(), head.n_query) * head.query_rate_Hz
    if rates.max() * dt_ms > 1000:
        raise ValueError(
            f"query must ask no cell for more than a spike a step, {1000 / dt_ms:g} Hz, got {rates.max():.3g} Hz; "
            "lower HeadParams.query_rate_Hz, or scale the query down."
        )
    return rates.reshape(len(query), -1)


def key_weights(layout: Layout, params: GammaParams, head: HeadParams, key: np.ndarray) -> np.ndarray:
    """What a spike of each query cell of a row adds to each dendrite, (n_populations, d * 2 * n_query).

    A component of 1 adds k / (temperature sqrt(d)) on average.
    """
    d = key.shape[2]
    ours = key[layout.row_of_population, layout.key_of_population]  # (n_populations, d)
    centred = ours - _row_means(layout, ours)[layout.row_of_population]
    spikes_held = head.n_query * head.query_rate_Hz * head.tau_nmda_ms / 1000  # in a dendrite's memory
    per_spike = effective_gain(params) / (params.temperature * np.sqrt(d) * spikes_held)
    signed = np.stack([centred, -centred], axis=2) * per_spike  # (n_populations, d, ON/OFF)
    return np.repeat(signed.reshape(len(signed), -1), head.n_query, axis=1)


def _row_means(layout: Layout, per_population: np.ndarray) -> np.ndarray:
    """Mean over the keys that take part, (n_populations, d) -> (n_rows, d)."""
    total = np.zeros((layout.n_rows, per_population.shape[1]))
    np.add.at(total, layout.row_of_population, per_population)
    return total / np.bincount(layout.row_of_population, minlength=layout.n_rows)[:, None]


def value_weights(layout: Layout, head: HeadParams, value: np.ndarray) -> np.ndarray:
    """What a spike of each population adds to the row's readout units, (n_populations, d_value).

    `row_rate_Hz` spikes per second give the mean value.
    """
    per_spike = 1.0 / (head.row_rate_Hz * head.tau_out_ms / 1000)
    return value[layout.row_of_population, layout.key_of_population] * per_spike
