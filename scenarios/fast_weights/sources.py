"""Where columns come from: the main circuit, as many samples, and a circuit of regular cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge import SpikingScoreMap
from bridge.heads.first_keys import FirstKeys
from bridge.heads.named import circuit_named
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import spiking_map

if TYPE_CHECKING:
    from scenarios.fast_weights import Params

__all__ = ["SOURCES", "columns_of", "gate_of"]

SOURCES = {"circuit": "random cells", "sampled": "independent samples", "regular": "regular cells"}


def columns_of(params: Params, source: str, spikes: int, ctx: RunContext) -> SpikingScoreMap:
    """Columns by spikes: each spike reads or writes one."""
    name = params.regular if source == "regular" else params.circuit
    circuit = circuit_named(name, temperature=1.0, n_cells=None)
    return spiking_map(circuit, ("sampled" if source == "sampled" else "spiking", spikes), ctx)


def gate_of(params: Params, source: str, ctx: RunContext) -> FirstKeys:
    """Columns that a task may use: the first distinct ones to spike."""
    name = params.regular if source == "regular" else params.circuit
    circuit = circuit_named(name, temperature=1.0, n_cells=None)
    mode = "sampled" if source == "sampled" else "simulated"
    return FirstKeys(circuit, params.gate, ctx.rng, ctx.engine, mode=mode)
