"""Transformers whose layers attend to a memory of all layers, and recurrent networks to compare them with.

A plain decoder computes all positions at once: layer l sees layer l - 1 of the past and nothing higher. With
feedback each position, once all its layers are done, leaves one memory vector, and every layer of later positions
attends to these: low layers see what high ones made of the past, and the network is recurrent.

Fan, Lavril, Grave, Joulin and Sukhbaatar (2020), Addressing some limitations of transformers with feedback memory,
arXiv:2002.09402, section 3. Letters of the shapes: B batch, T length, C width, H heads, D = C / H, L layers, N
keys.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.attention import Head
from pragmatic.checks import at_least, check_rng
from pragmatic.masks import causal_mask
from pragmatic.tasks.batch import Task
from pragmatic.training.evaluation import token_losses
from pragmatic.training.train import TrainParams, learning_rate

__all__ = ["MEMORIES", "FeedbackParams", "FeedbackTransformer", "GatedReader", "learn_programs"]

MEMORIES = ("none", "first", "last", "all")
_VECTOR_STD = 0.5  # of tokens and positions, which only their sum tells apart


@dataclass(frozen=True, kw_only=True)
class FeedbackParams:
    """Sizes, and what a position leaves for later ones to attend to.

    "none": each layer its own input, as in a plain decoder. "all": one vector for all layers, the mean over the
    embedding and all layers' outputs with learnt weights. "last": the last layer's output. "first": the embedding,
    so that nothing is fed back.
    """

    n_vocab: int
    n_classes: int  # of the targets
    n_context: int
    n_layers: int = 2
    n_heads: int = 4
    width: int = 64
    memory: str = "all"

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name in ("n_vocab", "n_classes", "n_context", "n_layers", "n_heads", "width"):
            at_least(owner, name, getattr(self, name), 1)
        if self.width % self.n_heads:
            raise ValueError(
                f"{owner}.width must be a multiple of n_heads ({self.n_heads}), got {self.width}; "
                f"use {self.n_heads * math.ceil(self.width / self.n_heads)}"
            )
        if self.memory not in MEMORIES:
            raise ValueError(f"{owner}.memory must be one of {', '.join(MEMORIES)}; got {self.memory!r}")


class _Layer(nn.Module):
    """Attention to given keys and values, then a GELU network; norms before both, as in `pragmatic.transformer`."""

    def __init__(self, params: FeedbackParams, rng: np.random.Generator) -> None:
        super().__init__()
        width, small = params.width, 1 / math.sqrt(2 * params.n_layers)
        self.n_heads = params.n_heads
        self.norm_attention = nn.LayerNorm(width, bias=False)
        self.to_query = _matrix(rng, width, width)
        self.from_heads = _matrix(rng, width, width, small)
        self.norm_mlp = nn.LayerNorm(width, bias=False)
        self.to_hidden = _matrix(rng, 4 * width, width)
        self.from_hidden = _matrix(rng, width, 4 * width, small)

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, head: Head | None
    ) -> Tensor:
        query = functional.linear(self.norm_attention(x), self.to_query)  # (B, S, C)
        query = query.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)  # (B, H, S, D)
        if head is None:
            attended = functional.scaled_dot_product_attention(query, keys, values, mask)
        else:
            attended = head(query, keys, values, mask)[0]
        x = x + functional.linear(attended.transpose(1, 2).flatten(2), self.from_heads)
        hidden = functional.gelu(functional.linear(self.norm_mlp(x), self.to_hidden))
        return x + functional.linear(hidden, self.from_hidden)


class FeedbackTransformer(nn.Module):
    """A decoder of any `memory`; all kinds have the same matrices.

    Parameters
    ----------
    params : FeedbackParams
    rng : numpy.random.Generator
        Draws the initial parameters.

    Attributes
    ----------
    head : Head or None
        What attends in all places; exact softmax attention if None.

    Examples
    --------
    >>> sizes = FeedbackParams(n_vocab=48, n_classes=5, n_context=30)
    >>> model = FeedbackTransformer(sizes, np.random.default_rng(0))
    >>> model(torch.zeros(3, 30, dtype=torch.int64)).shape
    torch.Size([3, 30, 5])
    """

    def __init__(self, params: FeedbackParams, rng: np.random.Generator) -> None:
        super().__init__()
        check_rng(rng)
        self.params = params
        self.head: Head | None = None
        width = params.width
        self.token_vectors = _drawn(rng, _VECTOR_STD, params.n_vocab, width)
        self.position_vectors = _drawn(rng, _VECTOR_STD, params.n_context, width)
        self.layers = nn.ModuleList(_Layer(params, rng) for _ in range(params.n_layers))
        self.norm_memory = nn.LayerNorm(width, bias=False)
        self.to_memory = _matrix(rng, params.n_layers * 2 * width, width)  # keys and values of each layer
        self.start = _drawn(rng, _VECTOR_STD, 1, width)  # the memory before the first position
        self.level_logits = nn.Parameter(torch.zeros(params.n_layers + 1))
        self.norm = nn.LayerNorm(width, bias=False)
        self.to_logits = _matrix(rng, params.n_classes, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, T, n_classes) at every position of the tokens (B, T), from it and those before."""
        if tokens.shape[1] > self.params.n_context:
            raise ValueError(
                f"a sequence must not be longer than the model's context of {self.params.n_context} tokens, got "
                f"{tokens.shape[1]}; cut it, or build a model with a longer n_context"
            )
        x = self.token_vectors[tokens] + self.position_vectors[: tokens.shape[1]]  # (B, T, C)
        if self.params.memory == "none":
            x = self._plain(x)
        elif self.params.memory == "first":
            x = self._unfed(x)
        else:
            x = self.recurrent(x)
        return functional.linear(self.norm(x), self.to_logits)

    def recurrent(self, x: Tensor) -> Tensor:
        """One position after the other, for any memory but "none": (B, T, C) -> (B, T, C)."""
        levels, outputs = self._levels(), []
        kept = [self._keys_and_values(self.start.expand(len(x), 1, -1))]  # (L, 2, B, H, 1, D) each
        for now in x.split(1, dim=1):
            memories = torch.cat(kept, dim=-2)  # (L, 2, B, H, N, D)
            heights = [now]
            for layer, (keys, values) in zip(self.layers, memories, strict=True):
                heights.append(layer(heights[-1], keys, values, None, self.head))
            outputs.append(heights[-1])
            kept.append(self._keys_and_values((levels[:, None, None, None] * torch.stack(heights)).sum(0)))
        return torch.cat(outputs, dim=1)

    def _plain(self, x: Tensor) -> Tensor:
        sees = causal_mask(x.shape[1], x.shape[1])
        for at, layer in enumerate(self.layers):
            keys, values = self._keys_and_values(x)[at]
            x = layer(x, keys, values, sees, self.head)
        return x

    def _unfed(self, x: Tensor) -> Tensor:
        """As `recurrent` with the embeddings as memory, which are all known at once."""
        n = x.shape[1]
        memories = self._keys_and_values(torch.cat([self.start.expand(len(x), 1, -1), x[:, :-1]], dim=1))
        for layer, (keys, values) in zip(self.layers, memories, strict=True):
            x = layer(x, keys, values, causal_mask(n, n, device=x.device), self.head)
        return x

    def _keys_and_values(self, x: Tensor) -> Tensor:
        """For every layer, (B, N, C) -> (L, 2, B, H, N, D)."""
        params = self.params
        both = functional.linear(self.norm_memory(x), self.to_memory)  # (B, N, L 2 C)
        return both.unflatten(-1, (params.n_layers, 2, params.n_heads, -1)).permute(2, 3, 0, 4, 1, 5)

    def _levels(self) -> Tensor:
        """Weights of the embedding and of each layer's output in a memory, (L + 1,)."""
        if self.params.memory == "all":
            return self.level_logits.softmax(0)
        kept = 0 if self.params.memory == "first" else self.params.n_layers
        return functional.one_hot(torch.tensor(kept, device=self.start.device), self.params.n_layers + 1).to(
            self.start.dtype
        )


class GatedReader(nn.Module):
    """Gated recurrent units (Cho et al. 2014, EMNLP) in layers, with the logits of a `FeedbackTransformer`."""

    def __init__(self, params: FeedbackParams, rng: np.random.Generator) -> None:
        super().__init__()
        check_rng(rng)
        width = params.width
        self.token_vectors = _drawn(rng, _VECTOR_STD, params.n_vocab, width)
        self.units = nn.GRU(width, width, params.n_layers, batch_first=True)
        for weights in self.units.parameters():
            drawn = rng.uniform(-1, 1, tuple(weights.shape)) / math.sqrt(width)
            weights.data = torch.from_numpy(drawn).to(weights.dtype)
        self.to_logits = _matrix(rng, params.n_classes, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, T, n_classes)."""
        return functional.linear(self.units(self.token_vectors[tokens])[0], self.to_logits)


def learn_programs(
    model: nn.Module,
    task: Task,
    params: TrainParams,
    *,
    rng: np.random.Generator,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Train in place by AdamW; the loss of each batch, (n_iterations,) in nats a target."""
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(params.beta1, params.beta2), weight_decay=params.weight_decay, fused=True
    )
    losses = np.empty(params.n_iterations)
    for iteration in range(params.n_iterations):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(iteration, params)
        tokens, targets = task.batch(params.batch_size, rng)
        loss = token_losses(model(tokens), targets, reduction="mean")
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), params.max_gradient)
        optimizer.step()
        losses[iteration] = loss.item()
        if progress is not None:
            progress((iteration + 1) / params.n_iterations)
    return losses


def _matrix(rng: np.random.Generator, n_out: int, n_in: int, gain: float = 1.0) -> nn.Parameter:
    return _drawn(rng, gain / math.sqrt(n_in), n_out, n_in)


def _drawn(rng: np.random.Generator, std: float, *shape: int) -> nn.Parameter:
    drawn = torch.from_numpy(rng.normal(0.0, std, shape))
    return nn.Parameter(drawn.to(torch.get_default_dtype()))
