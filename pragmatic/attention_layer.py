"""A layer of attention whose skip connections, MLP and norms can be left out, and how alike its tokens become.

Post-norm, without biases, as BERT's layers. Letters of the shapes: B batch, T length, C width, H heads, D = C / H.

Dong, Cordonnier and Loukas (2021), Attention is not all you need: pure attention loses rank doubly exponentially
with depth, ICML; Devlin et al. (2019), BERT, NAACL (sizes and initial values).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.attention import Attended, Head
from pragmatic.checks import at_least, check_rng

__all__ = ["AttentionLayer", "Parts", "by_path_length", "relative_residual", "residual"]

EPSILON = 1e-5  # added to the variance in a norm


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a layer has besides its attention."""

    skip: bool = False  # the input added to what attention, and then the MLP, makes of it
    mlp: bool = False
    norm: bool = True  # each token's vector to mean 0 and variance 1, after every addition


class AttentionLayer(nn.Module):
    """Attention and a GELU network, of which a call uses the parts that it names.

    Parameters
    ----------
    width, n_heads : int
        C, a multiple of H.
    rng : numpy.random.Generator
        Draws the matrices, normal.
    std : float, optional
        Of their entries; 1 / sqrt(inputs) when None.
    hidden : int
        Width of the MLP; 0 for a layer that never has one.
    """

    def __init__(
        self, width: int, n_heads: int, rng: np.random.Generator, *, std: float | None = None, hidden: int = 0
    ) -> None:
        super().__init__()
        for name, value, least in (("width", width, 1), ("n_heads", n_heads, 1), ("hidden", hidden, 0)):
            at_least("AttentionLayer", name, value, least)
        if width % n_heads:
            raise ValueError(
                f"AttentionLayer.width must be a multiple of n_heads ({n_heads}), got {width}; "
                f"use {n_heads * math.ceil(width / n_heads)}"
            )
        check_rng(rng)
        self.n_heads = n_heads
        self.to_qkv = _drawn(rng, 3 * width, width, std)
        self.from_heads = _drawn(rng, width, width, std)
        self.to_hidden = _drawn(rng, hidden, width, std)
        self.from_hidden = _drawn(rng, width, hidden, std)

    def forward(self, x: Tensor, parts: Parts, head: Head) -> Attended:
        """Give the tokens' new vectors (B, T, C) and the attention weights (B, H, T, T)."""
        qkv = functional.linear(x, self.to_qkv)  # (B, T, 3 C)
        q, k, v = qkv.unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
        attended, weights = head(q, k, v, None)  # (B, H, T, D), (B, H, T, T)
        x = self._add(functional.linear(attended.transpose(1, 2).flatten(2), self.from_heads), x, parts)
        if parts.mlp:
            hidden = functional.gelu(functional.linear(x, self.to_hidden))  # (B, T, hidden)
            x = self._add(functional.linear(hidden, self.from_hidden), x, parts)
        return Attended(x, weights)

    def mix(self, x: Tensor, weights: Tensor) -> Tensor:
        """What attention alone makes of x (B, T, C) with given weights (B, H, T, T): linear in x."""
        values = functional.linear(x, self.to_qkv.chunk(3)[2])  # (B, T, C)
        mixed = weights @ values.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)  # (B, H, T, D)
        return functional.linear(mixed.transpose(1, 2).flatten(2), self.from_heads)

    def _add(self, new: Tensor, x: Tensor, parts: Parts) -> Tensor:
        new = new + x if parts.skip else new
        return functional.layer_norm(new, new.shape[-1:], eps=EPSILON) if parts.norm else new


def residual(x: Tensor) -> Tensor:
    """What tells the tokens apart: x (..., T, C) less its mean over tokens."""
    return x - x.mean(-2, keepdim=True)


def relative_residual(x: Tensor) -> Tensor:
    """Norm of the residual over that of x, (..., T, C) -> (...): 0 where all tokens are the same vector.

    The norm is sqrt(||x||_1 ||x||_inf), largest column sum times largest row sum of absolute values, as in the
    paper of Dong et al.; the residual is about the mean, as in their program.
    """

    def norm(of: Tensor) -> Tensor:
        size = of.abs()
        return (size.sum(-2).amax(-1) * size.sum(-1).amax(-1)).sqrt()

    return norm(residual(x)) / norm(x)


def by_path_length(
    layers: Sequence[AttentionLayer], x: Tensor, weights: Sequence[Tensor], *, norm: bool = True
) -> Tensor:
    """Split the output of layers with skips, but without MLP, by the length of the paths through it.

    A path passes through the attention of some layers and skips the others. With attention weights and the norms'
    scales held, the output is the sum over all 2^L paths. Those of one length add up layer by layer, P[k, l] =
    P[k-1, l] + attention_k(P[k-1, l-1]), so that no path is visited singly.

    Parameters
    ----------
    layers : sequence of L AttentionLayer
    x : Tensor, (B, T, C)
    weights : sequence of L Tensors, (B, H, T, T)
        What the whole network gave.
    norm : bool
        As in `Parts`.

    Returns
    -------
    Tensor, (L + 1, B, T, C)
        Their sum is the output of the whole network.
    """
    paths = x[None]  # (1, B, T, C)
    for layer, held in zip(layers, weights, strict=True):
        longer = torch.stack([layer.mix(path, held) for path in paths])
        nothing = torch.zeros_like(x)[None]
        paths = torch.cat([paths, nothing]) + torch.cat([nothing, longer])
        if norm:
            scale = (paths.sum(0).var(-1, correction=0, keepdim=True) + EPSILON).sqrt()  # (B, T, 1)
            paths = (paths - paths.mean(-1, keepdim=True)) / scale
    return paths


def _drawn(rng: np.random.Generator, n_out: int, n_in: int, std: float | None) -> nn.Parameter:
    scale = 1 / math.sqrt(max(n_in, 1)) if std is None else std
    return nn.Parameter(torch.from_numpy(rng.normal(0.0, scale, (n_out, n_in))))
