"""Scenario match-and-control: keys that take a cell over by coincidence, and what a shared I pool makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.match_and_control.figures import figures
from scenarios.match_and_control.measures import Study, in_data, in_numbers, measure_spines
from scenarios.match_and_control.pool import compete
from scenarios.match_and_control.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Short-term potentiation by coincidence lets the axon whose spike train matches a cell's control that cell: "
    "attention without a softmax. How much of the published success follows from coincidence alone? And what do "
    "keys gain or lose when one inhibitory pool makes them compete?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_trials: int = param(2000, "trials of each match window", at_least=50)
    n_axons: int = param(150, "axons of a cell, ten spines each", at_least=10)
    spreads: tuple[float, ...] = param(
        (0.5, 0.55, 0.6, 0.65, 0.7),
        "spreads of a coincidence's calcium to choose from",
        at_least=0,
        at_most=3,
    )
    fidelities: tuple[float, ...] = param(
        (0.9, 0.925, 0.95, 0.975, 1.0), "chances that a potentiated axon fires the cell", above=0, at_most=1
    )
    n_rows: int = param(300, "trials in which axons compete in spikes", at_least=10)
    contrast: float = param(8.0, "score of a full match above none", above=0, at_most=30)
    control_ms: float = param(1000.0, "control phase of the circuits, ms", at_least=100)
    n_cells: int = param(10, "E cells of each axon", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spreads", "fidelities")


def run(params: Params, ctx: RunContext) -> Outcome:
    """Fit and test the spines, then let axons compete."""
    with ctx.part("spines", share=0.6) as part:
        spines = measure_spines(params, part)
    with ctx.part("pool", share=0.4) as part:
        competed = compete(spines.competing, params, part)
    study = Study(params=params, spines=spines, competed=competed)
    metrics = in_numbers(study, ctx.rng)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("success_1000", "slope_coincidence_pool", "lost_coincidence_pool"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
