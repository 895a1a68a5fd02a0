"""Scenario minilm-on-gamma: a real sentence model whose every attention row is simulated, at its own task."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bridge import Bill, SpikingHead, Usage, count, swap
from pragmatic import Hardmax, Head, Softmax, Uniform, dot_product_head
from scenarios.minilm_on_gamma.findings import Condition, Results, dataset, metrics, verdict
from scenarios.minilm_on_gamma.pairs import SHIPPED, Pairs, read_pairs
from scenarios.minilm_on_gamma.plots import pictures
from scenarios.minilm_on_gamma.sentence_vectors import Encoded, encode, similarity
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.pretrained import MINILM, Pretrained, load_pretrained
from scenarios.workbench.progress import Progress, silent
from spiking import PARAMETER_SETS, GammaCircuit

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How many spikes does a real transformer need? All 72 heads of all-MiniLM-L6-v2 are simulated while it judges "
    "how alike two sentences are, and its rank correlation with people is held against the softmax model's."
)
IN_A_BILL = 16  # sentences that operations are counted on
ROUNDS, IN_A_ROUND = 7, 64  # of softmax and spikes in turn, for the ratio of their times; sentences in each
ARITHMETIC = 0.02  # time of a run without simulation beside one with all heads simulated


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    pairs: str | None = param(
        None, "tab-separated file of score, sentence, sentence; 60 pairs that are shipped if not given"
    )
    model: str = param(MINILM, "minilm, or the folder of a sentence model whose tokens are averaged")
    heads: str = param(
        "all", "heads to replace: all, or layer.head from 0 with commas, * for every one: 0.1,3.*"
    )
    spikes: tuple[int, ...] = param((4, 16, 64), "spikes per row, simulated", at_least=1)
    sampled: tuple[int, ...] = param(
        (1, 2, 4, 8, 16, 32, 64, 128, 256), "spikes per row, drawn from the softmax instead", at_least=1
    )
    layer_spikes: int = param(
        2, "spikes per row where one layer alone is simulated; 0 leaves this out", at_least=0
    )
    temperature: float = param(1.0, "divides the scores; 1 as the model was trained", above=0)
    circuit: str = param("brief", f"one of: {', '.join(PARAMETER_SETS)}", choices=tuple(PARAMETER_SETS))
    n_cells: int | None = param(None, "excitatory cells per key; the circuit's own if none", at_least=1)

    def gamma_circuit(self) -> GammaCircuit:
        """The circuit behind every head."""
        chosen = replace(PARAMETER_SETS[self.circuit], temperature=self.temperature)
        return GammaCircuit(chosen if self.n_cells is None else replace(chosen, n_cells=self.n_cells))

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("spikes", "sampled"):
            given = getattr(self, name)
            wanted = tuple(sorted(set(given)))
            if given != wanted:
                raise UsageError(
                    f"{name} must be ordered without repeats, got {','.join(map(str, given))}; "
                    f"use {','.join(map(str, wanted))}"
                )


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One way to run the model."""

    condition: Condition
    head: Head | None  # None: the model as it is
    heads: str
    cost: float = ARITHMETIC  # time, roughly, in full simulations of 64 spikes a row


def run(params: Params, ctx: RunContext) -> Outcome:
    """Encode the same sentences once for every trial."""
    pairs = read_pairs(SHIPPED if params.pairs is None else params.pairs)
    with ctx.progress.stage("read the model", share=0.03):
        pretrained = load_pretrained(params.model)
        if pretrained.tokenizer is None:
            raise UsageError(f"model must read text, got {params.model}; give a sentence model")
        pretrained.model.set_attn_implementation("sdpa")  # the fastest softmax, for a fair comparison of time
    trials = _trials(params, ctx, pretrained.model.config.num_hidden_layers)
    results = _results(pretrained, pairs, trials, ctx)
    bills = _bills(pretrained, pairs, trials)
    data = dataset(results, ctx.rng)
    return Outcome(
        dataset=data,
        metrics=metrics(data),
        headline=("difference", "time", "needed"),
        pictures=pictures(data, bills),
        verdict=verdict(data, bills),
    )


def _trials(params: Params, ctx: RunContext, n_layers: int) -> list[Trial]:
    circuit = params.gamma_circuit()

    def spiking(spikes: int, mode: str) -> SpikingHead:
        seed = int(ctx.rng.integers(2**31))
        return SpikingHead(
            circuit,
            spikes=spikes,
            mode=mode,
            engine=ctx.engine if mode == "simulated" else "fused",
            seed=seed,
            gradient=False,
        )

    return [
        Trial(condition=Condition(kind="softmax"), head=None, heads=params.heads),
        Trial(condition=Condition(kind="uniform"), head=dot_product_head(Uniform()), heads=params.heads),
        Trial(condition=Condition(kind="argmax"), head=dot_product_head(Hardmax()), heads=params.heads),
        *(
            Trial(
                condition=Condition(kind="sampled", spikes=n), head=spiking(n, "sampled"), heads=params.heads
            )
            for n in params.sampled
        ),
        *(
            Trial(
                condition=Condition(kind="simulated", spikes=n),
                head=spiking(n, "simulated"),
                heads=params.heads,
                cost=0.1 + n / 64,
            )
            for n in params.spikes
        ),
        *(
            Trial(
                condition=Condition(kind="one layer", spikes=params.layer_spikes, layer=layer),
                head=spiking(params.layer_spikes, "simulated"),
                heads=f"{layer}.*",
                cost=(0.1 + params.layer_spikes / 64) / n_layers,
            )
            for layer in range(n_layers if params.layer_spikes else 0)
        ),
    ]


def _results(pretrained: Pretrained, pairs: Pairs, trials: list[Trial], ctx: RunContext) -> Results:
    sentences = (*pairs.first, *pairs.second)
    total = sum(trial.cost for trial in trials)
    found, seconds, usage = [], [], []
    for trial in trials:
        _encode(pretrained, pairs.first[:IN_A_BILL], trial, silent())  # compiled before the clock runs
        if isinstance(trial.head, SpikingHead):
            trial.head.reset_usage()
        with ctx.progress.stage(trial.condition.label, share=0.9 * trial.cost / total) as progress:
            encoded = _encode(pretrained, sentences, trial, progress)
        found.append(similarity(encoded.vectors, len(pairs.score)))
        seconds.append(encoded.seconds)
        usage.append(trial.head.usage if isinstance(trial.head, SpikingHead) else Usage())
    return Results(
        pairs=pairs,
        conditions=tuple(trial.condition for trial in trials),
        similarity=np.array(found),
        seconds=np.array(seconds),
        usage=tuple(usage),
        time_ratio=_time_ratio(pretrained, sentences[:IN_A_ROUND], trials),
    )


def _time_ratio(pretrained: Pretrained, sentences: Sequence[str], trials: list[Trial]) -> np.ndarray:
    """Time with most simulated spikes over the softmax model's, (ROUNDS,): in turn, under the same load."""
    taken = [
        [_encode(pretrained, sentences, trial, silent()).seconds for trial in (trials[0], _dearest(trials))]
        for _ in range(ROUNDS)
    ]
    softmax, spikes = np.array(taken).T
    return spikes / softmax


def _dearest(trials: list[Trial]) -> Trial:
    """All chosen heads simulated with most spikes."""
    return max((t for t in trials if t.condition.kind == "simulated"), key=lambda t: t.condition.spikes)


def _encode(pretrained: Pretrained, sentences: Sequence[str], trial: Trial, progress: Progress) -> Encoded:
    with _swapped(pretrained, trial):
        return encode(pretrained, sentences, progress=progress)


def _swapped(pretrained: Pretrained, trial: Trial) -> AbstractContextManager[Any]:
    if trial.head is None:
        return nullcontext()
    return swap(pretrained.model, heads=trial.heads, head=trial.head)


def _bills(pretrained: Pretrained, pairs: Pairs, trials: list[Trial]) -> dict[str, Bill]:
    """What the softmax model and the one with most simulated spikes compute on a few sentences.

    The softmax is swapped in too, so that both are counted operation by operation: a fused attention kernel
    is one operation to the counter.
    """
    dearest = _dearest(trials)
    softmax = Trial(
        condition=Condition(kind="softmax"), head=dot_product_head(Softmax()), heads=dearest.heads
    )
    bills = {}
    for trial in (softmax, dearest):
        with _swapped(pretrained, trial), count(pretrained.model) as counter:
            encode(pretrained, pairs.first[:IN_A_BILL])
        bills[trial.condition.label] = counter.bill()
    return bills
