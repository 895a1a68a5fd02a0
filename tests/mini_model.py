"""A small transformer whose attention is far from even, so that a swapped head shows."""

from __future__ import annotations

import numpy as np
import torch

from pragmatic import Transformer, TransformerParams

__all__ = ["TOKENS", "mini_model"]

TOKENS = torch.arange(22).reshape(2, 11) % 11
SHARPER = 40.0  # times the initial 0.02: scores of spread 1 to 2


def mini_model(*, causal: bool = True) -> Transformer:
    """Two layers of four heads over 11 tokens."""
    params = TransformerParams(n_vocab=11, n_layers=2, n_heads=4, width=16, n_context=12, causal=causal)
    model = Transformer(params, np.random.default_rng(0))
    with torch.no_grad():
        for block in model.blocks:
            for matrix in (block.attention.to_qkv, block.attention.from_heads):
                matrix *= SHARPER
    return model
