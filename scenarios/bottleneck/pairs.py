"""Trained memories of pairs: one layer that is shown pairs of key and value and then asked for every key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pragmatic.attention import Head, dot_product_head, linear_attention
from pragmatic.machines.pair_memory import PairMemory, answered, draw_pairs
from pragmatic.score_maps import Softmax, Uniform
from scenarios.bottleneck.memory import Right
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import spiking_map

if TYPE_CHECKING:
    from scenarios.bottleneck import Params

__all__ = ["IN_CONTEXT", "answered_pairs"]

SYMBOLS, IN_CONTEXT = 128, 16  # keys that there are, and as many values; pairs that are shown
BATCH, LEARNING_RATE = 64, 1e-2


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
            memory = PairMemory(width, SYMBOLS, head, np.random.default_rng([base, width, 0]))
            _train(memory, params.pair_iterations, np.random.default_rng([base, width, 1]))
            of_width[kind, 0] = answered(memory, held_out)
            if kind == "softmax":
                for reader in params.readers:
                    memory.head = dot_product_head(spiking_map(params.row_circuit(), reader, ctx))
                    of_width[reader] = answered(memory, held_out)
        right[width] = of_width
        ctx.progress((at + 1) / len(params.widths))
    return right


def _pairs(n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    return draw_pairs(n, IN_CONTEXT, SYMBOLS, rng)


def _train(memory: PairMemory, n_iterations: int, rng: np.random.Generator) -> None:
    optimizer = torch.optim.Adam(memory.parameters(), LEARNING_RATE)
    for _ in range(n_iterations):
        memory.learn(_pairs(BATCH, rng), optimizer)
