"""What the circuits of Brian2's features are made of (`tests.fused_features`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brian2 as b2
from brian2 import ms

__all__ = ["DT_MS", "Covered", "group", "synapses"]

DT_MS = 0.1


@dataclass(frozen=True, kw_only=True)
class Covered:
    """A feature, the circuit that uses it, and what of the circuit shows it."""

    name: str
    circuit: str
    shows: tuple[str, ...]  # "group.variable", or a group for its spikes


def _clock(name: str, options: dict[str, Any]) -> dict[str, Any]:
    return {} if "dt" in options else {"clock": b2.Clock(DT_MS * ms, name=f"{name}_clock")}


def group(name: str, model: str, n: int = 4, **options: Any) -> b2.NeuronGroup:
    return b2.NeuronGroup(n, model, name=name, **_clock(name, options), **options)


def synapses(source: Any, target: Any, name: str, model: str = "", **options: Any) -> b2.Synapses:
    return b2.Synapses(source, target, model, name=name, **_clock(name, options), **options)
