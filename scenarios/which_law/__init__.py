"""Scenario which-law: how much of "spikes compute a softmax" is left without an exponential cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.comparison.metrics import total_variation
from scenarios.which_law.circuits import CIRCUITS
from scenarios.which_law.figures import figures
from scenarios.which_law.measures import Study, in_data, in_numbers, measure, samples
from scenarios.which_law.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "The shipped circuit's cells fire at a rate that is exponential in the score: a softmax is put in by hand. "
    "Which law does the same loop follow with other cells, other noise, unequal cells, shunting and delays, and "
    "does the rate of a cell predict it?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    circuits: tuple[str, ...] = param(tuple(CIRCUITS), f"of: {', '.join(CIRCUITS)}", choices=tuple(CIRCUITS))
    n_rows: int = param(96, "rows of each circuit", at_least=10)
    n_keys: int = param(8, "keys", at_least=2)
    spread: float = param(1.5, "standard deviation of the scores, at temperature 1", at_least=0.1, at_most=10)
    duration_ms: float = param(1000.0, "measured time of a row", at_least=200)
    repeats: int = param(8, "rows for each input of the rate of a lone key", at_least=1)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure every circuit, each on rows of its own."""
    measured = {}
    for name in params.circuits:
        with ctx.part(name, share=1 / len(params.circuits)) as part:
            measured[name] = measure(CIRCUITS[name], params, part)
    first = next(iter(measured.values()))
    scores = ctx.rng.normal(0, params.spread, (1000, params.n_keys))
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    study = Study(
        params=params,
        measured=measured,
        samples=samples(first, params, ctx),
        uniform=float(total_variation(np.full_like(weights, 1 / params.n_keys), weights).mean()),
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("left_worst", "theory", "holds_least"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
