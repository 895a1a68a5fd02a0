"""Heads put into a Hugging Face model for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import PreTrainedModel

from bridge.heads.choice import HeadChoice
from bridge.huggingface.library import attention_of_each, restore, switch
from bridge.huggingface.model import GammaModel, outermost, plan_of, the_model
from bridge.huggingface.place import has_gamma
from bridge.huggingface.plan import Swap
from pragmatic.attention import Head, check_head

__all__ = ["swap_heads"]


@contextmanager
def swap_heads(
    model: PreTrainedModel, heads: HeadChoice = "all", *, head: Head, keyed: bool = False
) -> Iterator[PreTrainedModel]:
    """Put `head` in for some of a model's heads; the end of the block, however it comes, undoes it.

    All other heads stay what they were: plain attention by the architecture's own rule, or what the model's
    configuration or a block around this one put there.

    Parameters
    ----------
    model : PreTrainedModel
    heads : str or pairs of int
        "all", pairs (layer, head), or a text such as "0.1,3.*"; `AttentionLayer` says how layers count. Where
        a model around this one has gamma attention, its layers count.
    head : Head
        One object for all the chosen places.
    keyed : bool
        Whether a row's random numbers follow from its place, or are new in every call; for a head that takes
        streams.

    Raises
    ------
    ValueError, TypeError
        For heads that do not exist, with those that do, and a model without the attention interface.
    """
    check_head("head", head)
    inside = the_model(model, "swap_heads")
    before = attention_of_each(inside)
    swap = Swap(heads, head, keyed, had_gamma=has_gamma(inside))
    swaps: list[Swap] = []
    try:
        switch(inside)
        swaps = GammaModel.of(outermost(inside)).swaps
        swaps.append(swap)
        plan_of(inside)
        yield model
    finally:
        if swap in swaps:
            swaps.remove(swap)
        restore(inside, before)
