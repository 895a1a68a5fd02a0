"""Scenario sparse-factors: heads that may read few variables learn a sparse factor graph."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.sparse_factors.figures import figures
from scenarios.sparse_factors.learning import learnt
from scenarios.sparse_factors.measures import Study, in_data, in_numbers
from scenarios.sparse_factors.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, check_softmax

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "When what there is to know is a sparse factor graph, does a head that may read only k variables learn it from "
    "fewer samples than softmax, does it read the true neighbours, and do spikes do as k slots?"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    circuit: str = param("brief", "the circuit that selects")
    heads: tuple[str, ...] = param(HEADS, f"that select, of: {', '.join(HEADS)}", choices=HEADS)
    variables: int = param(12, "binary variables", at_least=4, at_most=14)
    factors: tuple[int, ...] = param((3, 3, 3, 2, 2, 2), "variables of each factor", at_least=2, at_most=4)
    strength: float = param(1.2, "of a factor, in nats", at_least=0, at_most=10)
    top: int = param(2, "k, keys that a head reads", at_least=1, at_most=11)
    reading_heads: int = param(2, "heads of each variable", at_least=1, at_most=8)
    samples: tuple[int, ...] = param((32, 64, 128, 256, 512, 1024), "samples to learn from", at_least=1)
    seeds: int = param(5, "graphs", at_least=2)
    iterations: int = param(400, "of each training", at_least=1)
    batch: int = param(128, "samples in each", at_least=1)
    spikes: int = param(64, "spikes of a row that is read by counts", at_least=1)
    budgets: tuple[int, ...] = param((4, 16, 64, 256), "spikes put in after training", at_least=1)
    colder: tuple[int, ...] = param(
        (1, 4, 16), "times colder, of the first distinct keys put in after training", at_least=1, at_most=64
    )
    held_out: int = param(1000, "samples in test", at_least=2)
    draws: int = param(4, "selections in test, where they are random", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("samples", "budgets", "colder")
        check_softmax(self.heads)
        if self.top >= self.variables:
            raise UsageError(
                f"top must be at most the number of other variables ({self.variables - 1}), got {self.top}; "
                f"use {self.variables - 1} or less"
            )


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train a head of each kind on as many samples as stand in the list, then put circuits into the top-k head."""
    study = Study(params=params, results=learnt(params, ctx))
    data = in_data(study)
    metrics = in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("accuracy_top", "accuracy_all", "precision_top"),
        pictures=figures(study, data),
        **in_words(study, metrics),
    )
