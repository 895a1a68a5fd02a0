"""Scenario attention-over-weights: sets of weights mixed by attention, and programs retrieved by a key."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.attention_over_weights.figures import figures
from scenarios.attention_over_weights.locality import by_window
from scenarios.attention_over_weights.measures import Study, in_data, in_numbers, in_words
from scenarios.attention_over_weights.programs import mixed_programs
from scenarios.attention_over_weights.retrieval import retrieved
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, Reader, readers_of

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "When attention selects weights in place of values, how often should it look, how many sets does it need, and "
    "does one spike pick one program?"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    heads: tuple[str, ...] = param(HEADS, f"that select, of: {', '.join(HEADS)}", choices=HEADS)
    spikes: tuple[int, ...] = param((1, 4, 16, 64), "spikes a row", at_least=1)
    mode_length: int = param(16, "positions after which the mode changes", at_least=1)
    n_modes: int = param(8, "modes, each with a matrix of its own", at_least=2)
    windows: tuple[int, ...] = param((1, 2, 4, 8, 16, 32, 64), "positions that share one mixture", at_least=1)
    sets: tuple[int, ...] = param((2, 4, 8, 16, 32), "sets of weights", at_least=1)
    cue_noise: float = param(2.0, "length of a cue's noise, in lengths of a cue", at_least=0, at_most=100)
    iterations: int = param(400, "of each training", at_least=1)
    seeds: int = param(3, "models of each kind", at_least=2)
    n_items: int = param(8192, "keys among which one is retrieved", at_least=2)
    n_queries: int = param(300, "noisy queries", at_least=2)
    beta: float = param(20.0, "inverse temperature of retrieval, of unit keys", above=0, at_most=100)
    query_noise: float = param(
        0.5, "length of the query's noise, in lengths of a key", at_least=0, at_most=100
    )
    program_noise: tuple[float, ...] = param(
        (0.0, 0.5, 1.0, 1.5, 2.0, 3.0), "of each component of a query for a program", at_least=0, at_most=100
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes", "windows", "sets", "program_noise")
        odd = [w for w in self.windows if self.n_positions % w]
        if odd:
            raise UsageError(
                f"windows must divide the sequence of {self.n_positions} positions, got {odd[0]}; "
                "use divisors of it"
            )

    @property
    def n_positions(self) -> int:
        """Of a sequence: four modes, or the longest window."""
        return max(4 * self.mode_length, self.windows[-1])

    @property
    def fitting(self) -> int:
        """The window as long as a mode, or the longest below it: where sets and controls are compared."""
        return max([w for w in self.windows if w <= self.mode_length], default=self.windows[0])

    @property
    def readers(self) -> tuple[Reader, ...]:
        """(head, spikes) of every selection that has spikes."""
        return readers_of(self.heads, self.spikes)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Windows and sets first, then one key among many, then programs."""
    with ctx.part("windows", share=0.7) as part:
        local = by_window(params, part)
    with ctx.part("retrieval", share=0.1) as part:
        items = retrieved(params, part)
    with ctx.part("programs", share=0.2) as part:
        programs = mixed_programs(params, part)
    study = Study(params=params, local=local, items=items, programs=programs)
    data = in_data(study)
    metrics = in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("best_window", "retrieved_1", "explained"),
        pictures=figures(study, data),
        **in_words(study, metrics),
    )
