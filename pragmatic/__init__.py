"""Attention as machine learning writes it: score maps, heads, masks, the mini-transformer.

Names are imported from their files at first use, so that `import pragmatic` does not yet load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pragmatic.attention import (
        HEADS,
        AdditiveHead,
        Attended,
        DotProductHead,
        Head,
        HopfieldHead,
        dot_product_head,
        linear_attention,
        linear_attention_recurrent,
    )
    from pragmatic.masks import causal_mask
    from pragmatic.score_maps import (
        SCORE_MAPS,
        Divisive,
        Entmax,
        Hardmax,
        ScoreMap,
        Softmax,
        Sparsemax,
        TopK,
        Uniform,
    )
    from pragmatic.transformer import Output, Transformer, TransformerParams

__all__ = [
    "HEADS",
    "SCORE_MAPS",
    "AdditiveHead",
    "Attended",
    "Divisive",
    "DotProductHead",
    "Entmax",
    "Hardmax",
    "Head",
    "HopfieldHead",
    "Output",
    "ScoreMap",
    "Softmax",
    "Sparsemax",
    "TopK",
    "Transformer",
    "TransformerParams",
    "Uniform",
    "causal_mask",
    "dot_product_head",
    "linear_attention",
    "linear_attention_recurrent",
]

_FILES = ("masks", "score_maps", "attention", "transformer")


def __getattr__(name: str) -> object:
    if name in __all__:
        for file in _FILES:
            module = import_module(f"pragmatic.{file}")
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module 'pragmatic' has no attribute {name!r}; it has {', '.join(__all__)}")
