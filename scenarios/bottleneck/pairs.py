"""Trained memories of pairs: one layer that is shown pairs of key and value and then asked for every key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.attention import Head, dot_product_head, linear_attention
from pragmatic.score_maps import Softmax, Uniform
from scenarios.bottleneck.memory import Right
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import spiking_map

if TYPE_CHECKING:
    from scenarios.bottleneck import Params

__all__ = ["IN_CONTEXT", "PairMemory", "answered_pairs"]

SYMBOLS, IN_CONTEXT = 128, 16  # keys that there are, and as many values; pairs that are shown
BATCH, LEARNING_RATE = 64, 1e-2


class PairMemory(nn.Module):
    """Multi-query recall (Arora et al. 2023, Zoology, arXiv:2312.04927), with key and value of a pair in one place.

    There each is a token of its own, and a first layer or a short convolution has to join them; what is asked
    here is the second step alone: how much a memory of this width gives back.

    Parameters
    ----------
    width : int
        Of queries, keys and values: a linear head's state is width x width.
    head : Head
    rng : numpy.random.Generator
        Draws the first weights, uniform in +-1 / sqrt(width).
    """

    def __init__(self, width: int, head: Head, rng: np.random.Generator) -> None:
        super().__init__()
        self.head = head

        def drawn(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.from_numpy(rng.uniform(-1, 1, shape) / width**0.5).float())

        self.keys, self.values = drawn(SYMBOLS, width), drawn(SYMBOLS, width)
        self.to_query, self.to_key, self.to_logits = (
            drawn(width, width),
            drawn(width, width),
            drawn(width, SYMBOLS),
        )

    def forward(self, key: Tensor, value: Tensor) -> Tensor:
        """Logits of the value of each key, (B, n_pairs, SYMBOLS); keys and values are (B, n_pairs) int64."""
        embedded = self.keys[key]  # (B, n_pairs, width)
        read, _ = self.head(embedded @ self.to_query, embedded @ self.to_key, self.values[value])
        return read @ self.to_logits


def answered_pairs(params: Params, ctx: RunContext) -> dict[int, Right]:
    """Share of right values in each set of pairs, by width; heads with spikes are put into the softmax memory."""
    base = int(ctx.rng.integers(2**31))
    held_out = _pairs(params.windows, np.random.default_rng([base, 2]))
    right: dict[int, Right] = {}
    heads: dict[str, Head] = {
        "softmax": dot_product_head(Softmax()),
        "linear": linear_attention,
        "uniform": dot_product_head(Uniform()),
    }
    for at, width in enumerate(params.widths):
        of_width: Right = {}
        for kind, head in heads.items():
            memory = PairMemory(width, head, np.random.default_rng([base, width, 0]))
            _train(memory, params.pair_iterations, np.random.default_rng([base, width, 1]))
            of_width[kind, 0] = _answered(memory, held_out)
            if kind == "softmax":
                for reader in params.readers:
                    memory.head = dot_product_head(spiking_map(params.row_circuit(), reader, ctx))
                    of_width[reader] = _answered(memory, held_out)
        right[width] = of_width
        ctx.progress((at + 1) / len(params.widths))
    return right


def _pairs(n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Different keys and any values, each (n, IN_CONTEXT)."""
    keys = np.argsort(rng.random((n, SYMBOLS)), axis=1)[:, :IN_CONTEXT]
    return torch.from_numpy(keys.copy()), torch.from_numpy(rng.integers(0, SYMBOLS, (n, IN_CONTEXT)))


def _train(memory: PairMemory, n_iterations: int, rng: np.random.Generator) -> None:
    optimizer = torch.optim.Adam(memory.parameters(), LEARNING_RATE)
    for _ in range(n_iterations):
        key, value = _pairs(BATCH, rng)
        loss = functional.cross_entropy(memory(key, value).flatten(0, 1), value.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def _answered(memory: PairMemory, pairs: tuple[Tensor, Tensor]) -> np.ndarray:
    """Share of each set's values that are right, (n_sets,)."""
    key, value = pairs
    return (memory(key, value).argmax(dim=-1) == value).double().mean(dim=1).numpy()
