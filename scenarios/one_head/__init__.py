"""Scenario one-head: a text of your own, read by one head of a pretrained model, by softmax and in spikes."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.one_head.reader import MOST_TOKENS, Reader, seed_of
from scenarios.workbench.head_params import CircuitParams, check_keyed
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.pretrained import MINILM

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A pretrained model reads a text: which words win the spikes of one head, how far are they from its "
    "softmax, and what does the model say next?"
)
# after James (1890), The Principles of Psychology, chapter 11, shortened
JAMES = (
    "Everyone knows what attention is. It is the taking possession by the mind of one out of several objects"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    model: str = param(MINILM, "minilm, smollm2, the folder of a model that reads text, or a .gguf file")
    text: str = param(JAMES, f"of at most {MOST_TOKENS} tokens")
    layer: int = param(5, "of the head, from 0", at_least=0)
    head: int = param(8, "in that layer, from 0", at_least=0)
    query: int = param(-2, "position of the token that attends, from 0; from the end if negative")
    spikes: int = param(64, "spikes per row", at_least=1)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Read the text with plain attention and with all heads in spikes, and look at one head."""
    from scenarios.one_head.figures import figures
    from scenarios.one_head.measures import in_data, in_numbers, in_words

    check_keyed(ctx.engine_name)
    with ctx.progress.stage("read the model", share=0.3):
        reader = Reader(params.model)
    with ctx.progress.stage("read the text, by softmax and in spikes", share=0.7):
        read = reader.read(params, seed=seed_of(ctx.rng), engine=ctx.engine_name)
    metrics = in_numbers(read)
    return Outcome(
        dataset=in_data(read),
        metrics=metrics,
        headline=("total_variation", "map", "kl" if read.words else "row_ms"),
        pictures=figures(read),
        spikes={"row": read.row.selection.spikes},
        **in_words(metrics, read),
    )
