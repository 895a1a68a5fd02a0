"""Scenario spikes-while-writing: every circuit of a language model at one token of the text that it writes."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from bridge.huggingface import configure, record
from scenarios.spikes_while_writing.figures import figures
from scenarios.spikes_while_writing.measures import Study, chosen, in_data, in_numbers, in_words
from scenarios.workbench.causal import load_causal
from scenarios.workbench.causal_params import CausalParams
from scenarios.workbench.head_params import CircuitParams, check_keyed
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What do the circuits of a language model do while it writes? Every head of every layer is a competition "
    "between all earlier tokens, in spikes: which of them fire, how many spikes does a token take, and how long?"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams, CausalParams):
    prompt: str = param("The function of attention in the brain is", "that the model goes on with")
    new_tokens: int = param(
        19, "tokens that it writes, always the most probable; the last one is looked at", at_least=2
    )
    spikes: int = param(64, "spikes per row", at_least=1)
    layer: int | None = param(
        None, "of the head that is shown; one that divides its spikes, if none", at_least=0
    )
    head: int | None = param(None, "in that layer", at_least=0)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Write with all heads in spikes, then simulate every row of the last token again and look inside."""
    check_keyed(ctx.engine_name)
    with ctx.progress.stage("read the model", share=0.1):
        pretrained = load_causal(params.model)
        given = pretrained.read([params.prompt])
    configure(
        pretrained.model,
        spikes=params.spikes,
        circuit=params.circuit,
        n_cells=params.n_cells,
        engine=ctx.engine_name,
        seed=int(ctx.rng.integers(2**31)),
    )
    tokenizer = pretrained.tokenizer
    writing = {
        "max_new_tokens": params.new_tokens,
        "do_sample": False,
        "pad_token_id": tokenizer.eos_token_id,
    }
    with ctx.progress.stage("write", share=0.6), record(pretrained.model) as spikes, torch.inference_mode():
        written = pretrained.model.generate(**given, **writing)[0]
    layers, heads, _ = spikes.spikes().nonzero()
    places = sorted(set(zip(layers.tolist(), heads.tolist(), strict=True)))
    rows = {}
    with ctx.progress.stage("look at the last token", share=0.3) as progress:
        for n, (layer, head) in enumerate(places):
            rows[layer, head] = spikes.row(layer=layer, head=head)
            progress((n + 1) / len(places))
    study = Study(
        params=params,
        tokens=tuple(tokenizer.decode([int(token)]) for token in written),
        n_prompt=given["input_ids"].shape[-1],
        spikes=spikes.spikes(),
        rows=rows,
        shown=chosen(params, rows),
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("spikes", "first", "token_ms"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
