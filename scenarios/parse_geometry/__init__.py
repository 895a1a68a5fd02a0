"""Scenario parse-geometry: do a transformer's vectors keep the parse tree when its attention spikes?"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge import SpikingHead, swap
from pragmatic.tasks.grammar import sentences
from pragmatic.trees import Tree, exact_embedding, linear, read_conllu, spanning
from scenarios.parse_geometry.figures import figures
from scenarios.parse_geometry.learnt import learn_grammar
from scenarios.parse_geometry.measures import Condition, Geometry, Study, in_data, in_numbers
from scenarios.parse_geometry.probe import attention_accuracy, judged, structural
from scenarios.parse_geometry.word_vectors import MODELS, fresh_weights, read_words
from scenarios.parse_geometry.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.pretrained import Pretrained
from scenarios.workbench.readers import HEADS, check_softmax
from spiking import GammaCircuit, GammaParams, RowCircuit

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Distances between a transformer's word vectors follow the parse tree. How many spikes does attention need for "
    "that, and does the tree come from training?"
)
HELD_OUT = 3  # one sentence in so many judges the probes
SHOWN = 64  # spikes of the headline: the budget nearest to it
DRAWN = 10  # sentences of the grammar for each that is asked for, since many are too long
N_WORDS, DIMENSIONS = 20, (8, 16, 32, 64, 128)  # of trees embedded by random directions


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    circuit: str = param("brief", "the circuit in question; regular-brief stands next to it")
    trees: str | None = param(
        None, "CoNLL-U file; sentences of a small English grammar, which are drawn, if none"
    )
    n_sentences: int = param(400, "sentences at most, a third of them held out", at_least=9)
    longest: int = param(40, "words of the longest sentence", at_least=12, at_most=100)
    rank: int = param(64, "dimensions of the probe", at_least=1, at_most=384)
    epochs: int = param(20, "of each probe's fit", at_least=1)
    spikes: tuple[int, ...] = param((8, 64, 512), "spikes per row", at_least=1)
    heads: tuple[str, ...] = param(HEADS, f"that attend, of: {', '.join(HEADS)}", choices=HEADS)
    model: str = param("minilm", f"that reads, one of: {', '.join(MODELS)}", choices=tuple(MODELS))
    n_trees: int = param(100, "random trees that are embedded by random directions", at_least=2)
    grammar_iterations: int = param(1000, "of small models that learn the grammar", at_least=1)
    grammar_sentences: int = param(900, "of it that they are probed with", at_least=9)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")
        check_softmax(self.heads)

    @property
    def shown(self) -> int:
        """The budget of the headline, and of the model that learns with spikes."""
        return min(self.spikes, key=lambda n: abs(np.log(n / SHOWN)))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Fit the same probes to every kind of attention."""
    trees = _trees(params, ctx.rng)
    with ctx.progress.stage("read the model", share=0.02):
        pretrained = MODELS[params.model]()
        fresh = fresh_weights(pretrained, ctx.rng)
    n_fit = len(trees) - len(trees) // HELD_OUT
    heads = _heads(params, ctx)
    cost = np.array([1.0 + spikes / 64 for _, spikes in heads])
    conditions, seed = {}, int(ctx.rng.integers(2**31))
    for (key, head), share in zip(heads.items(), cost / cost.sum(), strict=True):
        model = fresh if key[0] == "untrained" else pretrained
        with ctx.part(" ".join(map(str, key)).removesuffix(" 0"), share=0.7 * share) as part:
            conditions[key] = _probed(params, part, model, head, trees, n_fit, seed)
    with ctx.part("small models", share=0.28) as part:
        learnts = learn_grammar(params, part, params.shown)
    held_out = trees[n_fit:]
    study = Study(
        params=params,
        conditions=conditions,
        linear=judged(held_out, [linear(len(tree.words)) for tree in held_out]),
        trees=held_out,
        n_fit=n_fit,
        learnts=learnts,
        geometry=_geometry(params, ctx.rng),
    )
    data = in_data(study, ctx.rng)
    metrics = in_numbers(study, data)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=_headline(params),
        pictures=figures(study, data),
        **in_words(metrics, study),
    )


def _headline(params: Params) -> tuple[str, str, str]:
    second = f"uuas_{params.shown}" if "spiking" in params.heads else "uuas_linear"
    return ("uuas", second, "attention")


def _trees(params: Params, rng: np.random.Generator) -> list[Tree]:
    """The file's sentences of at least two words, or drawn ones, in random order."""
    if params.trees is None:
        given = sentences(DRAWN * params.n_sentences, rng)
    else:
        try:
            given = read_conllu(params.trees)
        except ValueError as error:
            raise UsageError(str(error)) from error
    fitting = [tree for tree in given if 2 <= len(tree.words) <= params.longest and tree.counted.sum() > 1]
    if len(fitting) < 2 * HELD_OUT:
        raise UsageError(
            f"trees must hold at least {2 * HELD_OUT} sentences of 2 to {params.longest} words, got "
            f"{len(fitting)} in {params.trees or 'the grammar'}; give more, or a larger longest"
        )
    return [fitting[i] for i in rng.permutation(len(fitting))[: params.n_sentences]]


def _heads(params: Params, ctx: RunContext) -> dict[tuple[str, int], SpikingHead | None]:
    """Kinds of attention and spikes per row: softmax, the untrained model, spikes, and two at the shown budget."""
    ours = params.row_circuit()

    def head(circuit: RowCircuit, spikes: int, mode: str = "simulated") -> SpikingHead:
        seed = int(ctx.rng.integers(2**31))
        return SpikingHead(circuit, spikes=spikes, mode=mode, engine=ctx.engine, seed=seed, gradient=False)

    heads: dict[tuple[str, int], SpikingHead | None] = {("softmax", 0): None, ("untrained", 0): None}
    if "spiking" in params.heads:
        heads |= {("spikes", n): head(ours, n) for n in params.spikes}
        heads["regular", params.shown] = head(GammaCircuit(GammaParams.regular_brief()), params.shown)
    if "sampled" in params.heads:
        heads["samples", params.shown] = head(ours, params.shown, "sampled")
    return heads


def _probed(
    params: Params,
    ctx: RunContext,
    model: Pretrained,
    head: SpikingHead | None,
    trees: list[Tree],
    n_fit: int,
    seed: int,
) -> Condition:
    """Read all sentences with this head, then fit and judge a probe at every layer, all fits with one seed."""
    swapped: AbstractContextManager[Any] = nullcontext() if head is None else swap(model.model, head=head)
    with ctx.progress.stage("read", share=0.5) as progress, swapped:
        read = read_words(model, trees, progress)
    options: dict[str, Any] = {"rank": params.rank, "epochs": params.epochs}
    layers = []
    for layer in range(len(read.vectors[0])):
        with ctx.progress.stage("probe", share=0.5 / len(read.vectors[0])):
            vectors = [own[layer] for own in read.vectors]
            layers.append(structural(vectors, trees, n_fit, rng=np.random.default_rng(seed), **options))
    right = attention_accuracy(read.attention, trees, n_fit, np.random.default_rng(seed))
    return Condition(layers=layers, attention=right)


def _geometry(params: Params, rng: np.random.Generator) -> Geometry:
    """Embed random trees, each word one direction from its head: orthonormal ones, and random ones."""
    right = np.zeros((len(DIMENSIONS), params.n_trees))
    worst = 0.0
    for tree in range(params.n_trees):
        heads = np.array([-1, *(int(rng.integers(word)) for word in range(1, N_WORDS))])
        grown = Tree(words=("w",) * N_WORDS, heads=heads, counted=np.ones(N_WORDS, dtype=bool))
        exact = _squared(exact_embedding(heads, np.eye(N_WORDS)))
        worst = max(worst, float(np.abs(exact - grown.distances).max()))
        for i, dimension in enumerate(DIMENSIONS):
            directions = rng.normal(size=(N_WORDS, dimension)) / np.sqrt(dimension)
            found = spanning(_squared(exact_embedding(heads, directions)))
            right[i, tree] = len(found & spanning(grown.distances)) / (N_WORDS - 1)
    return Geometry(dimensions=DIMENSIONS, right=right, worst=worst)


def _squared(vectors: np.ndarray) -> np.ndarray:
    return ((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1)
