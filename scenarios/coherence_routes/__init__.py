"""Scenario coherence-routes: what coherence with a receiver selects, and against which rivals."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.coherence_routes.figures import figures
from scenarios.coherence_routes.measures import (
    Study,
    in_data,
    in_numbers,
    measure_information,
    measure_pair,
    measure_routing,
)
from scenarios.coherence_routes.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Senders whose rhythm is coherent with the receiver's are said to be heard. How much of a sender's message "
    "gets through against rivals that are asynchronous, of another frequency, or in the same band, to an ideal "
    "filter and to a PING circuit, and does phase outweigh rate?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    kappas: tuple[float, ...] = param(
        (0.63, 1.16), "concentrations of the rhythm; receivers hear the first", above=0, at_most=10
    )
    pair_ms: float = param(500.0, "of the two cells", at_least=30, at_most=500)
    rivals: int = param(3, "rival senders", at_least=1)
    window_ms: float = param(100.0, "read from each trial", at_least=20, at_most=1000)
    n_trials: int = param(20000, "trials read by filter and counts", at_least=40)
    n_received: int = param(400, "trials received by circuits", at_least=40)
    n_routed: int = param(80, "trials at each lag and rate", at_least=10)
    routing_kappa: float = param(5.3, "concentration of the two routed senders", above=0, at_most=10)
    lags: tuple[float, ...] = param(
        (0.15, 0.3, 0.5), "cycles by which the second sender is later; 0 is run too", above=0, at_most=1
    )
    rates: tuple[float, ...] = param(
        (1.0, 1.25), "rates of the second sender over the first's", above=0, at_most=4
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("kappas", "lags", "rates")
        for name in ("n_trials", "n_received"):
            if getattr(self, name) % 2:
                raise UsageError(
                    f"{name} must be even, for two directions, got {getattr(self, name)}; add one"
                )

    @property
    def all_lags(self) -> tuple[float, ...]:
        """None, and those asked for."""
        return (0.0, *self.lags)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure the pair of chapter 38, what each reader gets, and what a lag routes."""
    with ctx.part("two inputs, one pair", share=0.05):
        pair = measure_pair(params.pair_ms)
    with ctx.part("information", share=0.7) as part:
        found, theory, spikes = measure_information(params, part)
    with ctx.part("routing", share=0.25) as part:
        gain = measure_routing(params, part)
    study = Study(params=params, pair=pair, found=found, theory=theory, spikes=spikes, gain=gain)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("efficiency_asynchronous", "ratio", "chapter_38"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
