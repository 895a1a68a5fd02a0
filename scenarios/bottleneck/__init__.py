"""Scenario bottleneck: one state of fixed size against attention, and attention through a few spikes."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.bottleneck.figures import figures
from scenarios.bottleneck.measures import Study, in_data, in_numbers, in_words
from scenarios.bottleneck.memory import forms_apart, recall
from scenarios.bottleneck.pairs import answered_pairs
from scenarios.bottleneck.reversal import reversed_sequences
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, Reader, check_softmax, readers_of

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What does attention remember that a state of fixed size loses, and how many spikes does it take to read "
    "it out?"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    heads: tuple[str, ...] = param(HEADS, f"that read a memory out, of: {', '.join(HEADS)}", choices=HEADS)
    spikes: tuple[int, ...] = param((1, 4, 16, 64), "spikes a row", at_least=1)
    seeds: int = param(3, "models of each kind that learn to reverse", at_least=2)
    iterations: int = param(1500, "of each of these trainings", at_least=1)
    batch: int = param(64, "sequences in each iteration", at_least=1)
    n_symbols: int = param(16, "symbols of the sequences", at_least=2)
    longest: int = param(30, "length of the longest", at_least=5)
    windows: int = param(128, "sequences of each length that are measured, and of recalled pairs", at_least=2)
    dims: tuple[int, ...] = param((16, 64), "dimensions of keys and values to be recalled", at_least=2)
    pairs: tuple[int, ...] = param((8, 16, 64, 128, 256), "pairs to be recalled", at_least=2)
    beta: float = param(20.0, "inverse temperature of recall, of unit keys", above=0, at_most=100)
    widths: tuple[int, ...] = param((8, 16, 32, 64), "widths of memories that learn to answer", at_least=1)
    pair_iterations: int = param(400, "of each of their trainings", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes", "dims", "pairs", "widths")
        check_softmax(self.heads)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of the sequences that are measured."""
        return tuple(sorted({max(1, round(self.longest * part / 6)) for part in range(1, 7)}))

    @property
    def readers(self) -> tuple[Reader, ...]:
        """(head, spikes) of every read-out that has spikes."""
        return readers_of(self.heads, self.spikes)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Memories without training first, then recurrent networks that reverse, then memories that learn to answer."""
    apart = forms_apart(ctx.rng)
    with ctx.part("recall", share=0.1) as part:
        recalled = recall(params, part)
    with ctx.part("reverse", share=0.8) as part:
        reversed_ = reversed_sequences(params, part)
    with ctx.part("pairs", share=0.1) as part:
        answered = answered_pairs(params, part)
    study = Study(
        apart=apart,
        recalled=recalled,
        reversed=reversed_,
        answered=answered,
        lengths=params.lengths,
        n_symbols=params.n_symbols,
    )
    data = in_data(study)
    metrics = in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("reverse_attention", "reverse_state", "recall_worst"),
        pictures=figures(study, data),
        **in_words(study, metrics),
    )
