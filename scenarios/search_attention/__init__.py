"""Scenario search-attention: every expression over queries, keys and values, and which of them attend."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.search_attention.alpha import curve_of_alpha
from scenarios.search_attention.figures import figures
from scenarios.search_attention.measures import Study, in_data, in_numbers, in_words
from scenarios.search_attention.solutions import solutions
from scenarios.search_attention.untrained import scored
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What does a search over the parts of attention come upon first, which of its solutions do spikes offer, and "
    "do two shortcuts, a score without training and normalised values, hold what they promise?"
)
PRIMITIVES = ("exact", "spiking", "sampled")


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    heads: tuple[str, ...] = param(
        PRIMITIVES,
        f"primitives: exact ones, with those of circuits, with samples; of: {', '.join(PRIMITIVES)}",
        choices=PRIMITIVES,
    )
    spikes: int = param(16, "spikes a row of a circuit's primitive", at_least=1)
    operations: int = param(4, "of the longest expressions", at_least=1, at_most=4)
    n_items: int = param(8, "keys of each draw", at_least=2)
    dim: int = param(16, "their dimension, another number than n_items", at_least=3)
    draws: int = param(16, "draws of keys and values that an expression is judged on", at_least=2)
    noise: float = param(1.0, "length of a query's noise, in lengths of a key", at_least=0, at_most=100)
    alphas: tuple[float, ...] = param(
        (-4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0),
        "parts of normalised values that are added; 0 is always among them",
        at_least=-1000,
        at_most=1000,
    )
    seeds: int = param(5, "models that are tuned with each of them", at_least=2)
    iterations: int = param(300, "of the trainings of mini-transformers", at_least=1)
    tune_iterations: int = param(100, "of the tunings", at_least=1)
    candidates: int = param(30, "random mini-transformers that are scored and trained", at_least=4)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("alphas")
        if "exact" not in self.heads:
            raise UsageError(
                f"heads must have exact among them, on which the others build, got {','.join(self.heads)}; "
                f"use {','.join(PRIMITIVES)}"
            )
        if self.dim == self.n_items:
            raise UsageError(
                f"dim must differ from n_items, got {self.dim} for both: products that mean nothing would fit; "
                "change one"
            )

    @property
    def all_alphas(self) -> tuple[float, ...]:
        """With 0, the control."""
        return tuple(sorted({0.0, *self.alphas}))


def run(params: Params, ctx: RunContext) -> Outcome:
    """The search without and with noise, then the curve over alpha, then scores without training."""
    with ctx.part("search", share=0.2) as part:
        searched = solutions(params, part)
    with ctx.part("normalised values", share=0.4) as part:
        curve = curve_of_alpha(params, part)
    with ctx.part("scores without training", share=0.4) as part:
        candidates = scored(params, part)
    study = Study(params=params, searched=searched, curve=curve, candidates=candidates)
    metrics = in_numbers(study, ctx.rng)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("operations_linear", "operations_softmax", "score"),
        pictures=figures(study),
        **in_words(study, metrics),
    )
