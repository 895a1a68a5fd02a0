"""The attention layers of a Hugging Face model: which can have gamma attention, how many heads they have."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from bridge.huggingface.adapters import LayerAdapter, adapter_of

__all__ = [
    "AttentionLayer",
    "attention_layers",
    "check_architecture",
    "longest_sequence",
    "taught_layers",
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
    """Every module of the model that asks the attention interface or has an adapter, with place and heads."""
    for name, module in model.named_modules():
        if _can_attend(type(module)):
            yield AttentionLayer(name, _n_heads(module, name)), module


def check_architecture(model_class: type) -> None:
    """Raise where the model's file defines attention that neither asks the interface nor has an adapter.

    Such a model would run its own attention whatever was asked for. A model made of others, with no attention
    class in its file, passes: its first forward pass shows whether attention is called.
    """
    attention = _attention_classes(model_class)
    if attention and not any(_can_attend(each) for each in attention):
        raise without_interface(model_class)


def taught_layers(model_class: type) -> list[tuple[type, LayerAdapter]]:
    """The attention classes of the model's file that have an adapter, each with it."""
    return [(each, adapter) for each in _attention_classes(model_class) if (adapter := adapter_of(each))]


def without_interface(model_class: type) -> TypeError:
    """The refusal of an architecture that would ignore what it is asked for."""
    return TypeError(
        f"{model_class.__name__} must ask the attention interface, got an architecture that computes its "
        "attention by itself; use one such as BERT, GPT-2, Llama or ViT, or teach it with a "
        "bridge.huggingface.LayerAdapter"
    )


def longest_sequence(model: nn.Module) -> int | None:
    """Count the positions of a model, None where it states no limit."""
    limit = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit < 1:
        return None
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            first = 0 if module.padding_idx is None else module.padding_idx + 1  # RoBERTa counts from there
            return module.num_embeddings - first
    return limit


def _attention_classes(model_class: type) -> list[type]:
    """Those of the model's file, or of the file of the first class that it inherits from and that has any."""
    for owner in model_class.__mro__:
        attention = [
            thing
            for name, thing in vars(sys.modules[owner.__module__]).items()
            if "Attention" in name and isinstance(thing, type) and issubclass(thing, nn.Module)
        ]
        if attention or owner is PreTrainedModel:
            return attention
    return []


def _can_attend(module_class: type) -> bool:
    return adapter_of(module_class) is not None or _asks_interface(module_class)


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
        f"{name}, a {type(module).__name__}, must state its number of heads, got none of "
        f"{', '.join(HEAD_COUNTS)}; swap heads of another architecture"
    )
