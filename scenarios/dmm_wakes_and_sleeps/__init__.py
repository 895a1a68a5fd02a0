"""Scenario dmm-wakes-and-sleeps: random machines that rewrite themselves, exactly and with rows drawn by spikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenarios.dmm_wakes_and_sleeps.figures import statistics, stretches
from scenarios.dmm_wakes_and_sleeps.lives import Steps, at_rest, awake, many
from scenarios.dmm_wakes_and_sleeps.measures import Study, in_data, in_numbers, in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.sources import SOURCES, SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A random machine whose network matrix rewrites itself alternates between quiet and active stretches, "
    "or comes to "
    "rest. Does it still wake and sleep when every row of that matrix is drawn by spikes?"
)


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams):
    seed_of_machine: int = param(
        746484, "of the machine that wakes and sleeps", at_least=0, at_most=2**31 - 1
    )
    cycles: int = param(600, "that each machine runs by spikes", at_least=60)
    burn_in: int = param(100, "cycles before statistics begin", at_least=0, at_most=100_000)
    machines: int = param(6, "machines of each kind, all from that seed", at_least=2)
    n_seeds: int = param(
        40, "seeds from 1 on, each run exactly until it rests or not", at_least=2, at_most=1000
    )
    seed_cycles: int = param(2000, "cycles of every exact run", at_least=60)
    spikes: tuple[int, ...] = param(
        (16, 64, 256, 1024, 4096), "spikes a row, rising", at_least=1, at_most=16384
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")

    @property
    def heard(self) -> slice:
        """Cycles that statistics are about; at least half of each run."""
        return slice(min(self.burn_in, self.cycles // 2, self.seed_cycles // 2), None)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Many seeds exactly, then one seed exactly and by spikes, then a machine at rest by spikes."""
    with ctx.part("seeds", share=0.15) as part:
        seeds = many(params, part)
    with ctx.part("one seed, exactly", share=0.05):
        exact = awake(params, None, ctx.rng)
    drawn: dict[tuple[str, int], Steps] = {}
    resting: dict[tuple[str, int], np.ndarray] = {}
    points = [(source, n) for source in SOURCES for n in params.spikes]
    for source, n in points:
        with ctx.part(f"{n} spikes, {SOURCES[source]}", share=0.8 / len(points)) as part:
            drawn[source, n] = awake(params, (source, n), ctx.rng, part)
            resting[source, n] = at_rest(params, seeds, (source, n), part)
    study = Study(params=params, seeds=seeds, exact=exact, drawn=drawn, resting=resting)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("rest", "quiet", "apart"),
        pictures=pictures(study, stretches, seed=params.seed_of_machine)
        | pictures(study, statistics, seed=params.seed_of_machine),
        **in_words(metrics, study),
    )
