"""Values to which their own softmax over positions is added, in models that were trained without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bridge import swap
from pragmatic.attention import Attended, Head, dot_product_head
from pragmatic.score_maps import Softmax
from pragmatic.tasks.batch import Task
from pragmatic.tasks.text import Text
from pragmatic.training.evaluation import score_sequences
from pragmatic.training.train import train
from pragmatic.transformer import Transformer, TransformerParams
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.trainings import schedule

if TYPE_CHECKING:
    from scenarios.search_attention import Params

__all__ = ["BATCH", "LEARNING_RATE", "LENGTH", "CrossNormalised", "curve_of_alpha"]

LENGTH, BATCH, WINDOWS = 32, 16, 256
LEARNING_RATE, TUNE_RATE = 3e-3, 1e-3


@dataclass(frozen=True)
class CrossNormalised:
    """A head whose values are V + alpha x softmax of V over positions, each component for itself.

    The softmax runs over the positions up to each one's own, since a later one must not be seen.
    """

    alpha: float
    head: Head

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        share = torch.exp(value - value.logcumsumexp(dim=-2))
        return self.head(query, key, value + self.alpha * share, mask)


def curve_of_alpha(params: Params, ctx: RunContext) -> np.ndarray:
    """Held-out loss after tuning, (n_alphas, n_seeds, n_windows) in nats; all start from a seed's one model."""
    base, task = int(ctx.rng.integers(2**31)), Text.embedded(length=LENGTH)
    sizes = TransformerParams(n_vocab=task.n_vocab, n_layers=2, n_heads=2, width=48, n_context=LENGTH)
    loss = [[np.empty(0)] * params.seeds for _ in params.all_alphas]
    for seed in range(params.seeds):
        model = Transformer(sizes, np.random.default_rng([base, seed, 0]))
        _train(model, task, params.iterations, LEARNING_RATE, [base, seed, 1])
        first = {name: tensor.clone() for name, tensor in model.tensors().items()}
        for at, alpha in enumerate(params.all_alphas):
            with torch.no_grad():
                for name, tensor in model.tensors().items():
                    tensor.copy_(first[name])
            with swap(model, head=CrossNormalised(alpha, dot_product_head(Softmax()))):
                _train(model, task, params.tune_iterations, TUNE_RATE, [base, seed, 2])
                loss[at][seed] = score_sequences(model, task.held_out(WINDOWS)).loss
            ctx.progress((seed + (at + 1) / len(params.all_alphas)) / params.seeds)
    return np.array(loss)


def _train(model: Transformer, task: Task, n_iterations: int, rate: float, seed: list[int]) -> None:
    train(
        model,
        task,
        schedule(n_iterations, BATCH, rate, n_held_out=1, evaluate_every=n_iterations),
        rng=np.random.default_rng(seed),
    )
