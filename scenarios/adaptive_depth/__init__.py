"""Scenario adaptive-depth: spikes as thought, as many as a decision needs, and networks that learn when to stop."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.adaptive_depth.figures import figures
from scenarios.adaptive_depth.lead import measure_races
from scenarios.adaptive_depth.likeness import measure_likeness
from scenarios.adaptive_depth.numbers import Study, in_data, in_numbers
from scenarios.adaptive_depth.thinking import measure_attention, measure_ponder
from scenarios.adaptive_depth.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.minilm import shipped_paragraph
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from spiking import PARAMETER_SETS

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How long should a network think? A row of spiking attention that stops when one key leads spends "
    "more spikes where scores are close; a transformer that halts spends more steps where the problem is "
    "long. What does each choose, what does it cost, and is it better than the same for all?"
)
HEADS = ("sampled", "spiking")


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    circuit: str = param(
        "brief",
        f"of heads in models, one of: {', '.join(PARAMETER_SETS)}; or yours: package.module:name",
    )
    lead: int = param(4, "spikes by which one key must lead", at_least=1, at_most=32)
    leads: tuple[int, ...] = param((1, 2, 3, 4, 6), "other leads of two keys", at_least=1, at_most=32)
    gaps: tuple[float, ...] = param(
        (0.25, 0.5, 1.0, 2.0), "score of the better of two keys over the other's", above=0, at_most=20
    )
    n_rows: int = param(4000, "rows of every gap and of every number of keys", at_least=8)
    budgets: tuple[int, ...] = param(
        (1, 3, 7, 15, 31, 63, 127), "fixed numbers of spikes", at_least=1, at_most=4096
    )
    keys: tuple[int, ...] = param((2, 4, 8, 16), "numbers of keys that are chosen among", at_least=2)
    spread: float = param(1.0, "standard deviation of their scores", above=0, at_most=100)
    halting: tuple[str, ...] = param(
        ("ponder", "act"), "ways to halt: ponder (PonderNet), act", choices=("ponder", "act")
    )
    heads: tuple[str, ...] = param(
        HEADS, f"besides softmax, in the halting network: {', '.join(HEADS)}", choices=HEADS
    )
    spikes: int = param(16, "spikes per row in its heads", at_least=1)
    n_places: int = param(8, "places of a sequence whose parity is asked", at_least=1)
    most_signs: int = param(6, "signs in a sequence that training shows at most", at_least=1)
    most_steps: int = param(8, "steps that the network may take", at_least=1)
    width: int = param(32, "of its residual stream, a multiple of n_heads", at_least=1)
    n_heads: int = param(4, "attention heads", at_least=1)
    iterations: int = param(700, "of training", at_least=1)
    batch: int = param(128, "sequences in each", at_least=1)
    learning_rate: float = param(3e-3, "at its highest", above=0, at_most=1)
    sequences: int = param(200, "sequences asked of every number of signs", at_least=2)
    model: str = param(
        "minilm", "whose rows of attention run until one key leads", choices=("minilm", "none")
    )
    text: str = param(shipped_paragraph(), "what that model reads")
    model_rows: int = param(2000, "rows of it, at random", at_least=2)
    pairs: str | None = param(
        None, "tab-separated file of score, sentence, sentence for it; 60 pairs that are shipped if not given"
    )

    def check_sizes(self) -> None:
        """Raise UsageError unless the halting network can be built and its task exists."""
        if self.most_signs > self.n_places:
            raise UsageError(
                f"most_signs must be <= n_places, got {self.most_signs} for {self.n_places} places; use "
                "fewer signs"
            )
        if self.width % self.n_heads:
            raise UsageError(
                f"width must be a multiple of n_heads, got {self.width} for {self.n_heads}; "
                f"use {self.n_heads * max(1, self.width // self.n_heads)}"
            )


def run(params: Params, ctx: RunContext) -> Outcome:
    """Two keys first, then a real model's rows, then networks that learn to halt."""
    params.check_sizes()
    attention = measure_attention(params, ctx)
    study = Study(
        races=measure_races(params, ctx),
        attention=attention,
        likeness=measure_likeness(params, ctx),
        ponders=measure_ponder(params, ctx),
        params=params,
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("choice", "spent", "advantage"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
