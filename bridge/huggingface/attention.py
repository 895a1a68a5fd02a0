"""The attention function that the library calls for each layer of a model with gamma attention."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bridge.bill.usage import off_the_bill
from bridge.huggingface.adapters import adapter_of
from bridge.huggingface.attend import LayerCall, plain_attention, stream_numbers, tolerance
from bridge.huggingface.layers import AttentionLayer
from bridge.huggingface.place import Place, place_of
from bridge.huggingface.recording import attend_recorded
from pragmatic.attention import Attended, Head

__all__ = ["gamma_attention"]

Rule = Callable[..., tuple[Tensor, Tensor]]


@torch.compiler.disable
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
    """Attend in one layer: replaced heads by what stands there, the others by the architecture's own rule.

    Heads that are the same object are called once. `torch.compile` breaks its graph here.

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
    place = place_of(module)
    plan, layer = place.plan, place.plan.layers[place.layer]
    plan.calls += 1
    given = (query, key, value, attention_mask)
    rule = partial(_own_rule(module), module, *given, scaling=scaling, **extra)
    _check_activations(place.layer, layer, query, key, value)
    groups = plan.groups(place.layer)
    if not groups:
        return rule(dropout=dropout)
    call = LayerCall.of(*given, scaling=scaling, dropout=dropout if module.training else 0.0, extra=extra)
    if place.layer not in plan.checked:
        _check_rule(place.layer, layer, call, rule)
        plan.checked.add(place.layer)
    parts = [
        (own, attend_recorded(place, call.only(own), head, own, _streams(place, head, own, query)))
        for head, own in groups
    ]
    replaced = {head for own, _ in parts for head in own}
    if rest := [head for head in range(layer.n_heads) if head not in replaced]:
        output, weights = rule(dropout=dropout)
        parts.append((rest, Attended(output.transpose(1, 2)[:, rest], weights[:, rest])))
    return _joined(parts, value.dtype)


def _own_rule(module: nn.Module) -> Rule:
    """The plain attention that the architecture itself comes with, of the interface's signature."""
    if adapter_of(type(module)) is not None:
        return plain_attention
    for owner in type(module).__mro__:
        rule = getattr(sys.modules[owner.__module__], "eager_attention_forward", None)
        if rule is not None:
            return rule
    raise TypeError(
        f"{type(module).__name__} must come with an eager_attention_forward, got none in its file; choose heads "
        "of other layers"
    )


def _streams(place: Place, head: Head, own: list[int], query: Tensor) -> np.ndarray | None:
    if id(head) not in place.plan.keyed:
        return None
    return stream_numbers(
        layer=place.layer,
        heads=own,
        n_sequences=query.shape[0],
        first=place.owner.first_position,
        n_queries=query.shape[2],
    )


def _joined(parts: list[tuple[list[int], Attended]], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The heads' outputs (batch, n_queries, heads, dim) and weights, each head at its place again."""
    if len(parts) == 1:  # heads of one part stand in order
        output, weights = (each.to(dtype) for each in parts[0][1])
        return output.transpose(1, 2).contiguous(), weights
    places = torch.tensor([place for own, _ in parts for place in own])
    output, weights = (
        torch.cat([attended[i].to(dtype) for _, attended in parts], dim=1)[:, places.argsort()]
        for i in (0, 1)
    )
    return output.transpose(1, 2).contiguous(), weights


def _check_activations(number: int, layer: AttentionLayer, *vectors: Tensor) -> None:
    for name, each in zip(("query", "key", "value"), vectors, strict=True):
        if not (math.isfinite(float(each.detach().sum())) or bool(each.isfinite().all())):
            raise ValueError(
                f"activations must be finite, got nan or inf in the {name} of layer {number} ({layer.name}); "
                "look for nan in the weights, or an overflow of half precision"
            )
    if vectors[0].shape[1] != layer.n_heads:
        raise ValueError(
            f"layer {number} ({layer.name}) must have the {layer.n_heads} heads that it names, got "
            f"{vectors[0].shape[1]}; take a model whose heads are not pruned"
        )


def _check_rule(number: int, layer: AttentionLayer, call: LayerCall, rule: Rule) -> None:
    """Raise unless the scores as we read them give the weights of the layer's own attention.

    `bridge.count` does not see this, since it is no part of the model's work.
    """
    with torch.no_grad(), off_the_bill():
        weights = rule(dropout=0.0)[1]
        difference = float((call.softmax() - weights).abs().max())
    if not difference <= tolerance(weights.dtype):
        raise ValueError(
            f"the attention of layer {number} ({layer.name}) must be a softmax of scaled, masked or biased dot "
            f"products, got weights that differ from that by {difference:.2g}; choose heads of other layers"
        )
