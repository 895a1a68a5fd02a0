"""A score of random models without training, against what training makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pragmatic.tasks.text import Text
from pragmatic.training.evaluation import score_sequences
from pragmatic.training.train import train
from pragmatic.transformer import Transformer, TransformerParams
from scenarios.search_attention.alpha import BATCH, LEARNING_RATE, LENGTH
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.trainings import schedule

if TYPE_CHECKING:
    from scenarios.search_attention import Params

__all__ = ["Candidates", "activity_score", "scored"]

LAYERS, HEADS, WIDTHS = (1, 2, 3), (1, 2, 4), (16, 32, 48, 64)
WINDOWS, SCORED = 128, 32


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Random models: what was known before training and what came of it, each (n_candidates,)."""

    score: np.ndarray
    n_parameters: np.ndarray
    loss: np.ndarray  # held out, nats


def scored(params: Params, ctx: RunContext) -> Candidates:
    """Draw models of random sizes, score each, train each as long as all others, and measure it."""
    task, rows = Text.embedded(length=LENGTH), []
    for at in range(params.candidates):
        sizes = TransformerParams(
            n_vocab=task.n_vocab,
            n_layers=int(ctx.rng.choice(LAYERS)),
            n_heads=int(ctx.rng.choice(HEADS)),
            width=int(ctx.rng.choice(WIDTHS)),
            n_context=LENGTH,
        )
        model, seed = Transformer(sizes, ctx.rng), int(ctx.rng.integers(2**31))
        score = activity_score(model, task.batch(SCORED, np.random.default_rng([seed, 0])).tokens)
        n_parameters = sum(weights.numel() for weights in model.parameters())
        rates = schedule(
            params.iterations, BATCH, LEARNING_RATE, n_held_out=1, evaluate_every=params.iterations
        )
        train(model, task, rates, rng=np.random.default_rng([seed, 1]))
        rows.append((score, n_parameters, score_sequences(model, task.held_out(WINDOWS)).loss.mean()))
        ctx.progress((at + 1) / params.candidates)
    score, n_parameters, loss = np.array(rows, dtype=float).T
    return Candidates(score=score, n_parameters=n_parameters, loss=loss)


@torch.no_grad()
def activity_score(model: Transformer, tokens: Tensor) -> float:
    """log |K|, where K counts the hidden units on which two sequences agree whether they are active.

    Mellor et al. (2021), Neural architecture search without training, ICML. Their units are rectifiers; here a
    unit of a block's network counts as active where its input is positive, at the last position.

    Parameters
    ----------
    model : Transformer
    tokens : Tensor, (B, T) int64
    """
    codes: list[Tensor] = []
    hooks = [
        block.norm_mlp.register_forward_hook(
            lambda _, __, x, into=block.to_hidden: codes.append(functional.linear(x[:, -1], into) > 0)
        )
        for block in model.blocks
    ]
    try:
        model(tokens)
    finally:
        for hook in hooks:
            hook.remove()
    active = torch.cat(codes, dim=1).double()  # (B, n_units)
    agreed = active @ active.T + (1 - active) @ (1 - active).T
    return float(torch.linalg.slogdet(agreed).logabsdet)
