"""One key among many thousands, by a noisy query: the item with the most spikes is what was retrieved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader, spiking_map

if TYPE_CHECKING:
    from scenarios.attention_over_weights import Params

__all__ = ["DIM_ITEM", "retrieved"]

DIM_ITEM = 32
_ROWS = 64  # queries at a time, which bounds the scores held


def retrieved(params: Params, ctx: RunContext) -> dict[Reader, np.ndarray]:
    """Which queries retrieved their item, (n_queries,) bool, and of `("mass", 0)` the softmax weight on it.

    Keys are random unit vectors, a query is a key plus a random vector of some `query_noise` of its length.
    """
    keys = ctx.rng.normal(size=(params.n_items, DIM_ITEM))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    wanted = ctx.rng.integers(params.n_items, size=params.n_queries)
    noise = ctx.rng.normal(size=(params.n_queries, DIM_ITEM)) / DIM_ITEM**0.5
    query = params.beta * (keys[wanted] + params.query_noise * noise)
    maps = {reader: spiking_map(params.row_circuit(), reader, ctx) for reader in params.readers}
    found: dict[Reader, list[np.ndarray]] = {}
    for first in range(0, params.n_queries, _ROWS):
        scores = torch.from_numpy(query[first : first + _ROWS] @ keys.T)
        of = torch.from_numpy(wanted[first : first + _ROWS])
        weights = scores.softmax(dim=-1)
        found.setdefault(("exact", 0), []).append((scores.argmax(dim=-1) == of).numpy())
        found.setdefault(("mass", 0), []).append(weights.gather(1, of[:, None])[:, 0].numpy())
        for reader, score_map in maps.items():
            found.setdefault(reader, []).append((score_map(scores).argmax(dim=-1) == of).numpy())
        ctx.progress(min(1.0, (first + _ROWS) / params.n_queries))
    return {reader: np.concatenate(parts) for reader, parts in found.items()}
