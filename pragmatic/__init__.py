"""Attention as machine learning writes it: score maps, heads, masks, a mini-transformer and its training.

Names are imported from their files at first use, so that `import pragmatic` does not yet load torch.
The training loop is `pragmatic.training.train.train`: a package cannot give a name to both a file and a function.
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
        Power,
        ScoreMap,
        Softmax,
        Sparsemax,
        TopK,
        Uniform,
    )
    from pragmatic.tasks.synthetic import TASKS
    from pragmatic.tasks.text import Text
    from pragmatic.training.evaluation import Evaluation, evaluate
    from pragmatic.training.train import TrainParams, TrainResult
    from pragmatic.transformer import Output, Transformer, TransformerParams

__all__ = [
    "HEADS",
    "SCORE_MAPS",
    "TASKS",
    "AdditiveHead",
    "Attended",
    "Divisive",
    "DotProductHead",
    "Entmax",
    "Evaluation",
    "Hardmax",
    "Head",
    "HopfieldHead",
    "Output",
    "Power",
    "ScoreMap",
    "Softmax",
    "Sparsemax",
    "Text",
    "TopK",
    "TrainParams",
    "TrainResult",
    "Transformer",
    "TransformerParams",
    "Uniform",
    "causal_mask",
    "dot_product_head",
    "evaluate",
    "linear_attention",
    "linear_attention_recurrent",
]

_FILES = (
    *("masks", "score_maps", "attention", "transformer", "tasks.text", "tasks.synthetic"),
    *("training.evaluation", "training.train"),
)


def __getattr__(name: str) -> object:
    if name in __all__:
        for file in _FILES:
            module = import_module(f"pragmatic.{file}")
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module 'pragmatic' has no attribute {name!r}; it has {', '.join(__all__)}")
