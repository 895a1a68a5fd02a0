"""A batch handed to an engine: what a caller may ask to be recorded, and the checks before anything runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spiking.batch import Batch, Wanted
from spiking.budget import Budget
from spiking.checks import check_progress, known
from spiking.engines import Engine, check_engine
from spiking.record import Recorded
from spiking.room import check_room
from spiking.sources import is_cells
from spiking.streams import Streams
from spiking.template import Template

__all__ = ["RECORDS", "run_batch", "wanted"]

RECORDS = ("spikes", "counts", "all")


def run_batch(
    template: Template,
    batch: Batch,
    budget: Budget,
    record: str,
    engine: Engine,
    rng: np.random.Generator | Streams,
    progress: Callable[[float], None] | None,
) -> Recorded:
    """Check what a caller asks of an engine, and run."""
    known("record", record, RECORDS)
    check_engine(engine)
    check_progress(progress)
    if isinstance(rng, Streams) and rng.rows is not None and not engine.takes_streams:
        raise ValueError(
            f"streams are of compiled engines, got {type(engine).__name__}(); use EventDriven(), or a generator."
        )
    asked = wanted(template, budget, record)
    check_room(batch, asked, engine)
    return engine.run(batch, asked, progress)


def wanted(template: Template, budget: Budget, record: str) -> Wanted:
    """What an engine is asked for, with spike times and fields or without."""
    counted = template.wiring.counts
    others = [o.name for o in template.wiring.objects if is_cells(o) and o.events]
    recorded = {"counts": (), "spikes": (counted,), "all": tuple(dict.fromkeys([counted, *others]))}
    return Wanted(
        budget=budget,
        settle_ms=template.wiring.settle_ms,
        spikes=recorded[record],
        samples=() if record == "counts" else template.wiring.sampled,
        counted_whole=tuple(template.wiring.counted_whole),
    )
