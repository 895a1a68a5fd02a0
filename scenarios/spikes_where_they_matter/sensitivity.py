"""What an error in each attention weight of a language model costs, by one backward pass over text.

Small errors e of the weights move the prediction of the next tokens by

    KL = 1/2 E[(sum_j g_j e_j)^2],

g the gradient of the log-probability of tokens that the model itself draws (the Fisher information; Amari 1998,
Neural Computation 10:251). Errors of keys are independent but for the row's sum of 1, so that

    KL = 1/2 sum_j c_j var(e_j),   c_j = (g_j - sum_k p_k g_k)^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge import swap
from bridge.heads.uneven import row_spread
from pragmatic import dot_product_head
from pragmatic.masks import masked_scores

__all__ = ["Layer", "Needs", "curvature", "measure_needs"]

DRAWS = 2  # of the tokens at all places of a window


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a model on one window."""

    log_weights: Tensor  # (n_heads, n_queries, n_keys), -inf where a key takes no part
    cost: Tensor  # c, the same shape, of the KL of one token


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What the heads of a model need, layers one after another."""

    n_heads: list[int]  # of each layer
    spread: np.ndarray  # (n_places, n_queries) sum of p^(2/3) of a row, mean over windows
    cost: np.ndarray  # (n_places,) c, the mean over keys with weights p^(2/3)

    @property
    def places(self) -> list[tuple[int, int]]:
        """(layer, head) of each place."""
        return [(layer, head) for layer, n in enumerate(self.n_heads) for head in range(n)]


@dataclass
class _Watched:
    """A softmax that keeps its weights, and a variable added to them whose gradient is theirs."""

    log_weights: list[Tensor] = field(default_factory=list)
    added: list[Tensor] = field(default_factory=list)

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        log_weights = masked_scores(scores, mask).log_softmax(-1)
        self.added.append(torch.zeros_like(log_weights, requires_grad=True))
        self.log_weights.append(log_weights.detach()[0])
        return log_weights.exp() + self.added[-1]


def curvature(model: Any, window: Tensor, rng: np.random.Generator) -> Iterator[Layer]:
    """Each layer's weights on a window, and what their errors cost.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    window : Tensor, (length,) int64
    rng : numpy.random.Generator
        Draws the tokens.
    """
    watched = _Watched()
    with swap(model, head=dot_product_head(watched)), torch.enable_grad():
        log_p = model(window[None]).logits[0, :-1].float().log_softmax(-1)  # (length - 1, n_vocab)
    cost = [torch.zeros_like(each) for each in watched.log_weights]
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    for _ in range(DRAWS):
        tokens = torch.multinomial(log_p.detach().exp(), 1, generator=generator)
        drawn = log_p.gather(-1, tokens).sum()
        for n, gradient in enumerate(torch.autograd.grad(drawn, watched.added, retain_graph=True)):
            g, p = gradient[0], watched.log_weights[n].exp()
            cost[n] += (g - (p * g).sum(-1, keepdim=True)) ** 2 / (DRAWS * len(tokens))
    for log_weights, each in zip(watched.log_weights, cost, strict=True):
        yield Layer(log_weights=log_weights, cost=each)


def measure_needs(model: Any, windows: Tensor, rng: np.random.Generator) -> Needs:
    """How many spikes the rows of each head need, and what their errors cost, on text that is not judged."""
    spread, weighed, n_heads = [], [], []
    for window in windows:
        layers = list(curvature(model, window, rng))
        n_heads = [len(layer.cost) for layer in layers]
        spread.append(torch.cat([row_spread(layer.log_weights) for layer in layers]).numpy())
        weighed.append(torch.cat([_weighed(layer) for layer in layers]).numpy())
    mean_spread = np.mean(spread, axis=0)
    return Needs(n_heads=n_heads, spread=mean_spread, cost=np.mean(weighed, axis=0) / mean_spread.sum(axis=1))


def _weighed(layer: Layer) -> Tensor:
    """Sum of c p^(2/3) over the rows of each head, (n_heads,)."""
    return (layer.cost * (layer.log_weights * 2 / 3).exp()).sum((-2, -1))
