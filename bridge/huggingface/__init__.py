"""Gamma attention in Hugging Face models: after this import, "gamma" is one of their attention implementations.

    import bridge.huggingface
    model = AutoModel.from_pretrained(path, attn_implementation="gamma")
    model.set_attn_implementation("gamma")

Both registrations that the library wants are made here, attention and mask; without the second, causal and
padding masks would vanish without a word. Options stand in the model's configuration, `gamma_heads`,
`gamma_spikes` and the others of `bridge.huggingface.options`, and are saved with it. An architecture that would
not heed any of this is refused (`bridge.huggingface.watch`). `swap_heads` puts any `pragmatic.Head` in for as
long as a block lasts.

With a `gamma_seed` the random numbers of a row follow from the seed, its layer, head, sequence in the batch and
position, and its scores are rounded to 2^-12. So a forward pass can be repeated, and decoding with a cache and
without one select the same, most often: their scores differ in the last digits, and where one lies that close
to an edge of the grid a spike may move. In single precision 1 of 100 runs of 12 tokens differed, in a model in
double precision none (`pytest -m slow -s tests/test_generate_study.py`). Beam search moves sequences in the
batch, and with them their noise.

The same noise in every call is wrong for statistics over calls: for these take `gamma_seed` None, or
`swap_heads`, which draws new noise in every call unless it is told not to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

from bridge.bill.usage import off_the_bill
from bridge.heads.choice import HeadChoice
from bridge.huggingface.attend import LayerCall, stream_numbers
from bridge.huggingface.layers import AttentionLayer, eager_rule
from bridge.huggingface.plan import (
    HOOKS,
    NAME,
    SWAPS,
    Plan,
    Swap,
    owner_of,
    place_of,
    plan_of,
    submodels,
    told,
)
from bridge.huggingface.watch import attention_of_each, first_position, restore, tell, unwatch, wrap_library
from pragmatic.attention import Attended, Head

__all__ = ["NAME", "Plan", "gamma_attention", "plan_of", "swap_heads"]

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-4}  # of weights, between an architecture's rule and ours
HALF_TOLERANCE = 0.05  # scores in half precision: up to 4 % of a weight at a score of 10

Eager = Callable[..., tuple[Tensor, Tensor]]


def gamma_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **extra: Any,
) -> tuple[Tensor, Tensor]:
    """What the library calls for each attention layer.

    Heads that are not replaced are computed by the architecture's own rule. Those that are the same object are
    called once.

    Parameters
    ----------
    query : Tensor, (batch, heads, n_queries, dim)
    key, value : Tensor, (batch, heads or fewer, n_keys, dim)
        Of fewer heads each serves a group of queries.
    attention_mask : Tensor, broadcastable to (batch, heads, n_queries, n_keys), optional
        Added to the scores.

    Returns
    -------
    output : Tensor, (batch, n_queries, heads, dim)
    weights : Tensor, (batch, heads, n_queries, n_keys)

    Raises
    ------
    ValueError, TypeError
        For activations that are not finite, with the layer's name, and for a layer whose own attention is not
        a softmax of scaled and biased dot products.
    """
    plan, number = place_of(module)
    plan.calls += 1
    layer, groups = plan.layers[number], plan.groups(number)
    _check_activations(number, layer, query, key, value)

    def eager(dropout: float = dropout) -> tuple[Tensor, Tensor]:
        given = (module, query, key, value, attention_mask)
        return eager_rule(module)(*given, scaling=scaling, dropout=dropout, **extra)

    if not groups:
        return eager()
    call = LayerCall.of(
        *(query, key, value, attention_mask),
        scaling=scaling,
        dropout=dropout if module.training else 0.0,
        extra=extra,
    )
    if number not in plan.checked:
        _check_rule(number, layer, call, eager)
        plan.checked.add(number)
    parts = [(own, call.only(own).by(head, _streams(plan, number, head, own, query))) for head, own in groups]
    replaced = {place for own, _ in parts for place in own}
    if rest := [place for place in range(layer.n_heads) if place not in replaced]:
        output, weights = eager()
        parts.append((rest, Attended(output.transpose(1, 2)[:, rest], weights[:, rest])))
    return _joined(parts, value.dtype)


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
        Whether a row's random numbers follow from where it stands rather than being new in every call; for a
        head that takes streams.

    Raises
    ------
    ValueError, TypeError
        For heads that do not exist, with those that do, and a model without the attention interface.
    """
    if not callable(head):
        raise TypeError(f"head must be callable as pragmatic.Head, got {type(head).__name__}; give a Head")
    before, hooked = attention_of_each(model), set(HOOKS)
    swap = Swap(heads, head, keyed, told_before=told(model))
    swaps: list[Swap] = []
    try:
        tell(model)
        swaps = SWAPS.setdefault(owner_of(model), [])
        swaps.append(swap)
        plan_of(model)
        yield model
    finally:
        if swap in swaps:
            swaps.remove(swap)
        restore(before)
        for each in submodels(model):
            if each not in hooked:
                unwatch(each)


def _streams(plan: Plan, number: int, head: Head, own: list[int], query: Tensor) -> Any:
    if id(head) not in plan.keyed:
        return None
    return stream_numbers(
        layer=number,
        heads=own,
        n_sequences=query.shape[0],
        first=first_position(),
        n_queries=query.shape[2],
    )


def _joined(parts: list[tuple[list[int], Attended]], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The heads' outputs (batch, n_queries, heads, dim) and weights, each head at its place again."""
    places = torch.tensor([place for own, _ in parts for place in own])
    output, weights = (
        torch.cat([attended[i].to(dtype) for _, attended in parts], dim=1)[:, places.argsort()]
        for i in (0, 1)
    )
    return output.transpose(1, 2).contiguous(), weights


def _check_activations(number: int, layer: AttentionLayer, *vectors: Tensor) -> None:
    for name, each in zip(("query", "key", "value"), vectors, strict=True):
        if not bool(each.isfinite().all()):
            raise ValueError(
                f"activations must be finite, got nan or inf in the {name} of layer {number} ({layer.name}); "
                "look for nan in the weights, or an overflow of half precision"
            )
    if vectors[0].shape[1] != layer.n_heads:
        raise ValueError(
            f"layer {number} ({layer.name}) must have the {layer.n_heads} heads that it names, got "
            f"{vectors[0].shape[1]}; take a model whose heads are not pruned"
        )


def _check_rule(number: int, layer: AttentionLayer, call: LayerCall, eager: Eager) -> None:
    """What we take for the layer's scores must give the weights of its own attention; looked at once a layer.

    This is no part of the model's work, so that `bridge.count` does not see it.
    """
    with torch.no_grad(), off_the_bill():
        weights = eager(0.0)[1]
        difference = float((call.softmax() - weights).abs().max())
    if not difference <= TOLERANCE.get(weights.dtype, HALF_TOLERANCE):
        raise ValueError(
            f"the attention of layer {number} ({layer.name}) must be a softmax of scaled, masked or biased dot "
            f"products, got weights that differ from that by {difference:.2g}; choose heads of other layers"
        )


AttentionInterface.register(NAME, gamma_attention)
AttentionMaskInterface.register(NAME, eager_mask)
wrap_library()
