"""Scenario swap-model: spiking heads in a pretrained transformer, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from bridge import SpikingScoreMap
from bridge.heads.choice import chosen_heads
from bridge.huggingface.layers import attention_layers
from pragmatic.score_maps import ScoreMap, Uniform
from scenarios.swap_model.figures import MOST_KEYS, Row, layers, row
from scenarios.swap_model.measures import Passes, in_words, passes_dataset, table
from scenarios.swap_model.prediction import Prediction, predict, prediction, prediction_in_data
from scenarios.swap_model.swapped import Pass, plain_pass, swapped_pass
from scenarios.workbench.causal import is_causal
from scenarios.workbench.head_params import PretrainedParams, chosen_text
from scenarios.workbench.minilm import shipped_paragraph
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.pretrained import Pretrained, load_pretrained
from spiking import Budget

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What changes in a pretrained transformer when spikes do its attention? Chosen heads become simulated 40 Hz "
    "circuits; weights, hidden states and output are compared with those of the model's own softmax."
)


@dataclass(frozen=True, kw_only=True)
class Params(PretrainedParams):
    text: str = param(shipped_paragraph(), "what the model reads")
    spikes: int = param(64, "spikes per row", at_least=1)
    n_draws: int = param(3, "forward passes, each with new noise", at_least=1)
    n_cells: int | None = param(10, "excitatory cells per key", at_least=1)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Load the model, let it read the text with each kind of attention, compare."""
    with ctx.progress.stage("read the model", share=0.05):
        pretrained = load_pretrained(params.model)
        given = pretrained.read([params.text])
    n_heads = [layer.n_heads for layer, _ in attention_layers(pretrained.model)]
    passes = _passes(params, ctx, pretrained.model, given)
    dataset = passes_dataset(passes, _labels(params.heads, n_heads, len(passes.uniform.distance)))
    told = _prediction(params, ctx, pretrained, given)
    metrics = table(dataset, passes, told)
    shown = _row(params, ctx, passes)
    layer, head = chosen_heads(params.heads, n_heads)[0]
    words = {
        "chosen": chosen_text(params.heads, n_heads),
        "spikes": params.spikes,
        "n_draws": params.n_draws,
        "where": f"{layer}.{head}",
        "keys": len(shown.scores),
        "shown": min(len(shown.scores), MOST_KEYS),
    }
    return Outcome(
        dataset=dataset if told is None else dataset.merge(prediction_in_data(told)),
        metrics=metrics,
        headline=("change", "excess", "spikes") if told is None else ("ratio", "kl", "same"),
        pictures={
            **({} if told is None else pictures(told, prediction, **words)),
            **pictures(dataset, layers, **words),
            **pictures(shown, row, **words),
        },
        spikes={"row": shown.selection.spikes},
        **in_words(dataset, metrics, passes, words, told),
    )


def _prediction(
    params: Params, ctx: RunContext, pretrained: Pretrained, given: dict[str, Any]
) -> Prediction | None:
    """How the next token is predicted, of a model that does so."""
    if not is_causal(pretrained) or given["input_ids"].shape[-1] < 2:
        return None
    with ctx.part("next token", share=0.4) as part:
        return predict(pretrained.model, given["input_ids"], params, part)


def _passes(params: Params, ctx: RunContext, model: Any, given: dict[str, Any]) -> Passes:
    """The model's own pass, one with uniform attention, and one a draw with samples and with spikes."""

    def swapped(score_map: ScoreMap) -> Pass:
        temperature = params.temperature
        return swapped_pass(model, given, heads=params.heads, score_map=score_map, temperature=temperature)

    plain, uniform = plain_pass(model, given), swapped(Uniform())
    exact, spikes = (params.spiking_head(ctx, params.spikes, mode) for mode in ("sampled", "simulated"))
    sampled = [swapped(exact.score_map) for _ in range(params.n_draws)]
    spiking = []
    for draw in range(params.n_draws):
        label = f"draw {draw + 1} of {params.n_draws} in spikes"
        with ctx.progress.stage(label, share=0.55 / params.n_draws):
            spiking.append(swapped(spikes.score_map))
    return Passes(plain=plain, spiking=spiking, sampled=sampled, uniform=uniform, usage=spikes.usage)


def _row(params: Params, ctx: RunContext, passes: Passes) -> Row:
    """Simulate the last row of the first chosen head once more, with its spikes kept."""
    circuit, rng = params.row_circuit(), ctx.rng.spawn(1)[0]
    spiking = SpikingScoreMap(circuit, Budget(spikes=params.spikes), rng, ctx.engine, record="all")
    scores = passes.uniform.row
    spiking(torch.from_numpy(scores)[None])
    assert spiking.selection is not None
    return Row(scores=scores / params.temperature, selection=spiking.selection)


def _labels(heads: str, n_heads: list[int], n_calls: int) -> list[str]:
    """Number of the layer of each call; of the call where a layer is called more than once."""
    numbers = sorted({layer for layer, _ in chosen_heads(heads, n_heads)})
    return [str(number) for number in (numbers if len(numbers) == n_calls else range(n_calls))]
