"""Scenario binding-by-synchrony: objects that share a circuit, and attention that reads what fires together."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.binding_by_synchrony.figures import figures
from scenarios.binding_by_synchrony.measures import in_data, in_numbers, measure
from scenarios.binding_by_synchrony.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Features of one object are said to be bound by firing together. How many objects does one gamma cycle keep "
    "apart, and can attention read from spike times which colour belongs to which shape where rates do not say?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_objects: int = param(4, "objects of a scene, each a colour and a shape", at_least=2, at_most=20)
    n_networks: int = param(10, "networks of each condition", at_least=2)
    n_windows: int = param(5, "scenes read from each network", at_least=1)
    window_ms: float = param(200.0, "time of a scene", at_least=100, at_most=1000)
    spikes: int = param(64, "spikes of the attention that reads", at_least=1)
    objects: tuple[int, ...] = param(
        (2, 3, 4, 5, 6, 7), "numbers of objects to keep apart", at_least=2, at_most=20
    )
    delays: tuple[float, ...] = param((0.2, 0.5, 1.0), "delays of inhibition, ms", at_least=0.1, at_most=20)
    couplings: tuple[float, ...] = param(
        (0.25, 0.5, 1.0), "couplings within an object, of the threshold", at_least=0, at_most=10
    )
    spreads: tuple[float, ...] = param(
        (0.0, 0.05, 0.1, 0.2), "spreads of features' drives over their mean", at_least=0, at_most=1
    )
    jitters: tuple[float, ...] = param((5.0, 12.0), "jitters of spikes, ms", above=0, at_most=100)
    differ: float = param(0.2, "spread of the drives of objects that differ in rate", at_least=0, at_most=1)
    draws: int = param(20, "starts of each phase model", at_least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("objects", "delays", "couplings", "spreads", "jitters")


def run(params: Params, ctx: RunContext) -> Outcome:
    """Read scenes and their controls, then vary drives, couplings, delays and the number of objects."""
    study = measure(params, ctx)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("accuracy", "rates", "capacity"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
