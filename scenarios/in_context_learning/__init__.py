"""Scenario in-context-learning: attention that learns from its context, by steps of gradient descent, in spikes."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.in_context_learning.figures import figures
from scenarios.in_context_learning.numbers import Study, in_data, in_numbers
from scenarios.in_context_learning.one_step import measure_one_step
from scenarios.in_context_learning.toy import measure_toy
from scenarios.in_context_learning.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A trained transformer learns a linear map from examples in its context, without a change of its "
    "weights. Is one layer a step of gradient descent, can two softmax heads of opposite sign take that "
    "step in spikes, and does what was learnt once make learning again cheap?"
)
HEADS = ("sampled", "spiking")


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    d: int = param(10, "components of an input, of the single layer", at_least=1)
    n_examples: int = param(10, "examples in its context", at_least=2)
    n_tasks: int = param(4000, "tasks that it is asked, and as many to fit factors on", at_least=4)
    betas: tuple[float, ...] = param(
        (0.2, 0.5, 1.0, 2.0), "inverse temperatures of the two heads", above=0, at_most=100
    )
    spikes: tuple[int, ...] = param((16, 64, 256, 1024), "spikes per row of the two heads", at_least=1)
    layer_iterations: int = param(600, "of the training of a linear layer", at_least=1)
    layer_batch: int = param(512, "tasks in each", at_least=2)
    layer_rate: float = param(5e-3, "its learning rate", above=0, at_most=1)
    toy_d: int = param(5, "components of an input, of the decoder", at_least=1)
    n_points: int = param(11, "examples that it reads, the last one only asked", at_least=2)
    n_layers: int = param(3, "its layers", at_least=1)
    n_heads: int = param(2, "its heads in each", at_least=1)
    width: int = param(64, "of its residual stream, a multiple of n_heads", at_least=1)
    iterations: int = param(2000, "of its training", at_least=1)
    batch: int = param(64, "tasks in each", at_least=1)
    learning_rate: float = param(1e-3, "at its highest", above=0, at_most=1)
    toy_tasks: int = param(1000, "tasks that it is asked", at_least=2)
    heads: tuple[str, ...] = param(
        HEADS, f"besides softmax, in the decoder: {', '.join(HEADS)}", choices=HEADS
    )
    toy_spikes: tuple[int, ...] = param((4, 16, 64, 256), "spikes per row in its heads", at_least=1)
    tune_iterations: int = param(200, "of tuning to another order of components", at_least=1)
    tune_spikes: int = param(16, "spikes per row while it is tuned", at_least=1)

    def check_sizes(self) -> None:
        """Raise UsageError unless the decoder can be built."""
        if self.width % self.n_heads:
            raise UsageError(
                f"width must be a multiple of n_heads, got {self.width} for {self.n_heads}; "
                f"use {self.n_heads * max(1, self.width // self.n_heads)}"
            )


def run(params: Params, ctx: RunContext) -> Outcome:
    """One layer first, then a decoder."""
    params.check_sizes()
    study = Study(step=measure_one_step(params, ctx), toy=measure_toy(params, ctx), params=params)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("trained", "pair", "last"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
