"""Pretrained models with their skips or MLPs left out, which nothing but hooks changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge import swap
from pragmatic import Head
from pragmatic.attention_layer import Parts, relative_residual
from scenarios.rank_collapse.initial import LOST, VARIANTS
from scenarios.workbench.pretrained import Pretrained

__all__ = ["PUBLISHED", "by_layer", "only"]

PUBLISHED = (
    0.69,
    0.68,
    0.32,
    0.14,
    0.031,
    3.5e-3,
    1.6e-5,
    2e-7,
)  # Dong et al. 2021: BERT without skips and MLP


@torch.no_grad()
def by_layer(
    pretrained: Pretrained, texts: list[str], spiking: Head, progress: Callable[[float], None]
) -> dict[str, np.ndarray]:
    """Relative residual of each variant and of pure attention in spikes, (n_layers + 1, n_texts).

    It is nan below rounding. The model runs in double precision: a residual that vanishes is the difference
    of numbers that do not.
    """
    model = pretrained.model.double()
    runs: Mapping[str, tuple[Parts, Head | None]] = {
        **{name: (parts, None) for name, parts in VARIANTS.items()},
        "spikes": (Parts(), spiking),
    }
    reached = {}
    for i, (name, (parts, head)) in enumerate(runs.items()):
        with only(model, parts), nullcontext() if head is None else swap(model, head=head):
            each = [_residuals(model, pretrained.read([text])) for text in texts]
        reached[name] = np.stack(each, axis=1)
        progress((i + 1) / len(runs))
    return reached


@contextmanager
def only(model: Any, parts: Parts) -> Iterator[None]:
    """Leave out the skips or the MLPs of a BERT or a Llama for as long as the block lasts; norms stay."""
    base = getattr(model, "model", model)
    layers, leave_out = (
        (base.encoder.layer, _of_bert) if hasattr(base, "encoder") else (base.layers, _of_llama)
    )
    with ExitStack() as stack:
        for layer in layers:
            for hook in leave_out(layer, parts):
                stack.callback(hook.remove)
        yield


def _residuals(model: Any, given: dict[str, Any]) -> np.ndarray:
    states = model(**given, output_hidden_states=True).hidden_states
    reached = np.array([float(relative_residual(state[0])) for state in states])
    lost = np.cumsum(reached < LOST) > 1
    return np.where(lost, np.nan, reached)


def _of_bert(layer: Any, parts: Parts) -> Iterator[Any]:
    """Both outputs take what is added to them as their second argument."""
    if not parts.mlp:
        yield layer.output.register_forward_hook(lambda module, given, output: given[1])
    for module in () if parts.skip else (layer.attention.output, layer.output):
        yield module.register_forward_pre_hook(
            lambda module, given: (
                (given[0], torch.zeros_like(given[1]))
                if module is layer.attention.output or parts.mlp
                else given
            )
        )


def _of_llama(layer: Any, parts: Parts) -> Iterator[Any]:
    """What a layer adds to its stream is known only as what enters its norms, so it is subtracted beforehand."""
    stream: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[Any, Any], None]:
        return lambda module, given: stream.__setitem__(name, given[0])

    if not parts.skip:
        yield layer.input_layernorm.register_forward_pre_hook(keep("attention"))
        yield layer.post_attention_layernorm.register_forward_pre_hook(keep("mlp"))
        yield layer.self_attn.register_forward_hook(
            lambda module, given, output: (output[0] - stream["attention"], *output[1:])
        )
    if not parts.mlp:
        yield layer.mlp.register_forward_hook(lambda module, given, output: torch.zeros_like(output))
    elif not parts.skip:
        yield layer.mlp.register_forward_hook(lambda module, given, output: output - stream["mlp"])
