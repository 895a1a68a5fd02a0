"""Other heads in a transformer for as long as a `with` block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bridge.heads.choice import HeadChoice, chosen_heads
from pragmatic.attention import Head

__all__ = ["swap"]


@contextmanager
def swap(model: Any, *, heads: HeadChoice = "all", head: Head) -> Iterator[Any]:
    """Put `head` in the place of some of a model's heads; the block's end, however it comes, undoes it.

    No weight is copied or changed, so that what is trained inside the block stays trained. Blocks nest: each
    restores what it found.

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
    if hasattr(model, "set_attn_implementation"):
        from bridge.huggingface import swap_heads

        with swap_heads(model, heads=heads, head=head):
            yield model
        return
    layers = _heads_of(model)
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
    """The list of heads of each layer."""
    try:
        return [block.attention.heads for block in model.blocks]
    except AttributeError:
        raise TypeError(
            f"swap needs a pragmatic.Transformer or a Hugging Face model, got {type(model).__name__}"
        ) from None
