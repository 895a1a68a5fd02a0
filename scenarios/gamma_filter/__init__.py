"""Scenario gamma-filter: a network that passes rhythms and not rates, and a phase as a PING receiver's query."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.gamma_filter.figures import figures
from scenarios.gamma_filter.measures import Study, in_data, in_numbers
from scenarios.gamma_filter.passing import measure_passing
from scenarios.gamma_filter.phases import measure_phases
from scenarios.gamma_filter.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Inhibition that its input drives is said to let a rhythm pass and to stop a mean rate. How well does it, and "
    "what does constant inhibition do in its place? And is a phase a query: which law of its senders' phases do a "
    "receiver's spikes follow, and what sets its temperature?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    dcs: tuple[float, ...] = param(
        (10.0, 14.0, 18.0, 22.0), "mean rates of the filter's input, Hz", at_least=10, at_most=40
    )
    acs: tuple[float, ...] = param(
        (0.0, 2.5, 5.0, 7.5, 10.0), "amplitudes of its rhythm, Hz", at_least=0, at_most=10
    )
    frequencies: tuple[float, ...] = param(
        (5.0, 10.0, 20.0, 40.0, 80.0), "frequencies of the fully modulated input, Hz", at_least=1, at_most=200
    )
    repeats: int = param(3, "filter networks for each input", at_least=2)
    filter_ms: float = param(400.0, "simulated time of each", at_least=50, at_most=1000)
    n_rows: int = param(100, "receivers of each condition, each with phases of its own", at_least=4)
    n_keys: int = param(8, "senders of a receiver", at_least=2, at_most=32)
    window_ms: float = param(400.0, "time in which a receiver's spikes count", at_least=50, at_most=1000)
    queries: tuple[float, ...] = param(
        (0.0, 0.2, 0.4, 0.63, 1.16, 2.02, 5.3), "concentrations of the query's rhythm", at_least=0, at_most=10
    )
    senders: tuple[float, ...] = param(
        (0.63, 1.16, 2.02, 5.3), "concentrations of the senders' rhythm", above=0, at_most=10
    )
    taus: tuple[float, ...] = param((3.0, 5.0, 7.0), "decays of inhibition, ms", at_least=0.5, at_most=50)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("dcs", "acs", "frequencies", "queries", "senders", "taus")


def run(params: Params, ctx: RunContext) -> Outcome:
    """Map what the filter passes, then fit the law of phases."""
    with ctx.part("filter network", share=0.6) as part:
        passed = measure_passing(params, part)
    with ctx.part("phases", share=0.4) as part:
        heard = measure_phases(params, part)
    study = Study(params=params, passed=passed, heard=heard)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("slope_ratio", "kappa", "law"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
