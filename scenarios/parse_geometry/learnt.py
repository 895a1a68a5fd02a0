"""Small models that learn the grammar with softmax or with spikes, and the trees that a probe reads in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from bridge import SpikingHead, swap
from pragmatic.attention import Head, dot_product_head
from pragmatic.score_maps import Softmax
from pragmatic.tasks.grammar import MaskedSentences
from pragmatic.training.evaluation import evaluate
from pragmatic.training.train import train
from pragmatic.transformer import Transformer, TransformerParams
from pragmatic.trees import Tree, linear
from scenarios.parse_geometry.probe import Judged, judged, structural, whitened
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.trainings import schedule

if TYPE_CHECKING:
    from scenarios.parse_geometry import Params

__all__ = ["Learnt", "Learnts", "learn_grammar"]

TASK = MaskedSentences(length=20)
SIZES = TransformerParams(
    n_vocab=TASK.n_vocab, n_layers=3, n_heads=4, width=64, n_context=TASK.length, causal=False
)
BATCH, LEARNING_RATE = 32, 3e-3
RANK, EPOCHS = 32, 30  # of the probes
WINDOWS = 256  # held-out sentences with hidden words


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """A small model: how well it guesses hidden words, and what probes read in it."""

    loss: float  # nats for a hidden word
    layers: Sequence[Judged]  # embeddings first


@dataclass(frozen=True, kw_only=True)
class Learnts:
    """Models with the same first weights: before training, trained with softmax, and trained with spikes."""

    models: Mapping[str, Learnt]  # "fresh", "softmax", "spikes"
    linear: Judged

    @property
    def best(self) -> int:
        """The layer at which the model trained with softmax has most edges right."""
        return int(np.argmax([judged.right.sum() for judged in self.models["softmax"].layers]))

    @property
    def best_fresh(self) -> int:
        """The same of the untrained model."""
        return int(np.argmax([judged.right.sum() for judged in self.models["fresh"].layers]))


def learn_grammar(params: Params, ctx: RunContext, spikes: int) -> Learnts:
    """Train, and probe each model with the heads that it has learnt with."""
    weights, batches, seed = (int(ctx.rng.integers(2**31)) for _ in range(3))
    heads: dict[str, Head] = {"fresh": dot_product_head(Softmax()), "softmax": dot_product_head(Softmax())}
    if "spiking" in params.heads:
        heads["spikes"] = SpikingHead(params.row_circuit(), spikes=spikes, engine=ctx.engine, seed=seed)
    trees = TASK.trees(params.grammar_sentences, np.random.default_rng(batches + 1))
    n_fit = 2 * len(trees) // 3
    held_out = TASK.held_out(WINDOWS)
    models = {}
    for name, head in heads.items():
        model = Transformer(SIZES, np.random.default_rng(weights))
        with (
            ctx.progress.stage(f"the grammar, {name}", share=1 / len(heads)) as progress,
            swap(model, head=head),
        ):
            if name != "fresh":
                rates = schedule(params.grammar_iterations, BATCH, LEARNING_RATE)
                rng = np.random.default_rng(batches)
                kept = ctx.checkpoint(f"grammar-{name}")
                train(model, TASK, rates, rng=rng, checkpoint=kept, progress=progress)
            models[name] = Learnt(
                loss=evaluate(model, held_out).loss, layers=_probed(model, trees, n_fit, weights)
            )
    return Learnts(
        models=models, linear=judged(trees[n_fit:], [linear(len(tree.words)) for tree in trees[n_fit:]])
    )


def _probed(model: Transformer, trees: list[Tree], n_fit: int, seed: int) -> list[Judged]:
    """A probe at every layer, all fits with one seed."""
    return [
        structural(
            whitened(vectors, n_fit),
            trees,
            n_fit,
            rank=RANK,
            epochs=EPOCHS,
            rng=np.random.default_rng(seed),
        )
        for vectors in _vectors(model, trees)
    ]


@torch.no_grad()
def _vectors(model: Transformer, trees: Sequence[Tree]) -> list[list[np.ndarray]]:
    """Of each layer, embeddings first, the words of every sentence (n_words, width)."""
    x = model.token_vectors[torch.from_numpy(TASK.tokens(trees))] + model.position_vectors
    states = [x]
    for block in model.blocks:
        states.append(block(states[-1], None)[0])
    return [
        [own[: len(tree.words)].numpy() for own, tree in zip(state, trees, strict=True)] for state in states
    ]
