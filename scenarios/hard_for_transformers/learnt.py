"""Models that learn to retrieve from a few pairs, asked for one of many more, with and without a factor ln n."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pragmatic.attention import dot_product_head
from pragmatic.machines.lengths import LogLength
from pragmatic.machines.pair_memory import PairMemory, answered, draw_pairs
from pragmatic.score_maps import ScoreMap, Softmax
from scenarios.hard_for_transformers.dilution import score_map_of
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader

if TYPE_CHECKING:
    from scenarios.hard_for_transformers import Params

__all__ = ["CHANGES", "generalised"]

CHANGES = ("none", "put in", "learnt")  # the factor ln n / ln n0: never, after training, in training
BATCH, LEARNING_RATE = 32, 1e-2


def generalised(params: Params, ctx: RunContext) -> dict[tuple[Reader, str], np.ndarray]:
    """Share of right values by (reader, change), each (n_seeds, n_lengths, n_sets).

    Readers with spikes are put into the models without a factor.
    """
    base = int(ctx.rng.integers(2**31))
    cooled = LogLength(score_map=Softmax(), reference=params.train_keys)
    shares: dict[tuple[Reader, str], list[np.ndarray]] = {}

    def measured(memory: PairMemory, reader: Reader, change: str, score_map: ScoreMap) -> None:
        memory.head = dot_product_head(score_map)
        shares.setdefault((reader, change), []).append(_by_length(memory, params))

    for seed in range(params.seeds):
        plain = _trained(params, Softmax(), (base, seed))
        measured(plain, ("softmax", 0), "none", Softmax())
        measured(plain, ("softmax", 0), "put in", cooled)
        for reader in params.readers:
            measured(plain, reader, "none", score_map_of(params, reader, ctx))
        measured(_trained(params, cooled, (base, seed)), ("softmax", 0), "learnt", cooled)
        ctx.progress((seed + 1) / params.seeds)
    return {key: np.stack(of_seeds) for key, of_seeds in shares.items()}


def _n_symbols(params: Params) -> int:
    """Twice as many as are ever shown at once."""
    return 2 * max(params.train_keys, params.test_keys[-1])


def _trained(params: Params, score_map: ScoreMap, source: tuple[int, int]) -> PairMemory:
    """The same first weights and batches for every score map."""
    symbols = _n_symbols(params)
    memory = PairMemory(params.dim, symbols, dot_product_head(score_map), np.random.default_rng([*source, 0]))
    optimizer = torch.optim.Adam(memory.parameters(), LEARNING_RATE)
    rng = np.random.default_rng([*source, 1])
    for _ in range(params.iterations):
        n_pairs = int(rng.integers(2, params.train_keys + 1))
        memory.learn(draw_pairs(BATCH, n_pairs, symbols, rng), optimizer)
    return memory


def _by_length(memory: PairMemory, params: Params) -> np.ndarray:
    """Share of each set's values that are right, (n_lengths, n_sets); the same sets for every model."""
    symbols = _n_symbols(params)
    drawn = (
        draw_pairs(params.windows, n, symbols, np.random.default_rng([n, 0x41D])) for n in params.test_keys
    )
    return np.stack([answered(memory, pairs) for pairs in drawn])
