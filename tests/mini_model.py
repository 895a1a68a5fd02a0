"""A stand-in for the mini-transformer: two layers of heads in lists, no more than `swap` needs to know."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pragmatic import Head, Softmax, causal_mask, dot_product_head

__all__ = ["MiniModel"]


class _Attention(nn.Module):
    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 3 * width)
        self.heads: list[Head] = [dot_product_head(Softmax())] * n_heads

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (len(self.heads), -1)).transpose(-2, -3)
            for part in self.project(x).chunk(3, -1)
        )
        outputs = [head(q[:, h], k[:, h], v[:, h], mask).output for h, head in enumerate(self.heads)]
        return torch.cat(outputs, dim=-1)


class _Block(nn.Module):
    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.attention = _Attention(width, n_heads)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x + self.attention(x, mask)


class MiniModel(nn.Module):
    """Tokens in, logits out, causal."""

    def __init__(self, *, n_layers: int = 2, n_heads: int = 4, width: int = 16, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.embed = nn.Embedding(11, width)
            self.blocks = nn.ModuleList(_Block(width, n_heads) for _ in range(n_layers))
            self.unembed = nn.Linear(width, 11)

    def forward(self, tokens: Tensor) -> Tensor:
        x, mask = self.embed(tokens), causal_mask(tokens.shape[1], tokens.shape[1])
        for block in self.blocks:
            x = block(x, mask)
        return self.unembed(x)
