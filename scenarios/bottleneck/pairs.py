"""Trained memories of pairs: one layer that reads keys and values in turn and is then asked for every key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pragmatic.attention import Head, dot_product_head, linear_attention
from pragmatic.machines.sequence_memory import SequenceMemory, answered
from pragmatic.score_maps import Softmax, Uniform
from pragmatic.tasks.synthetic import AssociativeRecall
from scenarios.bottleneck.memory import Right
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import spiking_map

if TYPE_CHECKING:
    from scenarios.bottleneck import Params

__all__ = ["IN_CONTEXT", "answered_pairs"]

IN_CONTEXT = 16  # pairs that are shown
TASK = AssociativeRecall(n_pairs=IN_CONTEXT, n_symbols=127, length=64)  # 255 tokens and blanks between
BATCH, LEARNING_RATE = 64, 1e-2


def answered_pairs(params: Params, ctx: RunContext) -> dict[int, Right]:
    """Share of right values in each sequence, by width; heads with spikes are put into the softmax memory."""
    base = int(ctx.rng.integers(2**31))
    held_out = TASK.held_out(params.windows)
    right: dict[int, Right] = {}
    heads: dict[str, Head] = {
        "softmax": dot_product_head(Softmax()),
        "linear": linear_attention,
        "uniform": dot_product_head(Uniform()),
    }
    for at, width in enumerate(params.widths):
        of_width: Right = {}
        for kind, head in heads.items():
            memory = SequenceMemory(width, TASK.n_vocab, head, np.random.default_rng([base, width, 0]))
            _train(memory, params.pair_iterations, np.random.default_rng([base, width, 1]))
            of_width[kind, 0] = answered(memory, held_out)
            if kind == "softmax":
                for reader in params.readers:
                    memory.head = dot_product_head(spiking_map(params.row_circuit(), reader, ctx))
                    of_width[reader] = answered(memory, held_out)
        right[width] = of_width
        ctx.progress((at + 1) / len(params.widths))
    return right


def _train(memory: SequenceMemory, n_iterations: int, rng: np.random.Generator) -> None:
    optimizer = torch.optim.Adam(memory.parameters(), LEARNING_RATE)
    for _ in range(n_iterations):
        memory.learn(TASK.batch(BATCH, rng), optimizer)
