"""Scenario theta-gamma-heads: several heads in one circuit, each in a gamma cycle of its own."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.theta_gamma_heads.buffer import measure_buffer
from scenarios.theta_gamma_heads.figures import figures
from scenarios.theta_gamma_heads.hops import measure_hops
from scenarios.theta_gamma_heads.measures import Study, in_data, in_numbers
from scenarios.theta_gamma_heads.minilm import measure_sentences
from scenarios.theta_gamma_heads.mixing import measure_mixing
from scenarios.theta_gamma_heads.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

FEWEST = 20  # chains

QUESTION = (
    "Gamma cycles nested in theta are said to keep several memories apart in one network. How many does a buffer "
    "keep, how much does one gamma cycle hear of the one before, and can the heads of a transformer's layer share "
    "one circuit in this way? And can what one cycle reads be the query of the next?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    thetas: tuple[float, ...] = param(
        (4.0, 6.0, 8.0, 10.0), "theta frequencies of the buffer, Hz", at_least=1, at_most=20
    )
    taus: tuple[float, ...] = param(
        (5.0, 10.0, 15.0, 20.0), "decays of its inhibition, ms", at_least=1, at_most=100
    )
    noises: tuple[float, ...] = param(
        (0.0, 0.1, 0.25, 0.5, 1.0), "noise of its units, mV", at_least=0, at_most=20
    )
    n_slots: int = param(4, "heads that share a circuit, each in one gamma cycle", at_least=2, at_most=64)
    n_rows: int = param(300, "rows of random scores", at_least=20)
    n_keys: int = param(8, "keys", at_least=2)
    periods: int = param(3, "theta periods of each", at_least=1)
    pairs: str | None = param(
        None, "UTF-8 file of judged pairs: score, sentence, sentence, tabs between; 60 of ours if none"
    )
    n_pairs: int = param(60, "pairs that MiniLM reads; 0 leaves it out", at_least=0)
    model_periods: int = param(2, "theta periods of a row in MiniLM", at_least=1)
    n_chains: int = param(300, "rows that follow a chain of keys and values; 0 leaves them out", at_least=0)
    n_items: int = param(16, "items of a chain, each a key", at_least=3, at_most=32)
    cycles: tuple[int, ...] = param(
        (1, 2, 4), "theta cycles over which two hops are read", at_least=1, at_most=100
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("thetas", "taus", "noises", "cycles")
        if 0 < self.n_chains < FEWEST:
            raise UsageError(
                f"n_chains must be 0 or at least {FEWEST}, to fit what slots hear, got {self.n_chains}; add more"
            )


def run(params: Params, ctx: RunContext) -> Outcome:
    """Fill the buffer, measure what slots hear of one another, let MiniLM's heads share, then hop over slots."""
    with ctx.part("buffer", share=0.2) as part:
        buffered = measure_buffer(params, part)
    with ctx.part("slots", share=0.3) as part:
        mixed = measure_mixing(params, part)
    with ctx.part("MiniLM", share=0.3) as part:
        sentences = measure_sentences(params, mixed["base"], part)
    with ctx.part("hops", share=0.2) as part:
        hopped = measure_hops(params, part)
    study = Study(params=params, buffered=buffered, mixed=mixed, sentences=sentences, hopped=hopped)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("capacity", "leak", "share") if sentences is None else ("capacity", "leak", "lost"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
