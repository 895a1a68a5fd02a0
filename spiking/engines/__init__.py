"""What runs a circuit: Brian2 itself, the reference, and the fused engine, which compiles the same objects.

An engine takes a batch of rows and what is wanted of them, and hands back what it recorded. Names of engines
exist where people type them: on the command line and in configurations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from spiking.batch import Batch, Wanted
from spiking.checks import known, shown
from spiking.engines.brian2 import Brian2
from spiking.engines.cuda.engine import Cuda
from spiking.engines.events.engine import EventDriven
from spiking.engines.fused.engine import Fused
from spiking.record import Recorded

__all__ = ["ENGINES", "Brian2", "Cuda", "Engine", "EventDriven", "Fused", "check_engine", "engine_named"]


class Engine(Protocol):
    """What runs a batch."""

    name: ClassVar[str]
    takes_streams: ClassVar[bool]  # whether a row's spikes depend on the seed and its stream alone

    def run(
        self, batch: Batch, wanted: Wanted, progress: Callable[[float], None] | None = None
    ) -> Recorded: ...


# the first where nothing else is asked for
ENGINES = {engine.name: engine for engine in (EventDriven, Fused, Cuda, Brian2)}


def engine_named(name: str) -> Engine:
    """The engine of that name, with its defaults."""
    known("engine", name, ENGINES)
    return ENGINES[name]()


def check_engine(engine: object) -> None:
    """Raise unless `engine` can run a batch."""
    if isinstance(engine, type) or not (
        callable(getattr(engine, "run", None)) and hasattr(engine, "takes_streams")
    ):
        raise TypeError(
            f"engine must be an engine, got {shown(engine)}; use EventDriven(), Fused() or Brian2() of spiking."
        )
