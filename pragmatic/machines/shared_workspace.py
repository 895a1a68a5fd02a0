"""A shared workspace in place of attention between all pairs: tokens compete to write, and all read.

Goyal et al. (2022), Coordination among neural modules through a shared global workspace, ICLR. Slots are queries
over the tokens; with a score map of k keys only the k best tokens write into each. Their program masks the others
without renormalising; here the weights of those that write sum to 1, as those of any score map.

Letters of the shapes: B batch, n tokens, S slots, C width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.attention import dot_product_head
from pragmatic.checks import at_least, check_rng
from pragmatic.score_maps import ScoreMap, Softmax

__all__ = ["PointReader", "SelfAttention", "SharedWorkspace"]

FORGET_BIAS = 1.0  # of the slots' gates; that of the input gate is 0 (the authors' program)


class SelfAttention(nn.Module):
    """Attention between all pairs of tokens, with one head."""

    def __init__(self, width: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.to_qkv, self.back = _linear(width, 3 * width, rng), _linear(width, width, rng)
        self.score_map: ScoreMap = Softmax()

    def forward(self, x: Tensor) -> Tensor:
        """(B, n, C) -> (B, n, C)."""
        q, k, v = self.to_qkv(x).chunk(3, dim=-1)
        read: Tensor = self.back(dot_product_head(self.score_map)(q, k, v).output)
        return read


class SharedWorkspace(nn.Module):
    """Tokens write into slots, slots are updated through gates, tokens read the slots.

    Parameters
    ----------
    width, n_slots : int
    rng : numpy.random.Generator
    """

    def __init__(self, width: int, n_slots: int, rng: np.random.Generator) -> None:
        super().__init__()
        at_least("SharedWorkspace", "n_slots", n_slots, 1)
        check_rng(rng)
        self.slots = nn.Parameter(torch.from_numpy(rng.normal(size=(n_slots, width))).float())
        self.to_query, self.to_key_value = _linear(width, width, rng), _linear(width, 2 * width, rng)
        self.to_gates = _linear(width, 2 * width, rng)
        self.read_query, self.read_key_value = _linear(width, width, rng), _linear(width, 2 * width, rng)
        self.back = _linear(width, width, rng)
        self.score_map: ScoreMap = Softmax()  # of the writing

    def forward(self, x: Tensor) -> Tensor:
        """(B, n, C) -> (B, n, C)."""
        slots = self.slots.expand(len(x), -1, -1)  # (B, S, C)
        key, value = self.to_key_value(x).chunk(2, dim=-1)
        written = dot_product_head(self.score_map)(self.to_query(slots), key, value).output  # (B, S, C)
        forget, take = self.to_gates(written).chunk(2, dim=-1)
        slots = torch.sigmoid(forget + FORGET_BIAS) * slots + torch.sigmoid(take) * torch.tanh(written)
        key, value = self.read_key_value(slots).chunk(2, dim=-1)
        read: Tensor = self.back(dot_product_head(Softmax())(self.read_query(x), key, value).output)
        return read


class PointReader(nn.Module):
    """Layers over points, each with an MLP, and one yes or no from their mean.

    Parameters
    ----------
    mixers : sequence of SelfAttention or of SharedWorkspace
        Of the width. A single one serves all layers, as the workspace of the paper does.
    n_features, width, n_layers : int
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        mixers: Sequence[SelfAttention | SharedWorkspace],
        n_features: int,
        width: int,
        n_layers: int,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.mixers = cast("Sequence[SelfAttention | SharedWorkspace]", nn.ModuleList(mixers))
        self.n_layers = n_layers
        self.embed, self.hidden = _linear(n_features, width, rng), _linear(width, 2 * width, rng)
        self.out, self.answer = _linear(2 * width, width, rng), _linear(width, 1, rng)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])

    def select_by(self, score_map: ScoreMap) -> None:
        """Put this score map into every mixer."""
        for mixer in self.mixers:
            mixer.score_map = score_map

    def forward(self, points: Tensor) -> Tensor:
        """Logits (B,) of points (B, n, n_features)."""
        x: Tensor = self.embed(points)  # (B, n, C)
        for layer in range(self.n_layers):
            x = x + self.mixers[layer % len(self.mixers)](self.norms[0](x))
            x = x + self.out(functional.gelu(self.hidden(self.norms[1](x))))
        answer: Tensor = self.answer(self.norms[2](x).mean(dim=1))
        return answer[..., 0]


def _linear(n_in: int, n_out: int, rng: np.random.Generator) -> nn.Linear:
    layer = nn.Linear(n_in, n_out)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(rng.normal(0, n_in**-0.5, (n_out, n_in))))
        layer.bias.zero_()
    return layer
