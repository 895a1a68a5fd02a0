"""Scenario shared-workspace: a bottleneck of few writers against attention between all pairs, five seeds."""

from __future__ import annotations

from dataclasses import dataclass

from pragmatic.tasks.triangles import N_CORNERS
from scenarios.shared_workspace.figures import figures
from scenarios.shared_workspace.learning import learnt
from scenarios.shared_workspace.measures import Study, in_data, in_numbers
from scenarios.shared_workspace.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, check_softmax

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Does a mini-transformer whose tokens meet in a few slots, into which only k of them may write, generalise "
    "better than one with attention between all pairs, and may spikes choose the writers?"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    circuit: str = param("brief", "the circuit that chooses writers")
    heads: tuple[str, ...] = param(HEADS, f"that select, of: {', '.join(HEADS)}", choices=HEADS)
    others: int = param(5, "points that are no corners, in training", at_least=0)
    test_others: tuple[int, ...] = param((5, 10, 20, 40), "the same in test", at_least=0, at_most=500)
    writers: int = param(3, "k, tokens that may write into a slot", at_least=1, at_most=8)
    slots: int = param(4, "slots of the workspace", at_least=1, at_most=64)
    width: int = param(32, "width of the models", at_least=1)
    layers: int = param(2, "layers, which share their weights", at_least=1, at_most=12)
    iterations: int = param(500, "of each training", at_least=1)
    batch: int = param(64, "sets of points in each", at_least=1)
    seeds: int = param(5, "models of each kind", at_least=2)
    held_out: int = param(1000, "sets of points in test", at_least=2)
    spikes: tuple[int, ...] = param((4, 16, 64), "spikes of a row whose writers are counted", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("test_others", "spikes")
        check_softmax(self.heads)
        if self.writers > N_CORNERS + self.others:
            raise UsageError(
                f"writers must be at most the number of points ({N_CORNERS + self.others}), got {self.writers}; "
                f"use {N_CORNERS + self.others} or less"
            )


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train every kind with every seed, then let circuits choose the writers of the narrow workspace."""
    study = Study(params=params, results=learnt(params, ctx))
    data = in_data(study)
    metrics = in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("far_hard", "far_attention", "far_soft"),
        pictures=figures(study, data),
        **in_words(study, metrics),
    )
