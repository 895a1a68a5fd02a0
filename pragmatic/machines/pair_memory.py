"""A memory of pairs of key and value that learns to answer: one layer of attention between two embeddings."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.attention import Head

__all__ = ["PairMemory", "answered", "draw_pairs"]


class PairMemory(nn.Module):
    """Multi-query recall (Arora et al. 2023, Zoology, arXiv:2312.04927), with key and value of a pair in one place.

    There they are tokens in turn (`sequence_memory`), and a first layer or a short convolution has to join them;
    what is asked here is the second step alone: how much a memory of this width gives back.

    Parameters
    ----------
    width : int
        Of queries, keys and values: a linear head's state is width x width.
    n_symbols : int
        Keys that there are, and as many values.
    head : Head
    rng : numpy.random.Generator
        Draws the first weights, uniform in +-1 / sqrt(width).
    """

    def __init__(self, width: int, n_symbols: int, head: Head, rng: np.random.Generator) -> None:
        super().__init__()
        self.head = head

        def drawn(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.from_numpy(rng.uniform(-1, 1, shape) / width**0.5).float())

        self.keys, self.values = drawn(n_symbols, width), drawn(n_symbols, width)
        self.to_query, self.to_key, self.to_logits = (
            drawn(width, width),
            drawn(width, width),
            drawn(width, n_symbols),
        )

    def forward(self, key: Tensor, value: Tensor) -> Tensor:
        """Logits of the value of each key, (B, n_pairs, n_symbols); keys and values are (B, n_pairs) int64."""
        embedded = self.keys[key]  # (B, n_pairs, width)
        read, _ = self.head(embedded @ self.to_query, embedded @ self.to_key, self.values[value])
        return read @ self.to_logits

    def learn(self, pairs: tuple[Tensor, Tensor], optimizer: torch.optim.Optimizer) -> None:
        """Take one step on the cross-entropy of these keys' values."""
        key, value = pairs
        loss = functional.cross_entropy(self(key, value).flatten(0, 1), value.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def draw_pairs(n: int, n_pairs: int, n_symbols: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw different keys and any values, each (n, n_pairs)."""
    keys = np.argsort(rng.random((n, n_symbols)), axis=1)[:, :n_pairs]
    return torch.from_numpy(keys.copy()), torch.from_numpy(rng.integers(0, n_symbols, (n, n_pairs)))


@torch.no_grad()
def answered(memory: PairMemory, pairs: tuple[Tensor, Tensor]) -> np.ndarray:
    """Compute the share of each set's values that are right, (n_sets,)."""
    key, value = pairs
    return (memory(key, value).argmax(dim=-1) == value).double().mean(dim=1).numpy()
