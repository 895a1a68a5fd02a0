"""Other heads in a transformer for as long as a `with` block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from bridge.heads.choice import HeadChoice, chosen_heads
from pragmatic.attention import Head, check_head

__all__ = ["swap"]


@contextmanager
def swap(model: Any, *, heads: HeadChoice = "all", head: Head) -> Iterator[Any]:
    """Put `head` in the place of some of a model's heads; the block's end, however it comes, undoes it.

    No weight is copied or changed, so that what is trained inside the block stays trained. Blocks nest: each
    restores the heads that it replaced.

    Parameters
    ----------
    model : pragmatic.Transformer or a Hugging Face model
        A Hugging Face model needs the extra `hf`.
    heads : str or pairs of int
        "all", pairs (layer, head), or a text such as "0.1,3.*": head 1 of layer 0 and all of layer 3.
    head : Head
        Any; one object for all chosen heads.

    Yields
    ------
    model
        The same object.

    Raises
    ------
    ValueError, TypeError
        For heads that do not exist, with those that do, and a model whose heads cannot be reached.

    Examples
    --------
    >>> with swap(model, heads="0.1,3.*", head=SpikingHead(circuit, spikes=64)):  # doctest: +SKIP
    ...     loss = evaluate(model)
    """
    if hasattr(model, "set_attn_implementation") and not isinstance(model, type):
        from bridge.huggingface import swap_heads

        with swap_heads(model, heads=heads, head=head):
            yield model
        return
    layers = _heads_of(model)
    check_head("head", head)
    chosen = chosen_heads(heads, [len(layer) for layer in layers])
    before = [(layer, place, layers[layer][place]) for layer, place in chosen]
    try:
        for layer, place in chosen:
            layers[layer][place] = head
        yield model
    finally:
        for layer, place, original in before:
            layers[layer][place] = original


def _heads_of(model: Any) -> list[Any]:
    """The list of heads of each layer, a `pragmatic.transformer.Heads` or another list."""
    if not isinstance(model, type):
        try:
            layers = [block.attention.heads for block in model.blocks]
        except (AttributeError, TypeError):
            layers = []
        if layers and all(hasattr(each, "__setitem__") for each in layers):
            return layers
    what = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
    raise TypeError(
        f"swap needs a pragmatic.Transformer or a Hugging Face model, got {what}; {_remedy(model)}"
    )


def _remedy(model: Any) -> str:
    """What to give instead: a pipeline and a sentence encoder hold a Hugging Face model."""
    if isinstance(model, type):
        return "give a loaded model"
    if isinstance(model, str):
        return "load it first, as with transformers.AutoModel.from_pretrained"
    if hasattr(getattr(model, "model", None), "set_attn_implementation"):
        return f"give its .model, a {type(model.model).__name__}"
    if isinstance(model, nn.Module):
        for name, part in model.named_modules():
            if hasattr(part, "set_attn_implementation"):
                return f"give its part {name}, a {type(part).__name__}"
        return "build attention from heads as in pragmatic.Transformer, and put one in by hand"
    return "give one of these"
