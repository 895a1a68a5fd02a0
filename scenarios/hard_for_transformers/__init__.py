"""Scenario hard-for-transformers: one key among many, the first symbol, parity, and what makes them easy."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.hard_for_transformers.constructed import constructed
from scenarios.hard_for_transformers.dilution import diluted
from scenarios.hard_for_transformers.figures import figures
from scenarios.hard_for_transformers.learnt import generalised
from scenarios.hard_for_transformers.measures import Study, in_data, in_numbers
from scenarios.hard_for_transformers.words import in_words
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, Reader, check_softmax

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Which simple functions become hard for attention as sequences grow, and which small change makes them easy: "
    "a winner by spikes, a temperature that falls with the number of keys, or layer norm?"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    circuit: str = param("brief", "the circuit in question; regular-brief stands next to it")
    heads: tuple[str, ...] = param(HEADS, f"that read, of: {', '.join(HEADS)}", choices=HEADS)
    spikes: tuple[int, ...] = param((1, 16, 64), "spikes a row", at_least=1)
    lead: int = param(3, "spikes by which a key leads, where a row ends so", at_least=1)
    keys: tuple[int, ...] = param((16, 32, 64, 128, 256, 512, 1024), "keys of a row", at_least=2)
    margin: float = param(
        4.0, "score of the right key over the mean of the others, in nats", above=0, at_most=30
    )
    spread: float = param(0.5, "standard deviation of the others' scores", at_least=0, at_most=3)
    window: float = param(
        2.0, "distance from the best score within which keys take part", above=0, at_most=30
    )
    n_rows: int = param(400, "rows, and strings, of each length", at_least=2)
    gain: float = param(8.0, "logits of a signal of 1, for the first symbol and parity", above=0, at_most=100)
    train_keys: int = param(16, "pairs at most in training; at least 2", at_least=2)
    test_keys: tuple[int, ...] = param((8, 16, 32, 64, 128, 256), "pairs in test", at_least=2)
    dim: int = param(6, "dimension of the model that learns to retrieve", at_least=1)
    iterations: int = param(600, "of each training", at_least=1)
    seeds: int = param(3, "models of each kind", at_least=2)
    windows: int = param(64, "sets of pairs in test", at_least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes", "keys", "test_keys")
        check_softmax(self.heads)

    @property
    def readers(self) -> tuple[Reader, ...]:
        """(kind, spikes) of every read-out that has spikes: the circuit, regular cells, independent samples."""
        kinds = (("random", "regular") if "spiking" in self.heads else ()) + (
            ("sampled",) if "sampled" in self.heads else ()
        )
        return tuple((kind, n) for kind in kinds for n in self.spikes)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Retrieval at fixed weights first, then the first symbol and parity, then models that learn to retrieve."""
    with ctx.part("dilution", share=0.3) as part:
        rows = diluted(params, part)
    with ctx.part("first symbol and parity", share=0.2) as part:
        strings = constructed(params, part)
    with ctx.part("learning to retrieve", share=0.5) as part:
        learnt = generalised(params, part)
    study = Study(params=params, rows=rows, strings=strings, learnt=learnt)
    metrics = in_numbers(study)
    data = in_data(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("weight", "weight_cooled", "winner"),
        pictures=figures(study, data),
        **in_words(study, metrics),
    )
