"""Sorting through a deep network with and without skips: accuracy, gradients, and which paths carry it.

After the sorting task of Dong, Cordonnier and Loukas (2021): sequences of 8, six layers of width 48, two heads.
That gradients of queries and keys vanish with the rank is shown by Noci, Anagnostidis, Biggio, Orvieto, Singh and
Lucchi (2022), Signal propagation in transformers: theoretical perspectives and the role of rank collapse, NeurIPS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic import Head
from pragmatic.attention_layer import AttentionLayer, Parts, by_path_length, relative_residual

__all__ = ["Gradients", "Paths", "Sorter", "chance", "drawn", "gradients", "paths", "scored", "trained"]

LENGTH, N_VALUES, WIDTH, N_HEADS = 8, 16, 48, 2
BATCH, LEARNING_RATE = 64, 2e-3


class Sorter(nn.Module):
    """Numbers in, at each place the number that belongs there when they are sorted."""

    def __init__(self, n_layers: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.values, self.places, self.read = (
            nn.Parameter(torch.from_numpy(rng.normal(0, WIDTH**-0.5, (n, WIDTH))).float())
            for n in (N_VALUES, LENGTH, N_VALUES)
        )
        self.layers = nn.ModuleList(AttentionLayer(WIDTH, N_HEADS, rng).float() for _ in range(n_layers))

    def embed(self, numbers: Tensor) -> Tensor:
        """Vectors (B, T, C) of size about 1 a component."""
        return (self.values[numbers] + self.places) * WIDTH**0.5

    def forward(self, numbers: Tensor, parts: Parts, head: Head) -> tuple[Tensor, list[Tensor]]:
        """Give the last layer's vectors (B, T, C) and the weights of each layer."""
        x, kept = self.embed(numbers), []
        for layer in self.layers:
            x, weights = layer(x, parts, head)
            kept.append(weights)
        return x, kept

    def logits(self, x: Tensor) -> Tensor:
        """Of each number at each place, (B, T, N_VALUES); the scale of x does not matter."""
        return functional.linear(functional.layer_norm(x, (WIDTH,)), self.read)

    def loss(self, numbers: Tensor, parts: Parts, head: Head) -> Tensor:
        """Cross entropy in nats."""
        logits = self.logits(self(numbers, parts, head)[0])
        return functional.cross_entropy(logits.flatten(0, 1), numbers.sort(dim=1).values.flatten())


@dataclass(frozen=True, kw_only=True)
class Gradients:
    """What arrives at queries and keys of each layer at the start."""

    size: np.ndarray  # (n_layers,) norm of the gradient
    agreement: np.ndarray  # (n_layers,) cosine between gradients of two draws of spikes on the same sequences


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The output split by the length of paths, for a network with skips and without MLP."""

    residual: np.ndarray  # (n_layers + 1,) relative residual of the paths of one length
    alone: np.ndarray  # (n_layers + 1, n_sequences) accuracy read from these
    up_to: np.ndarray  # (n_layers + 1, n_sequences) accuracy read from all that are no longer


def drawn(n: int, rng: np.random.Generator) -> Tensor:
    """Sequences of numbers, (n, LENGTH)."""
    return torch.from_numpy(rng.integers(0, N_VALUES, (n, LENGTH)))


def trained(
    model: Sorter,
    parts: Parts,
    head: Head,
    n_iterations: int,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> Sorter:
    """Train with Adam and a gradient of norm at most 1, the rate falling to 0."""
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, n_iterations)
    for i in range(n_iterations):
        loss = model.loss(drawn(BATCH, rng), parts, head)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        falling.step()
        progress((i + 1) / n_iterations)
    return model


@torch.no_grad()
def scored(model: Sorter, numbers: Tensor, parts: Parts, head: Head) -> np.ndarray:
    """Fraction of places that are right, of each sequence."""
    return _right(model.logits(model(numbers, parts, head)[0]), numbers)


def chance(numbers: Tensor) -> np.ndarray:
    """The same for the best constant guess at each place."""
    wanted = numbers.sort(dim=1).values
    return (wanted == wanted.mode(dim=0).values).double().mean(dim=1).numpy()


def gradients(model: Sorter, numbers: Tensor, parts: Parts, head: Head) -> Gradients:
    """Two passes over the same sequences."""
    first, second = (_of_queries_and_keys(model, numbers, parts, head) for _ in range(2))
    return Gradients(
        size=np.array([float(g.norm()) for g in first]),
        agreement=np.array(
            [float(functional.cosine_similarity(a, b, dim=0)) for a, b in zip(first, second, strict=True)]
        ),
    )


@torch.no_grad()
def paths(model: Sorter, numbers: Tensor, head: Head) -> Paths:
    """Split what a network with skips, without MLP, makes of the sequences."""
    _, weights = model(numbers, Parts(skip=True), head)
    layers = [layer for layer in model.layers if isinstance(layer, AttentionLayer)]
    each = by_path_length(layers, model.embed(numbers), weights)  # (L + 1, B, T, C)
    return Paths(
        residual=relative_residual(each.double()).mean(dim=1).numpy(),
        alone=np.stack([_right(model.logits(x), numbers) for x in each]),
        up_to=np.stack([_right(model.logits(x), numbers) for x in each.cumsum(dim=0)]),
    )


def _of_queries_and_keys(model: Sorter, numbers: Tensor, parts: Parts, head: Head) -> list[Tensor]:
    matrices = [layer.to_qkv for layer in model.layers if isinstance(layer, AttentionLayer)]
    found = torch.autograd.grad(model.loss(numbers, parts, head), matrices)
    return [gradient[: 2 * WIDTH].double().flatten() for gradient in found]


def _right(logits: Tensor, numbers: Tensor) -> np.ndarray:
    return (logits.argmax(-1) == numbers.sort(dim=1).values).double().mean(dim=1).numpy()
