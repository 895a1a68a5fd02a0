"""Scenario minilm-on-gamma: a real sentence model with simulated attention rows, at its own task."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bridge import Bill, SpikingHead, Usage, count, swap
from bridge.huggingface.layers import attention_layers
from pragmatic import Hardmax, Head, Softmax, Uniform, dot_product_head
from scenarios.minilm_on_gamma.figures import figures
from scenarios.minilm_on_gamma.measures import Trial, in_words, measures, table
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import PretrainedParams, chosen_text
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.pairs import SHIPPED, Pairs, read_pairs
from scenarios.workbench.params import param
from scenarios.workbench.pretrained import Pretrained, load_pretrained
from scenarios.workbench.progress import Progress, silent
from scenarios.workbench.sentence_vectors import Encoded, encode, similarity

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How many spikes does a real transformer need? Heads of a sentence model are simulated while it judges how "
    "alike two sentences are; its rank correlation with people is compared with the softmax model's."
)
IN_A_BILL = 16  # sentences that operations are counted on
ROUNDS, IN_A_ROUND = 7, 64  # of softmax and spikes in turn, for the ratio of their times; sentences in each
ARITHMETIC = 0.02  # time of a run without simulation, in runs with all heads simulated


@dataclass(frozen=True, kw_only=True)
class Params(PretrainedParams):
    pairs: str | None = param(
        None, "tab-separated file of score, sentence, sentence; 60 pairs that are shipped if not given"
    )
    spikes: tuple[int, ...] = param((4, 16, 64), "spikes per row, simulated", at_least=1)
    sampled: tuple[int, ...] = param(
        (1, 2, 4, 8, 16, 32, 64, 128, 256), "spikes per row, drawn from the softmax instead", at_least=1
    )
    layer_spikes: int = param(
        2, "spikes per row where one layer alone is simulated; 0 leaves this out", at_least=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes", "sampled")


def run(params: Params, ctx: RunContext) -> Outcome:
    """Encode the same sentences once for every trial."""
    pairs = read_pairs(SHIPPED if params.pairs is None else params.pairs)
    with ctx.progress.stage("read the model", share=0.03):
        pretrained = load_pretrained(params.model)
        if pretrained.tokenizer is None:
            raise UsageError(f"model must read text, got {params.model}; give a sentence model")
        pretrained.model.set_attn_implementation("sdpa")  # the fastest softmax, for a fair comparison of time
    n_heads = [layer.n_heads for layer, _ in attention_layers(pretrained.model)]
    trials = _tried(_trials(params, ctx, len(n_heads)), pretrained, pairs, ctx)
    ratio = _time_ratio(pretrained, (*pairs.first, *pairs.second)[:IN_A_ROUND], trials)
    bills = _bills(pretrained, pairs, trials)
    data = measures(pairs, trials, ratio, ctx.rng).assign_attrs(heads=chosen_text(params.heads, n_heads))
    metrics = table(data)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("difference", "time", "needed"),
        pictures=figures(data, bills),
        **in_words(data, metrics, bills),
    )


def _trials(params: Params, ctx: RunContext, n_layers: int) -> list[Trial]:
    """The model as it is, the two controls, samples, spikes, and spikes in one layer at a time."""

    def spiking(n: int, mode: str = "simulated") -> SpikingHead:
        return params.spiking_head(ctx, n, mode, seeds=2**31)

    heads, few = params.heads, params.layer_spikes
    layers = range(n_layers) if few else ()
    return [
        Trial(kind="softmax", heads=heads),
        Trial(kind="uniform", heads=heads, head=dot_product_head(Uniform())),
        Trial(kind="argmax", heads=heads, head=dot_product_head(Hardmax())),
        *(Trial(kind="sampled", heads=heads, spikes=n, head=spiking(n, "sampled")) for n in params.sampled),
        *(Trial(kind="simulated", heads=heads, spikes=n, head=spiking(n)) for n in params.spikes),
        *(Trial(kind="one layer", heads=f"{i}.*", spikes=few, layer=i, head=spiking(few)) for i in layers),
    ]


def _tried(trials: list[Trial], pretrained: Pretrained, pairs: Pairs, ctx: RunContext) -> list[Trial]:
    """Every trial with what it gave."""
    n_layers = sum(trial.kind == "one layer" for trial in trials)
    costs = [_cost(trial, n_layers) for trial in trials]
    done = []
    for trial, cost in zip(trials, costs, strict=True):
        _encode(pretrained, pairs.first[:IN_A_BILL], trial, silent())  # compiled before the clock runs
        if isinstance(trial.head, SpikingHead):
            trial.head.reset_usage()
        with ctx.progress.stage(trial.label, share=0.9 * cost / sum(costs)) as progress:
            encoded = _encode(pretrained, (*pairs.first, *pairs.second), trial, progress)
        cosines = similarity(encoded.vectors, len(pairs.score))
        usage = trial.head.usage if isinstance(trial.head, SpikingHead) else Usage()
        done.append(replace(trial, similarity=cosines, seconds=encoded.seconds, usage=usage))
    return done


def _cost(trial: Trial, n_layers: int) -> float:
    """Time, roughly, in full simulations of 64 spikes a row."""
    if trial.kind not in ("simulated", "one layer"):
        return ARITHMETIC
    return (0.1 + trial.spikes / 64) / (n_layers if trial.kind == "one layer" else 1)


def _time_ratio(pretrained: Pretrained, sentences: Sequence[str], trials: list[Trial]) -> np.ndarray:
    """Time with most simulated spikes over the softmax model's, (ROUNDS,): in turn, under the same load."""
    pair = (trials[0], _dearest(trials)) * ROUNDS
    taken = np.array([_encode(pretrained, sentences, trial, silent()).seconds for trial in pair])
    return taken[1::2] / taken[::2]


def _dearest(trials: list[Trial]) -> Trial:
    """The chosen heads simulated with most spikes."""
    return max((t for t in trials if t.kind == "simulated"), key=lambda t: t.spikes)


def _encode(pretrained: Pretrained, sentences: Sequence[str], trial: Trial, progress: Progress) -> Encoded:
    with _swapped(pretrained, trial.heads, trial.head):
        return encode(pretrained, sentences, progress=progress)


def _swapped(pretrained: Pretrained, heads: str, head: Head | None) -> AbstractContextManager[Any]:
    return nullcontext() if head is None else swap(pretrained.model, heads=heads, head=head)


def _bills(pretrained: Pretrained, pairs: Pairs, trials: list[Trial]) -> dict[str, Bill]:
    """What the softmax model and the one with most simulated spikes compute on a few sentences.

    The softmax is swapped in too, so that both are counted operation by operation: a fused attention kernel
    is one operation to the counter.
    """
    dearest = _dearest(trials)
    bills = {}
    for name, head in (("softmax", dot_product_head(Softmax())), (dearest.label, dearest.head)):
        with _swapped(pretrained, dearest.heads, head), count(pretrained.model) as counter:
            encode(pretrained, pairs.first[:IN_A_BILL])
        bills[name] = counter.bill()
    return bills
