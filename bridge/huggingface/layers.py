"""The attention layers of a Hugging Face model: which ask the attention interface, how many heads they have."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

__all__ = [
    "AttentionLayer",
    "attention_layers",
    "eager_rule",
    "honours_interface",
    "longest_sequence",
    "without_interface",
]

INTERFACE = "get_interface"  # what a forward pass asks `ALL_ATTENTION_FUNCTIONS` for
HEAD_COUNTS = ("num_heads", "num_attention_heads", "n_heads")


@dataclass(frozen=True)
class AttentionLayer:
    """One attention module; the model's layers are numbered in the order in which it lists its modules.

    In an encoder or decoder that is the depth. In an encoder-decoder the encoder's layers come first, then
    self- and cross-attention of each decoder layer.
    """

    name: str  # such as "encoder.layer.0.attention.self"
    n_heads: int


def attention_layers(model: nn.Module) -> Iterator[tuple[AttentionLayer, nn.Module]]:
    """Every module of the model that asks the attention interface, with its place and heads."""
    for name, module in model.named_modules():
        if _asks_interface(type(module)):
            yield AttentionLayer(name, _n_heads(module, name)), module


def honours_interface(model_class: type) -> bool:
    """False where the model's file defines attention and none of it asks the attention interface.

    Such a model would run its own attention whatever was asked for. Without an attention class in the file,
    as with a model made of others, the answer is True and the first call tells.
    """
    file = vars(sys.modules[model_class.__module__])
    attention = [
        thing
        for name, thing in file.items()
        if "Attention" in name and isinstance(thing, type) and issubclass(thing, nn.Module)
    ]
    return not attention or any(_asks_interface(each) for each in attention)


def without_interface(model_class: type) -> TypeError:
    """The refusal of an architecture that would not heed what it is asked for."""
    return TypeError(
        f"{model_class.__name__} must ask the attention interface, got an architecture that computes its "
        "attention by itself; use one such as BERT, GPT-2, Llama or ViT"
    )


def eager_rule(module: nn.Module) -> Callable[..., Any]:
    """The plain attention that the architecture itself comes with, of the interface's signature."""
    for owner in type(module).__mro__:
        rule = getattr(sys.modules[owner.__module__], "eager_attention_forward", None)
        if rule is not None:
            return rule
    raise TypeError(f"{type(module).__name__} must come with an eager_attention_forward, got none beside it")


def longest_sequence(model: nn.Module) -> int | None:
    """How many positions the model has, None where it names no bound."""
    limit = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit < 1:
        return None
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            first = 0 if module.padding_idx is None else module.padding_idx + 1  # RoBERTa counts from there
            return module.num_embeddings - first
    return limit


def _asks_interface(module_class: type) -> bool:
    code = getattr(inspect.unwrap(module_class.forward), "__code__", None)  # type: ignore[attr-defined]
    return code is not None and INTERFACE in code.co_names


def _n_heads(module: nn.Module, name: str) -> int:
    config = getattr(module, "config", None)
    for owner, names in ((module, HEAD_COUNTS), (config, ("num_attention_heads",))):
        for attribute in names:
            if isinstance(count := getattr(owner, attribute, None), int):
                return count
    raise TypeError(
        f"{name}, a {type(module).__name__}, must tell its number of heads, got none of "
        f"{', '.join(HEAD_COUNTS)}; swap heads of another architecture"
    )
