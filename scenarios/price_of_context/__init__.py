"""Scenario price-of-context: what attention costs over 16 to 4096 keys, by softmax and by spikes.

One query over a cache of keys and values, as when a model writes a token: the score of each key, weights, output.
Softmax attention, independent samples of it and two circuits, at several budgets, each read out by the product of
weights and values and by adding a value vector for each spike.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.price_of_context.figures import figures
from scenarios.price_of_context.measures import measure
from scenarios.price_of_context.verdict import in_numbers, in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "From how many keys on is attention by spikes cheaper than softmax attention, in operations, bytes, joules and "
    "time, and how far off is its output?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_keys: tuple[int, ...] = param((16, 64, 256, 1024, 4096), "lengths of the context", at_least=2)
    spikes: tuple[int, ...] = param((8, 16, 64, 256), "spike budgets of a row", at_least=1)
    budget: int = param(64, "the budget that the numbers of the report are about", at_least=1)
    dim: int = param(64, "components of queries, keys and values", at_least=1)
    score_sd: float = param(1.5, "standard deviation of the scores", above=0, at_most=100)
    n_rows: int = param(32, "rows: heads with a query, keys and values each", at_least=2)
    rounds: int = param(5, "rounds in which all take turns to be timed", at_least=2)

    @property
    def contexts(self) -> list[int]:
        """Lengths of the context, ascending."""
        return sorted(set(self.n_keys))

    @property
    def budgets(self) -> list[int]:
        """Budgets, ascending, that of the report among them."""
        return sorted({*self.spikes, self.budget})


def run(params: Params, ctx: RunContext) -> Outcome:
    """Count, time and compare every way to attend over every context."""
    dataset = measure(params, ctx)
    at_budget = dataset.sel(spikes=params.budget)
    metrics = in_numbers(at_budget)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("kv_bytes_regular", "time_regular", "error_regular"),
        pictures=figures(dataset, params.budget),
        **in_words(at_budget, metrics),
    )
