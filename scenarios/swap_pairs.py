"""Scenario swap-pairs: does a sentence model with spiking heads still tell which sentences mean the same?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from bridge import SpikingHead, Usage, swap
from pragmatic.attention import Head, dot_product_head
from pragmatic.score_maps import Uniform
from scenarios.errors import UsageError
from scenarios.outcome import Metric, Outcome, Picture, RunContext
from scenarios.pairs import Pairs, read_pairs
from scenarios.params import ScenarioParams, param
from scenarios.pretrained import MINILM, Pretrained, load_pretrained
from scenarios.statistics import bootstrap, metric
from scenarios.style import CONTROL, FLOOR, SOFTMAX, SPIKING, WIDTH_in
from spiking import GammaCircuit, GammaParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Does a sentence model still tell which sentences mean the same when spikes do its attention? Spearman's "
    "rank correlation of its cosine similarities with people's scores, beside the model's own."
)
COLOURS = {"softmax": SOFTMAX, "simulated": SPIKING, "sampled": FLOOR, "uniform": CONTROL}
AT_ONCE = 32  # sentences in a forward pass


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    pairs: str = param("pairs.tsv", "UTF-8 file of lines score, tab, sentence, tab, sentence")
    model: str = param(MINILM, "minilm, or the folder of a sentence model whose tokens are averaged")
    heads: str = param(
        "all", "heads to swap: all, or layer.head from 0 with commas, * for every one: 0.1,3.*"
    )
    spikes: int = param(64, "spikes per row", at_least=1)
    temperature: float = param(1.0, "divides the scores; 1 as the model was trained", above=0)
    n_cells: int = param(40, "excitatory cells per key", at_least=1)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Cosine similarities of the pairs under each kind of attention."""

    cosine: dict[str, np.ndarray]  # kind -> (n_pairs,)
    seconds: dict[str, float]
    usage: Usage  # of the simulated heads


def run(params: Params, ctx: RunContext) -> Outcome:
    """Embed every sentence with each kind of attention, rank the pairs, compare."""
    pairs = read_pairs(params.pairs)
    with ctx.progress.stage("read the model", share=0.05):
        pretrained = load_pretrained(params.model)
    if pretrained.tokenizer is None:
        raise UsageError(f"model must read text, got {params.model}; give a sentence model")
    found = _measure(params, ctx, pretrained, pairs)
    dataset = _dataset(found, pairs)
    metrics = _metrics(found, pairs, ctx.rng)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("spearman", "difference", "spikes"),
        pictures={"pairs": _picture(found, pairs, params)},
        verdict=_verdict(metrics, found, params),
    )


def _measure(params: Params, ctx: RunContext, pretrained: Pretrained, pairs: Pairs) -> Findings:
    circuit = GammaCircuit(GammaParams(n_cells=params.n_cells, temperature=params.temperature))
    options: dict[str, Any] = {"spikes": params.spikes, "gradient": False}
    seeds = [int(seed) for seed in ctx.rng.integers(2**63, size=2)]
    spiking = SpikingHead(circuit, engine=ctx.engine, seed=seeds[0], **options)
    heads: dict[str, Head | None] = {
        "softmax": None,
        "sampled": SpikingHead(circuit, mode="sampled", seed=seeds[1], **options),
        "uniform": dot_product_head(Uniform()),
        "simulated": spiking,
    }
    cosine, seconds = {}, {}
    for kind, head in heads.items():
        share = 0.8 if kind == "simulated" else 0.05
        with ctx.progress.stage(f"{kind} attention", share=share) as progress:
            started = time.perf_counter()
            if head is None:
                cosine[kind] = _similarity(pretrained, pairs, progress)
            else:
                with swap(pretrained.model, heads=params.heads, head=head):
                    cosine[kind] = _similarity(pretrained, pairs, progress)
            seconds[kind] = time.perf_counter() - started
    return Findings(cosine=cosine, seconds=seconds, usage=spiking.usage)


def _similarity(pretrained: Pretrained, pairs: Pairs, progress: Callable[[float], None]) -> np.ndarray:
    """Cosine of the two sentences of each pair, (n_pairs,)."""
    sentences = [*pairs.first, *pairs.second]
    order = np.argsort([len(sentence) for sentence in sentences])  # alike lengths together: less padding
    vectors: list[np.ndarray] = [np.empty(0)] * len(sentences)
    for start in range(0, len(order), AT_ONCE):
        chosen = order[start : start + AT_ONCE]
        for i, vector in zip(chosen, _embed(pretrained, [sentences[i] for i in chosen]), strict=True):
            vectors[i] = vector
        progress((start + len(chosen)) / len(order))
    unit = np.stack(vectors)
    first, second = unit[: len(pairs.first)], unit[len(pairs.first) :]
    return np.einsum("nd,nd->n", first, second)


@torch.no_grad()
def _embed(pretrained: Pretrained, sentences: list[str]) -> np.ndarray:
    """Mean of the tokens' last hidden states, of length 1, as sentence-transformers has it; (n, width)."""
    given = pretrained.read(sentences)
    state = pretrained.model(**given, output_hidden_states=True).hidden_states[-1].double()
    there = given["attention_mask"][..., None].double()
    mean = (state * there).sum(1) / there.sum(1)
    return torch.nn.functional.normalize(mean, dim=-1).numpy()


def _spearman(cosine: np.ndarray, score: np.ndarray) -> float:
    return float(spearmanr(cosine, score).statistic)


def _metrics(found: Findings, pairs: Pairs, rng: np.random.Generator) -> dict[str, Metric]:
    n, score, cosine = len(pairs.score), pairs.score, found.cosine
    plain = {kind: _spearman(values, score) for kind, values in cosine.items()}

    def above(kind: str) -> Callable[[np.ndarray], float]:
        return lambda rows: (
            _spearman(cosine[kind][rows], score[rows]) - _spearman(cosine["softmax"][rows], score[rows])
        )

    usage = found.usage
    return {
        "spearman": metric(
            "Spearman correlation with people's scores",
            bootstrap(lambda rows: _spearman(cosine["simulated"][rows], score[rows]), n, rng),
            floor=plain["sampled"],
            control=plain["uniform"],
            note="floor: as many exact samples; control: uniform attention",
        ),
        "softmax": metric(
            "the same of the model's own attention",
            bootstrap(lambda rows: _spearman(cosine["softmax"][rows], score[rows]), n, rng),
        ),
        "difference": metric(
            "spikes above the model's own attention",
            bootstrap(above("simulated"), n, rng),
            floor=plain["sampled"] - plain["softmax"],
            control=plain["uniform"] - plain["softmax"],
            note="standard error by resampling the same pairs for both",
        ),
        "cosine": Metric(
            label="root mean square change of a pair's cosine",
            value=_rms(cosine["simulated"] - cosine["softmax"]),
            floor=_rms(cosine["sampled"] - cosine["softmax"]),
            control=_rms(cosine["uniform"] - cosine["softmax"]),
        ),
        "spikes": Metric(label="spikes counted per row", value=usage.exc_spikes / usage.rows),
        "silent": Metric(label="silent rows", value=usage.silent_rows, note=f"of {usage.rows}"),
        "seconds": Metric(
            label="time over that of the model's own attention",
            value=found.seconds["simulated"] / found.seconds["softmax"],
            note="on this machine, one run",
        ),
    }


def _rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.mean(difference**2)))


def _dataset(found: Findings, pairs: Pairs) -> xr.Dataset:
    return xr.Dataset(
        {
            "cosine": (("kind", "pair"), np.stack(list(found.cosine.values())), {"units": "1"}),
            "score": ("pair", pairs.score, {"units": "1", "long_name": "similarity by people"}),
            "first": ("pair", list(pairs.first)),
            "second": ("pair", list(pairs.second)),
        },
        {"kind": list(found.cosine), "pair": ("pair", np.arange(len(pairs.score)), {"units": "1"})},
    )


def _picture(found: Findings, pairs: Pairs, params: Params) -> Picture:
    return Picture(
        draw=lambda: _draw(found, pairs),
        caption=f"Left: similarity of each pair by the model, with its own attention and with {params.spikes} "
        "spikes per row. Right: distribution of how much the cosine of a pair changes, for spikes, as many exact "
        "samples, and uniform attention.",
    )


def _draw(found: Findings, pairs: Pairs) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.3))
    left, right = figure.subplots(1, 2)
    for kind in ("softmax", "simulated"):
        left.plot(pairs.score, found.cosine[kind], "o", color=COLOURS[kind], ms=2.5, alpha=0.5, label=kind)
    left.set(title="Similarity", xlabel="score by people", ylabel="cosine by the model")
    left.legend(fontsize=7.5)
    share = np.linspace(0, 1, len(pairs.score))
    for kind in ("uniform", "sampled", "simulated"):
        change = np.sort(found.cosine[kind] - found.cosine["softmax"])
        right.plot(change, share, color=COLOURS[kind], label=kind)
    right.set(title="Change of the cosine", xlabel="change", ylabel="share of pairs below")
    right.legend(fontsize=7.5)
    return figure


def _verdict(metrics: dict[str, Metric], found: Findings, params: Params) -> str:
    difference = metrics["difference"]
    return (
        f"With {metrics['spikes'].value:.0f} spikes a row in heads {params.heads}, the rank correlation with "
        f"people's scores is {metrics['spearman'].text()}; with the model's own attention it is "
        f"{metrics['softmax'].text()}, a difference of {difference.text()}. As many exact samples differ by "
        f"{difference.floor:+.4f}, uniform attention by {difference.control:+.4f}. "
        f"{found.usage.silent_rows} of {found.usage.rows} rows stayed silent. It took "
        f"{metrics['seconds'].value:.1f} times as long."
    )
