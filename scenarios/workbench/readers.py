"""Ways to read attention: exact, through a circuit's spikes, or through as many samples of the softmax.

A reader is a pair: what reads, and its number of spikes, 0 for none.
"""

from __future__ import annotations

import numpy as np

from bridge import SpikingScoreMap
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import RunContext
from spiking import Budget, RowCircuit

__all__ = [
    "HEADS",
    "Reader",
    "check_softmax",
    "check_twin",
    "reader_id",
    "reader_name",
    "readers_of",
    "spiking_map",
]

HEADS = ("softmax", "spiking", "sampled")

Reader = tuple[str, int]


def readers_of(heads: tuple[str, ...], spikes: tuple[int, ...]) -> tuple[Reader, ...]:
    """Every reader with spikes."""
    return tuple((head, n) for head in HEADS[1:] if head in heads for n in spikes)


def check_softmax(heads: tuple[str, ...], field: str = "heads") -> None:
    """Refuse kinds of heads without the one that the others are compared with."""
    if "softmax" not in heads:
        raise UsageError(
            f"{field} must have softmax among them, which the others are compared with, got {','.join(heads)}; "
            f"use {','.join(HEADS)}"
        )


def check_twin(heads: tuple[str, ...]) -> None:
    """Refuse kinds of heads that leave out more than the sampled twin, where the report is about spikes."""
    if not {"softmax", "spiking"} <= set(heads):
        raise UsageError(
            f"heads must have softmax and spiking among them, which the report compares, got {','.join(heads)}; "
            f"use softmax,spiking or {','.join(HEADS)}"
        )


def spiking_map(circuit: RowCircuit, reader: Reader, ctx: RunContext) -> SpikingScoreMap:
    """Make the circuit, or its sampled twin, the score map of a reader that has spikes."""
    head, spikes = reader
    return SpikingScoreMap(
        circuit,
        Budget(spikes=spikes),
        rng=np.random.default_rng(ctx.rng.integers(2**63)),
        engine=ctx.engine,
        mode="sampled" if head == "sampled" else "simulated",
        record="counts",
    )


def reader_name(reader: Reader, names: dict[str, str] | None = None) -> str:
    """``"16 spikes"``, ``"1 sample"``; of one without spikes its name, or what `names` has for it."""
    head, n = reader
    if not n:
        return (names or {}).get(head, head)
    return f"{n} {'spike' if head == 'spiking' else 'sample'}{'' if n == 1 else 's'}"


def reader_id(reader: Reader) -> str:
    """For the names of metrics: ``"spiking_16"``, ``"softmax"``."""
    head, n = reader
    return f"{head}_{n}" if n else head
