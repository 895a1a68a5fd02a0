"""Memories that need no training: a matrix of fixed size, and keys and values kept one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pragmatic.attention import linear_attention, linear_attention_recurrent
from pragmatic.masks import causal_mask
from pragmatic.score_maps import Softmax
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader, spiking_map

if TYPE_CHECKING:
    from scenarios.bottleneck import Params

__all__ = ["N_VALUES", "Recalled", "Right", "forms_apart", "recall"]

Right = dict[Reader, np.ndarray]  # of each reader the share of right answers, most often (n_memories,)

N_VALUES = 64  # different values that a pair may have
LENGTH, DIM = 128, 32  # of the sequences on which both forms of linear attention are compared
_ROWS = 4096  # queries at least that a point is measured on


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """Which queries got their value back, at one dimension and number of pairs."""

    dim: int
    n_pairs: int
    right: Right  # (n_memories,) share of its keys


def forms_apart(rng: np.random.Generator) -> float:
    """The largest difference of linear attention computed in parallel and step by step, relative to the largest.

    Katharopoulos et al. (2020), Transformers are RNNs, ICML.
    """
    query, key, value = (torch.from_numpy(rng.normal(size=(4, LENGTH, DIM))).float() for _ in range(3))
    parallel = linear_attention(query, key, value, causal_mask(LENGTH, LENGTH)).output
    stepped = linear_attention_recurrent(query, key, value).output
    return float((parallel - stepped).abs().max() / parallel.abs().max())


def recall(params: Params, ctx: RunContext) -> list[Recalled]:
    """Store pairs of unit vectors, ask for each key, and read the nearest of the values that there are."""
    points = [(dim, n) for dim in params.dims for n in params.pairs]
    done = []
    for at, (dim, n_pairs) in enumerate(points):
        done.append(_recalled(params, ctx, dim, n_pairs))
        ctx.progress((at + 1) / len(points))
    return done


def _recalled(params: Params, ctx: RunContext, dim: int, n_pairs: int) -> Recalled:
    n_memories = max(4, min(params.windows, _ROWS // n_pairs))
    key = _unit(ctx.rng.normal(size=(n_memories, n_pairs, dim)))
    codes = _unit(ctx.rng.normal(size=(N_VALUES, dim)))
    chosen = ctx.rng.integers(0, N_VALUES, size=(n_memories, n_pairs))
    overlap = np.einsum("mqd,mkd->mqk", key, key)  # (n_memories, n_queries, n_keys)
    scores = torch.from_numpy(params.beta * overlap)

    def right(weights: np.ndarray) -> np.ndarray:
        output = weights @ codes[chosen]  # (n_memories, n_queries, dim)
        return ((output @ codes.T).argmax(-1) == chosen).mean(axis=1)

    # a matrix of dim x dim numbers: sum of v k^T, read by a query (Kohonen 1972, IEEE Trans. Comput. C-21:353)
    answers: Right = {("state", 0): right(overlap), ("softmax", 0): right(Softmax()(scores).numpy())}
    for reader in params.readers:
        answers[reader] = right(spiking_map(params.row_circuit(), reader, ctx)(scores).numpy())
    return Recalled(dim=dim, n_pairs=n_pairs, right=answers)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
