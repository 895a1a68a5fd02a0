"""A stage of a run: its share of the progress bar, and the options that every simulation of the run is given.

with simulation(ctx, "with the loop", share=0.2) as options:
    loop = circuit.attend(scores, duration_ms=1000, **options)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scenarios.workbench.outcome import RunContext

__all__ = ["simulation"]


@contextmanager
def simulation(ctx: RunContext, stage: str, share: float = 1.0) -> Iterator[dict[str, Any]]:
    """Open a stage of the run and give its random generator, engine and progress as keyword arguments."""
    with ctx.progress.stage(stage, share=share) as progress:
        yield {"rng": ctx.rng, "engine": ctx.engine, "progress": progress}
