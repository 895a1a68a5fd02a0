"""Layers that have an adapter: their forward pass goes through it, and must agree with their own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, Cache
from transformers.cache_utils import CacheLayerMixin

from bridge.bill.usage import off_the_bill
from bridge.huggingface.adapters import LayerAdapter, adapter_of
from bridge.huggingface.attend import plain_attention, tolerance
from bridge.huggingface.options import NAME
from bridge.huggingface.place import ATTRIBUTE, Place

__all__ = ["call_adapter", "call_class"]


def call_adapter(module: nn.Module) -> None:
    """Let a layer that has an adapter go through it while its model has gamma attention."""
    if adapter_of(type(module)) is not None:
        module.forward = partial(_forward, module)


def call_class(module: nn.Module) -> None:
    """Let a layer go through the forward pass of its class again."""
    if getattr(vars(module).get("forward"), "func", None) is _forward:
        del module.forward


@torch.compiler.disable
def _forward(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    adapter, place = adapter_of(type(module)), vars(module).get(ATTRIBUTE)
    if adapter is None or place is None or not place.owner.in_force:
        return type(module).forward(module, *args, **kwargs)
    if place.layer not in place.plan.checked:
        _check(adapter, module, place, *args, **kwargs)
        place.plan.checked.add(place.layer)
    attend = partial(AttentionInterface()[NAME], module)
    return adapter.forward(module, attend, *args, **kwargs)


def _check(adapter: LayerAdapter, module: nn.Module, place: Place, *args: Any, **kwargs: Any) -> None:
    """Raise unless the adapter with plain attention gives what the layer's own forward pass gives.

    Both run without dropout. `bridge.count` does not see this, since it is no part of the model's work.
    """

    def given() -> tuple[list[Any], dict[str, Any]]:  # a cache grows with each call
        return [_copied(each) for each in args], {name: _copied(each) for name, each in kwargs.items()}

    with torch.no_grad(), off_the_bill(), _evaluating(module):
        positional, named = given()
        expected = _output(type(module).forward(module, *positional, **named))
        positional, named = given()
        attend = partial(plain_attention, module)
        got = _output(adapter.forward(module, attend, *positional, **named))
        scale = max(1.0, float(expected.abs().max()))
        difference = float((got - expected).abs().max()) if got.shape == expected.shape else float("inf")
    if not difference <= tolerance(expected.dtype) * scale:
        layer = place.plan.layers[place.layer]
        raise ValueError(
            f"{type(adapter).__name__} must compute what layer {place.layer} ({layer.name}) computes, got outputs "
            f"that differ by {difference:.2g}; check its factor, bias, window and projections"
        )


def _copied(argument: Any) -> Any:
    """Copy an argument that a call would change, such as a cache; `copy.deepcopy` refuses tensors with a graph."""
    if isinstance(argument, Tensor):
        return argument.detach().clone()
    if isinstance(argument, (Cache, CacheLayerMixin)):
        copied = copy.copy(argument)
        vars(copied).update({name: _copied(each) for name, each in vars(argument).items()})
        return copied
    if isinstance(argument, list):
        return [_copied(each) for each in argument]
    return dict(argument) if isinstance(argument, dict) else argument


def _output(result: Any) -> Tensor:
    return result if isinstance(result, Tensor) else result[0]


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    training = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, was in training:
            each.training = was
