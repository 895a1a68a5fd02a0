"""Which columns of a matrix a task may use: those that spike first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.heads.first_keys import FirstKeys
from scenarios.workbench.outcome import RunContext

if TYPE_CHECKING:
    from scenarios.fast_weights import Params

__all__ = ["gate_of"]


def gate_of(params: Params, source: str, ctx: RunContext) -> FirstKeys:
    """Columns that a task may use: the first distinct ones to spike."""
    circuit = params.source_circuit(source)
    mode = "sampled" if source == "sampled" else "simulated"
    return FirstKeys(circuit, params.gate, ctx.rng, ctx.engine, mode=mode)
