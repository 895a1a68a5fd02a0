"""What makes a Hugging Face model heed "gamma" or say that it cannot: a refusal when told, a count when run.

The library lets an architecture without the attention interface ignore what it is asked for. So two methods of
`PreTrainedModel` are wrapped to refuse such a model, and a model that is told "gamma" carries two hooks: one
checks options and length before its forward pass, the other that attention was called in it.
"""

from __future__ import annotations

import inspect
import threading
from dataclasses import dataclass
from functools import wraps
from typing import Any

from transformers import Cache, PreTrainedModel

from bridge.huggingface.layers import honours_interface, longest_sequence, without_interface
from bridge.huggingface.options import GammaOptions
from bridge.huggingface.plan import HOOKS, NAME, Plan, contains, owner_of, plan_of, submodels, told

__all__ = ["attention_of_each", "first_position", "restore", "tell", "unwatch", "wrap_library"]

Before = list[tuple[Any, str]]  # configurations and their attention, outer models first


@dataclass
class _Pass:
    """A forward pass that has begun."""

    model: PreTrainedModel
    first: int  # position of its first token: how many tokens the cache holds
    plan: Plan
    calls: int  # of attention that the plan had seen before


class _Running(threading.local):
    """Forward passes under way in this thread, the outermost first."""

    def __init__(self) -> None:
        self.passes: list[_Pass] = []


_RUNNING = _Running()
_get_correct = PreTrainedModel.get_correct_attn_implementation
_set = PreTrainedModel.set_attn_implementation


def first_position() -> int:
    """Position of the first query of the forward pass under way."""
    return _RUNNING.passes[-1].first if _RUNNING.passes else 0


def attention_of_each(model: PreTrainedModel) -> Before:
    """What each configuration in the model asks for, to go back to with `restore`."""
    return [(each.config, each.config._attn_implementation) for each in submodels(model)]


def restore(before: Before) -> None:
    """Ask each configuration again for what it asked for; outer ones first, since they set their parts too."""
    for config, implementation in before:
        config._attn_implementation = implementation


def tell(model: PreTrainedModel, attn_implementation: Any = NAME, *args: Any, **kwargs: Any) -> None:
    """Set the attention of a model, and watch what has gamma attention then.

    Raises
    ------
    TypeError
        For a model in which some attention would not heed it.
    """
    if attn_implementation == NAME:
        for each in submodels(model):
            if not honours_interface(type(each)):
                raise without_interface(type(each))
    _set(model, attn_implementation, *args, **kwargs)
    watch_told(model)


def watch_told(model: PreTrainedModel) -> None:
    """Hooks for each model inside that has gamma attention, and for no other."""
    for each in submodels(model):
        if told(each):
            _watch(each)
        else:
            unwatch(each)


def unwatch(model: PreTrainedModel) -> None:
    """Take the hooks away."""
    for hook in HOOKS.pop(model, []):
        hook.remove()


def wrap_library() -> None:
    """Let `from_pretrained` and `set_attn_implementation` refuse what would not be heeded."""

    @wraps(_get_correct)
    def get_correct_attn_implementation(
        self: PreTrainedModel, requested_attention: str | None, *args: Any, **kwargs: Any
    ) -> str:
        if requested_attention == NAME:
            if not honours_interface(type(self)):
                raise without_interface(type(self))
            GammaOptions.of(self.config)
            _watch(self)
        return _get_correct(self, requested_attention, *args, **kwargs)

    @wraps(_set)
    def set_attn_implementation(
        self: PreTrainedModel, attn_implementation: str | dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        before = attention_of_each(self)
        try:
            tell(self, attn_implementation, *args, **kwargs)
            if told(self):
                plan_of(self)
        except Exception:
            restore(before)
            watch_told(self)
            raise

    for method in (get_correct_attn_implementation, set_attn_implementation):
        setattr(PreTrainedModel, method.__name__, method)


def _watch(model: PreTrainedModel) -> None:
    if model not in HOOKS:
        HOOKS[model] = [
            model.register_forward_pre_hook(_enter, with_kwargs=True),
            model.register_forward_hook(_leave, always_call=True),
        ]


def _enter(model: PreTrainedModel, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Before a forward pass: a plan that fits the options, the position of the first token, the length."""
    passes = _RUNNING.passes
    while passes and (passes[-1].model is model or not contains(passes[-1].model, model)):
        passes.pop()  # left behind by a pass that Ctrl-C ended
    if not told(model):
        return
    HOOKS.setdefault(model, [])  # a copied model has copies of the hooks
    plan = passes[0].plan if passes else plan_of(model)
    given = inspect.signature(model.forward).bind_partial(*args, **kwargs).arguments
    given = {**given, **given.get("kwargs", {})}
    cache = next((each for each in given.values() if isinstance(each, Cache)), None)  # its name has changed
    first = 0 if cache is None else int(cache.get_seq_length())
    _check_length(model, given, first)
    passes.append(_Pass(model, first, plan, plan.calls))


def _leave(model: PreTrainedModel, args: tuple[Any, ...], output: Any) -> None:
    """After a forward pass: attention must have been called in the outermost model."""
    passes = _RUNNING.passes
    if not (passes and passes[-1].model is model):
        return
    ended = passes.pop()
    failed = output is None
    if not (passes or failed) and ended.plan.calls == ended.calls and owner_of(model) is model:
        raise without_interface(type(model))


def _check_length(model: PreTrainedModel, given: dict[str, Any], first: int) -> None:
    tokens = given.get("input_ids", given.get("inputs_embeds"))
    limit = longest_sequence(model)
    if tokens is None or limit is None:
        return
    has_decoder = "decoder_input_ids" in inspect.signature(model.forward).parameters
    length = tokens.shape[1] + (0 if has_decoder else first)
    if length > limit:
        raise ValueError(
            f"a sequence must not be longer than the model's {limit} positions, got {length}; cut it, or pass "
            "truncation=True to the tokenizer"
        )
