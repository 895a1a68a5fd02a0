"""What each head of a mini-transformer attends to: a softmax head that takes notes, swapped in for one pass."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge import swap
from pragmatic.attention import Attended, Head
from pragmatic.transformer import Transformer

__all__ = ["HeadFacts", "Probe", "probe_heads"]


@dataclass(frozen=True, kw_only=True)
class HeadFacts:
    """Means over the attention rows of each of n heads."""

    entropy: np.ndarray  # (n,) nats
    effective_keys: np.ndarray  # (n,) mean of exp(entropy)
    scatter: np.ndarray  # (n,) root mean square change of the residual stream from one sampled key


class Probe:
    """A head that does what another does, and keeps of every row its entropy and the scatter of its values.

    Parameters
    ----------
    head : Head
        Whose output and weights it gives.
    written : Tensor, (width, dim)
        What of the head's output goes into the residual stream.
    """

    def __init__(self, head: Head, written: Tensor) -> None:
        self._head = head
        self._written = written
        self._entropy: list[Tensor] = []
        self._scatter: list[Tensor] = []

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        output, weights = self._head(query, key, value, mask)
        vectors = value @ self._written.mT  # (..., n_keys, width)
        mean = output @ self._written.mT  # (..., n_queries, width)
        squared = weights @ vectors.square().sum(-1, keepdim=True)  # (..., n_queries, 1)
        self._entropy.append(torch.special.entr(weights).sum(-1).flatten())
        self._scatter.append((squared.squeeze(-1) - mean.square().sum(-1)).clamp(min=0).flatten())
        return Attended(output, weights)

    @property
    def entropy(self) -> np.ndarray:
        """Of each row, in nats."""
        return torch.cat(self._entropy).double().numpy()

    @property
    def scatter(self) -> np.ndarray:
        """Of each row: variance of what one key, drawn by the weights, writes; summed over components."""
        return torch.cat(self._scatter).double().numpy()


@torch.no_grad()
def probe_heads(model: Transformer, pairs: list[tuple[int, int]], tokens: Tensor) -> HeadFacts:
    """Entropy and scatter of each (layer, head) of `pairs` on tokens (n_windows, length)."""
    probes = []
    blocks: Any = model.blocks
    dim = model.params.width // model.params.n_heads
    with ExitStack() as stack:
        for layer, h in pairs:
            attention = blocks[layer].attention
            probe = Probe(attention.heads[h], attention.from_heads[:, h * dim : (h + 1) * dim])
            stack.enter_context(swap(model, heads=[(layer, h)], head=probe))
            probes.append(probe)
        model(tokens)
    return HeadFacts(
        entropy=np.array([p.entropy.mean() for p in probes]),
        effective_keys=np.array([np.exp(p.entropy).mean() for p in probes]),
        scatter=np.array([np.sqrt(p.scatter.mean()) for p in probes]),
    )
