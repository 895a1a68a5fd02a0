"""What gamma attention changes in the `transformers` library itself, each for want of a place on the model.

`AttentionInterface` and `AttentionMaskInterface` are the library's own registries. Without the second one, causal
and padding masks would vanish without a word.

`get_correct_attn_implementation` is where each model passes at its construction. It is wrapped, since nothing
else refuses an architecture that ignores the interface, and attaches the model's `GammaModel` when the model has
just been made. A model without gamma attention goes through it as before, except for a warning if its
configuration has options that take no effect.

`set_attn_implementation` is wrapped, since the library only logs that an architecture ignores the interface, and
since it must undo itself when the options are refused.

The names of the options are attributes of `PreTrainedConfig`, None unless given, so that
`from_pretrained(path, gamma_spikes=32)` puts them into the configuration and not into the model's constructor.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from functools import partial, wraps
from typing import Any

from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig, PreTrainedModel
from transformers.masking_utils import eager_mask

from bridge.huggingface.attention import gamma_attention
from bridge.huggingface.layers import check_architecture, taught_layers
from bridge.huggingface.model import GammaModel, outermost, plan_of, submodels
from bridge.huggingface.options import KEYS, NAME, GammaOptions, gamma_keys
from bridge.huggingface.place import has_gamma

__all__ = ["attention_of_each", "change_library", "restore", "switch"]

LIBRARIES = ("bridge.", "transformers.")  # whose lines no warning points at
Before = Sequence[tuple[Any, str]]  # configurations and their attention, outer models first

_get_correct = PreTrainedModel.get_correct_attn_implementation
_set = PreTrainedModel.set_attn_implementation


def change_library() -> None:
    """Make "gamma" one of the library's attention implementations."""
    AttentionInterface.register(NAME, gamma_attention)
    AttentionMaskInterface.register(NAME, eager_mask)
    for method in (get_correct_attn_implementation, set_attn_implementation):
        setattr(PreTrainedModel, method.__name__, method)
    for key in KEYS:
        setattr(PreTrainedConfig, key, None)


def attention_of_each(model: PreTrainedModel) -> Before:
    """What each configuration in the model asks for, to go back to with `restore`."""
    return [(each.config, each.config._attn_implementation) for each in submodels(model)]


def restore(model: PreTrainedModel, before: Before) -> None:
    """Ask each configuration again for what it asked for; outer ones first, since they set their parts too."""
    for config, implementation in before:
        config._attn_implementation = implementation
    _attach(model)


def switch(model: PreTrainedModel, attn_implementation: Any = NAME, *args: Any, **kwargs: Any) -> None:
    """Set the attention of a model, and attach to what has gamma attention then.

    Raises
    ------
    TypeError
        For a model in which some attention would ignore it.
    """
    if attn_implementation == NAME:
        for each in submodels(model):
            _accept(type(each))
    _set(model, attn_implementation, *args, **kwargs)
    _attach(model)


@wraps(_get_correct)
def get_correct_attn_implementation(
    self: PreTrainedModel, requested_attention: str | None, *args: Any, **kwargs: Any
) -> str:
    under_construction = next(self.children(), None) is None
    if requested_attention == NAME:
        _accept(type(self))
        if under_construction:
            GammaOptions.of(self.config).head()
            self.post_init = partial(_finish, self)  # type: ignore[method-assign]
    elif under_construction:
        _warn_of_unused(self.config)
    return _get_correct(self, requested_attention, *args, **kwargs)


@wraps(_set)
def set_attn_implementation(
    self: PreTrainedModel, attn_implementation: str | dict[str, Any], *args: Any, **kwargs: Any
) -> None:
    before = attention_of_each(self)
    try:
        switch(self, attn_implementation, *args, **kwargs)
        if has_gamma(self):
            plan_of(self)
    except Exception:
        restore(self, before)
        raise


def _attach(model: PreTrainedModel) -> None:
    """Watch each model inside that has gamma attention, and no other."""
    for each in submodels(model):
        if has_gamma(each):
            GammaModel.of(each).watch()
        elif (attached := GammaModel.attached_to(each)) is not None:
            attached.detach()
    if has_gamma(model):
        GammaModel.of(outermost(model)).settle()


def _finish(model: PreTrainedModel) -> None:
    """The model's own `post_init`, which ends its construction; then its parts exist."""
    del model.post_init
    model.post_init()
    _attach(model)


def _accept(model_class: type[PreTrainedModel]) -> None:
    """Raise for an architecture that would ignore "gamma"; open those that have an adapter."""
    check_architecture(model_class)
    for layer_class, adapter in taught_layers(model_class):
        adapter.prepare(sys.modules[layer_class.__module__])
        model_class._can_set_attn_implementation = classmethod(lambda cls: True)  # type: ignore[assignment, method-assign]


def _warn_of_unused(config: PreTrainedConfig) -> None:
    """One line where a saved model had gamma attention and is loaded without it."""
    if config.name_or_path and gamma_keys(config):
        warnings.warn(
            f"{config.name_or_path} was saved with options of gamma attention, which plain attention "
            f'ignores; load it with bridge.huggingface.load, or with attn_implementation="{NAME}"',
            stacklevel=_level_of_the_user(),
        )


def _level_of_the_user() -> int:
    """How far up the stack the call lies that loads the model; Python shows a warning once for each such line."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(LIBRARIES):
        level, frame = level + 1, frame.f_back
    return level
