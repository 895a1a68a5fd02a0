"""Scenario crick-koch: proposals of Crick and Koch (1990), each as one measured number with its control."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.crick_koch.figures import figures
from scenarios.crick_koch.knocked import N_INH, measure_knocked
from scenarios.crick_koch.lessons import measure_lessons
from scenarios.crick_koch.measures import Study, in_data, in_numbers
from scenarios.crick_koch.memory import measure_memory
from scenarios.crick_koch.visits import measure_visits
from scenarios.crick_koch.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Crick and Koch proposed that attention is a 40 Hz oscillation that binds, moves over a saliency map, loads a "
    "short-term memory and leaves a penumbra, and that what is overlearnt does without it. What does a circuit "
    "make of the saliency map, the memory, the penumbra, learnt pairs, and of its I cells being knocked down?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(600, "rows", at_least=10)
    n_keys: int = param(8, "items of a row", at_least=2)
    spread: float = param(1.5, "standard deviation of the scores", above=0, at_most=20)
    burst_ms: float = param(300.0, "of the burst that loads the memory", at_least=100, at_most=5000)
    delay_ms: float = param(1000.0, "until it is read", at_least=1, at_most=20000)
    read_spikes: int = param(128, "that read it", at_least=1)
    visits: int = param(12, "of the spotlight", at_least=2)
    showings: tuple[int, ...] = param((0, 1, 2, 4), "of every pair that is learnt", at_least=0, at_most=100)
    networks: int = param(20, "that learn", at_least=2)
    inh_left: tuple[int, ...] = param(
        (N_INH, 5, 2, 0), f"I cells that are left, of {N_INH}", at_least=0, at_most=N_INH
    )
    knocked_rows: int = param(
        80, "rows with them; without I cells every cell fires all the time", at_least=10
    )
    knocked_ms: float = param(1000.0, "measured time of these", at_least=200, at_most=10000)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("showings")
        self.check_ordered("inh_left", falling=True)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Load and read a memory, move a spotlight, learn pairs, knock down the I cells."""
    with ctx.part("memory", share=0.3) as part:
        memory = measure_memory(params, part)
    with ctx.part("spotlight", share=0.2) as part:
        visits = measure_visits(params, part)
    with ctx.part("lessons", share=0.2) as part:
        lessons = measure_lessons(params, part)
    with ctx.part("I cells", share=0.3) as part:
        knocked = measure_knocked(params, part)
    study = Study(params=params, memory=memory, visits=visits, lessons=lessons, knocked=knocked)
    return Outcome(
        dataset=in_data(study),
        metrics=in_numbers(study),
        headline=("memory", "order", "penumbra"),
        pictures=figures(study),
        **in_words(study),
    )
