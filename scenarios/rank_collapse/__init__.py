"""Scenario rank-collapse: without skips tokens become one vector, exactly or through spikes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from bridge import SpikingHead, SpikingScoreMap
from pragmatic import Head, Softmax, dot_product_head
from pragmatic.attention_layer import Parts
from scenarios.rank_collapse.circle import AS_PUBLISHED, Schooling, run_around
from scenarios.rank_collapse.figures import figures
from scenarios.rank_collapse.initial import at_start
from scenarios.rank_collapse.law import SharedNoise, dispersion, residuals, rotations
from scenarios.rank_collapse.measures import CIRCUITS, Law, Sorting, Study, in_data, in_numbers
from scenarios.rank_collapse.pretrained import by_layer
from scenarios.rank_collapse.probe import N_TOKEN_KINDS, Probed, identity_by_layer
from scenarios.rank_collapse.sorting import Sorter, chance, drawn, gradients, paths, scored, trained
from scenarios.rank_collapse.words import in_words
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.pairs import SHIPPED, read_pairs
from scenarios.workbench.params import param
from scenarios.workbench.pretrained import MINILM, Pretrained, load_pretrained
from scenarios.workbench.readers import HEADS, check_twin
from scenarios.workbench.smollm2 import load_smollm2
from spiking import Budget, GammaCircuit, GammaParams, RowCircuit

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Why do transformers need skip connections? Without them the tokens of a sequence become one vector. What "
    "happens to that when every row of attention is drawn by spikes, and does what survives carry information?"
)
N_HEADS, WIDTH = 4, 64  # of the small networks
N_SORTED = 256
N_WORDS = 48  # of a text for a pretrained model
DISPERSION_ROWS = 400
EXACT = dot_product_head(Softmax())


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    circuit: str = param("brief", "the circuit in question; regular-brief stands next to it")
    heads: tuple[str, ...] = param(
        HEADS, f"that are compared, of: {', '.join(HEADS)}; only sampled can be left out", choices=HEADS
    )
    spikes: tuple[int, ...] = param(
        (4, 16, 64, 112, 256, 1024, 4096), "spikes per row for the law", at_least=1
    )
    n_tokens: int = param(32, "tokens of the small networks", at_least=2)
    nets: int = param(4, "small networks for the law", at_least=2)
    depth: int = param(8, "layers of these", at_least=3)
    draws: int = param(3, "draws of BERT's initial values", at_least=2)
    bert_width: int = param(768, "width of that network, in heads of 64", at_least=1)
    bert_layers: int = param(12, "its layers", at_least=2)
    bert_tokens: int = param(128, "its tokens", at_least=2)
    budget: int = param(64, "spikes per row in pretrained and probed networks", at_least=1)
    pretrained: bool = param(True, "MiniLM and SmolLM2 too, where they are installed")
    texts: int = param(2, "texts that these read, of 48 words", at_least=1, at_most=8)
    probed: int = param(96, "sequences for the probe, half of them to fit it", at_least=4)
    train_spikes: int = param(16, "spikes per row in training", at_least=1)
    iterations: int = param(400, "of each training", at_least=1)
    sort_layers: int = param(6, "layers of the network that sorts", at_least=1, at_most=64)
    seeds: int = param(3, "trainings of the network that draws circles", at_least=2)
    published_steps: int = param(AS_PUBLISHED.iterations, "of its training as published", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")
        check_twin(self.heads)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Collapse at the start and in pretrained models, the law, what survives, and what can be learnt."""
    text = " ".join(read_pairs(SHIPPED).first).split()
    with ctx.part("BERT at its start", share=0.25) as part:
        initial = _initial(params, part, text)
    with ctx.part("pretrained models", share=0.15) as part:
        pretrained = _pretrained(params, part, text)
    with ctx.part("factor of a layer", share=0.2) as part:
        law = _law(params, part)
    with ctx.part("what the residual says", share=0.1) as part:
        probe = _probe(params, part)
    with ctx.part("sorting", share=0.2) as part:
        sorting = _sort(params, part)
    with ctx.part("circles", share=0.1) as part:
        circles = _circles(params, part)
    study = Study(
        params=params,
        initial=initial,
        pretrained=pretrained,
        law=law,
        probe=probe,
        sorting=sorting,
        circles=circles,
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("pure_2", f"factor_{study.shown}", "says"),
        pictures=figures(study),
        **in_words(metrics, study),
    )


def _circuits(params: Params) -> dict[str, RowCircuit]:
    return {"spiking": params.row_circuit(), "regular": GammaCircuit(GammaParams.regular_brief())}


def _heads(params: Params, ctx: RunContext, spikes: int, *, gradient: bool = False) -> dict[str, Head]:
    """Every kind of attention: exact, through the spikes of two circuits, sampled, and with shared noise."""
    settings: dict[str, Any] = {"spikes": spikes, "engine": ctx.engine, "gradient": gradient}
    circuits = _circuits(params)

    def head(circuit: RowCircuit, mode: str = "simulated") -> Head:
        return SpikingHead(circuit, mode=mode, seed=int(ctx.rng.integers(2**63)), **settings)

    heads = {
        "softmax": EXACT,
        **{name: head(circuit) for name, circuit in circuits.items()},
    }
    if "sampled" in params.heads:
        heads["sampled"] = head(circuits["spiking"], "sampled")
    if ctx.engine.takes_streams:
        rng = ctx.rng.spawn(1)[0]
        shared = SpikingScoreMap(circuits["spiking"], Budget(spikes=spikes), rng, ctx.engine, record="counts")
        heads["shared"] = dot_product_head(SharedNoise(shared))
    return heads


def _initial(params: Params, ctx: RunContext, text: list[str]) -> dict[str, np.ndarray]:
    """Relative residuals, variant -> (draws, n_layers + 1)."""
    _, words = np.unique(np.resize(np.array(text), params.bert_tokens * params.draws), return_inverse=True)
    each = []
    for own in words.reshape(params.draws, -1):
        spiking = _heads(params, ctx, params.budget)["spiking"]
        with ctx.progress.stage("BERT at its start", share=1 / params.draws) as progress:
            each.append(at_start(own, params.bert_width, params.bert_layers, spiking, ctx.rng, progress))
    return {name: np.stack([draw[name] for draw in each]) for name in each[0]}


def _pretrained(params: Params, ctx: RunContext, text: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """The same of each model that is installed, model -> variant -> (n_layers + 1, n_texts)."""
    texts = [" ".join(text[N_WORDS * i : N_WORDS * (i + 1)]) for i in range(params.texts)]
    models = _installed() if params.pretrained else {}
    reached = {}
    for name, model in models.items():
        with ctx.progress.stage(name, share=1 / len(models)) as progress:
            spiking = _heads(params, ctx, params.budget)["spiking"]
            reached[name] = by_layer(model, texts, spiking, progress)
    return reached


def _installed() -> dict[str, Pretrained]:
    """The models whose weights are there."""
    models = {}
    with suppress(ModuleNotFoundError):  # the report says which models are missing
        models["MiniLM"] = load_pretrained(MINILM)
    smollm2 = load_smollm2()
    if smollm2 is not None:
        models["SmolLM2"] = smollm2
    return models


def _law(params: Params, ctx: RunContext) -> Law:
    """Residual by layer of every kind and budget, in the same networks, and the dispersion of each circuit."""
    rng, shape = ctx.rng, (1, params.n_tokens, WIDTH)
    nets = [
        (rotations(params.depth, WIDTH, N_HEADS, rng), torch.from_numpy(rng.normal(size=shape)))
        for _ in range(params.nets)
    ]

    def through(head: Head, *, norm: bool = False) -> np.ndarray:
        reached = [residuals(layers, x, head, Parts(norm=norm)) for layers, x in nets]
        return np.concatenate(reached, axis=1)

    law = {("softmax", 0): through(EXACT)}
    dispersed = {}
    cost = np.array([100 + spikes for spikes in params.spikes])
    for spikes, share in zip(params.spikes, cost / cost.sum(), strict=True):
        with ctx.progress.stage(f"factor of a layer, {spikes} spikes", share=share):
            heads = _heads(params, ctx, spikes)
            del heads["softmax"]
            law |= {(kind, spikes): through(head) for kind, head in heads.items()}
            law["norm", spikes] = through(heads["spiking"], norm=True)
            for kind, circuit in _circuits(params).items():
                rows = np.zeros((DISPERSION_ROWS, params.n_tokens))
                selection = circuit.attend(
                    rows, rng=rng, budget=Budget(spikes=spikes), record="counts", engine=ctx.engine
                )
                dispersed[kind, spikes] = dispersion(selection.counts)
    return Law(residual=law, dispersion=dispersed)


def _probe(params: Params, ctx: RunContext) -> dict[str, Probed]:
    """Token identity from the residual of one network, by every kind of attention, and with skips."""
    rng = ctx.rng
    layers = rotations(params.depth - 2, WIDTH, N_HEADS, rng)
    vectors = rng.normal(size=(N_TOKEN_KINDS, WIDTH))
    tokens = rng.integers(0, N_TOKEN_KINDS, (params.probed, params.n_tokens))
    heads = _heads(params, ctx, params.budget)
    probed = {}
    for kind, head in {**heads, "skip": heads["spiking"]}.items():
        with ctx.progress.stage("what the residual says", share=1 / (len(heads) + 1)):
            parts = Parts(skip=kind == "skip", norm=False)
            probed[kind] = identity_by_layer(layers, tokens, vectors, head, parts)
    return probed


def _sort(params: Params, ctx: RunContext) -> Sorting:
    """The same first weights and sequences for every kind; gradients before training, accuracy after it."""
    seed, numbers = int(ctx.rng.integers(2**31)), drawn(N_SORTED, ctx.rng)
    heads = _heads(params, ctx, params.train_spikes, gradient=True)
    kinds = {
        **{kind: (heads[kind], Parts()) for kind in ("softmax", *CIRCUITS) if kind in heads},
        "skip": (EXACT, Parts(skip=True)),
        "skip, spiking": (heads["spiking"], Parts(skip=True)),
    }
    models, slopes, accuracy = {}, {}, {}
    for kind, (head, parts) in kinds.items():
        with ctx.progress.stage(f"sorting, {kind}", share=1 / len(kinds)) as progress:
            models[kind] = Sorter(params.sort_layers, np.random.default_rng(seed))
            slopes[kind] = gradients(models[kind], numbers, parts, head)
            batches = np.random.default_rng([seed, 1])
            trained(models[kind], parts, head, params.iterations, batches, progress)
            accuracy[kind] = scored(models[kind], numbers, parts, head)
    return Sorting(
        gradients=slopes,
        accuracy=accuracy,
        chance=chance(numbers),
        paths=paths(models["skip"], numbers, EXACT),
    )


def _circles(params: Params, ctx: RunContext) -> dict[str, np.ndarray]:
    """Tracks of the two points, kind -> (seeds, steps, 2, 2)."""
    first = int(ctx.rng.integers(2**31))
    spiking = _heads(params, ctx, params.train_spikes, gradient=True)["spiking"]
    ours, theirs = (
        Schooling(iterations=params.iterations),
        replace(AS_PUBLISHED, iterations=params.published_steps),
    )
    kinds = {
        "softmax": (EXACT, Parts(), ours),
        "spiking": (spiking, Parts(), ours),
        "skip": (EXACT, Parts(skip=True), ours),
        "published": (EXACT, Parts(), theirs),
        "published, skip": (EXACT, Parts(), replace(theirs, adds=True)),
    }
    tracks = {}
    for kind, (head, parts, schooling) in kinds.items():
        with ctx.progress.stage(f"circles, {kind}", share=1 / len(kinds)):
            rngs = [np.random.default_rng([first, seed]) for seed in range(params.seeds)]
            tracks[kind] = np.stack([run_around(parts, head, schooling, rng) for rng in rngs])
    return tracks
