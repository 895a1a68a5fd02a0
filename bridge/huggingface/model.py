"""What one Hugging Face model knows of its gamma attention, kept on the model itself.

A `GammaModel` is an attribute of each model with gamma attention, and a `Place` of each of its attention modules.
Neither is part of the model's state: copies and pickles leave them out and get new ones at their first call.
"""

from __future__ import annotations

import inspect
import threading
import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import Cache, PreTrainedModel

from bridge.huggingface.layers import attention_layers, longest_sequence, without_interface
from bridge.huggingface.options import NAME, GammaOptions
from bridge.huggingface.place import ATTRIBUTE, NotCopied, Place, has_gamma
from bridge.huggingface.plan import Plan, Swap
from bridge.huggingface.taught import call_adapter, call_class

__all__ = ["GammaModel", "outermost", "plan_of", "submodels", "the_model"]


@dataclass
class _Pass:
    """A forward pass that has begun."""

    model: PreTrainedModel
    first: int  # position of its first token: how many tokens the cache holds
    calls: int  # of attention that the plan had counted before


class GammaModel(NotCopied):
    """Heads, hooks and forward passes of one model.

    The outermost model with gamma attention holds the plan for all models inside it; its configuration counts.

    Attributes
    ----------
    swaps : list of Swap
        Heads put in by blocks, inner blocks last.
    recordings : list of Recording
        Those that are open.
    made : Plan or None
        The last plan.
    passes : list of _Pass
        Forward passes under way in this thread, the outermost first.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = weakref.ref(model)
        self.outer: weakref.ref[PreTrainedModel] = self._model
        self.swaps: list[Swap] = []
        self.recordings: list[Any] = []
        self.made: Plan | None = None
        self._hooks: list[Any] = []
        self._thread = threading.local()

    @staticmethod
    def attached_to(model: PreTrainedModel) -> GammaModel | None:
        """The model's own, if it has one."""
        return vars(model).get(ATTRIBUTE)

    @classmethod
    def of(cls, model: PreTrainedModel) -> GammaModel:
        """The model's own; a new one where it has none."""
        attached = cls.attached_to(model)
        if attached is None:
            attached = cls(model)
            setattr(model, ATTRIBUTE, attached)
        return attached

    @property
    def model(self) -> PreTrainedModel:
        """Whose attribute this is."""
        model = self._model()
        assert model is not None
        return model

    @property
    def in_force(self) -> bool:
        """Whether the model still exists and has gamma attention."""
        model = self._model()
        return model is not None and has_gamma(model)

    @property
    def passes(self) -> list[_Pass]:
        """Forward passes under way in this thread."""
        if not hasattr(self._thread, "passes"):
            self._thread.passes = []
        return self._thread.passes

    @property
    def watched(self) -> bool:
        """Whether the model's forward pass calls the hooks; those of a copied model were copied."""
        return _enter in self.model._forward_pre_hooks.values()

    @property
    def plan_in_force(self) -> Plan:
        """The plan of the forward pass under way.

        Outside, it is what fits this moment, for a caller of `model.forward`, which passes the hooks by; but in a
        backward pass, where gradient checkpointing computes a layer again, it is that of the last forward pass.
        """
        again = torch._C._current_graph_task_id() != -1
        return self.made if self.made is not None and (self.passes or again) else self.plan()

    @property
    def first_position(self) -> int:
        """Position of the first query of the forward pass under way; 0 outside, as in a recomputed layer."""
        return self.passes[-1].first if self.passes else 0

    def watch(self) -> None:
        """Check options and length before each forward pass, and after it that attention was called."""
        if not self.watched:
            self._hooks = [
                self.model.register_forward_pre_hook(_enter, with_kwargs=True),
                self.model.register_forward_hook(_leave, always_call=True),
            ]

    def detach(self) -> None:
        """Take hooks and places away."""
        for hook in self._hooks:
            hook.remove()
        for module in self.model.modules():
            attached = vars(module).get(ATTRIBUTE)
            if isinstance(attached, GammaModel):
                attached.made = None  # a model inside that keeps gamma attention plans for itself
            if attached is self or (isinstance(attached, Place) and attached.owner is self):
                delattr(module, ATTRIBUTE)
                call_class(module)

    def _link(self) -> None:
        root = outermost(self.model)
        for each in submodels(root):
            GammaModel.of(each).outer = weakref.ref(root)

    def plan(self) -> Plan:
        """The plan that fits the options and blocks of this moment."""
        swaps = tuple(self.swaps)
        by_configuration = not swaps or swaps[0].had_gamma
        made_from = (GammaOptions.of(self.model.config) if by_configuration else None, swaps)
        if self.made is None or self.made.made_from != made_from:
            self.made = Plan.of(self.model, *made_from)
            self.settle()
        return self.made

    def settle(self) -> None:
        """Give each attention layer its place, and let the models inside know which configuration counts."""
        for number, (_, module) in enumerate(attention_layers(self.model)):
            setattr(module, ATTRIBUTE, Place(self, number))
            call_adapter(module)
        self._link()


def the_model(model: Any, asked_by: str) -> PreTrainedModel:
    """Check that it is a loaded Hugging Face model; unwrap one that `torch.compile` has wrapped."""
    inside = getattr(model, "_orig_mod", model)
    if not isinstance(inside, PreTrainedModel):
        what = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"{asked_by} needs a Hugging Face model, got {what}; give the loaded model itself")
    return inside


def submodels(model: nn.Module) -> list[PreTrainedModel]:
    """The model and the models inside it, outer ones first."""
    return [each for each in model.modules() if isinstance(each, PreTrainedModel)]


def outermost(model: PreTrainedModel) -> PreTrainedModel:
    """The outermost model around this one that has gamma attention, or the model itself."""
    attached = GammaModel.attached_to(model)
    outer = None if attached is None else attached.outer()
    if outer is None or not has_gamma(outer) or not _contains(outer, model):
        return model
    return outer


def plan_of(model: PreTrainedModel) -> Plan:
    """Look up which head stands where in a model that has gamma attention.

    Raises
    ------
    ValueError, TypeError
        For options out of range, heads that do not exist, and a model that does not have gamma attention.
    """
    model = the_model(model, "plan_of")
    if not has_gamma(model):
        raise ValueError(
            f"the model must have gamma attention, got {model.config._attn_implementation!r}; call "
            f'model.set_attn_implementation("{NAME}")'
        )
    return GammaModel.of(outermost(model)).plan()


def _contains(outer: nn.Module, inner: nn.Module) -> bool:
    """Whether `inner` is `outer` or one of its parts."""
    return any(each is inner for each in outer.modules())


@torch.compiler.disable
def _enter(model: PreTrainedModel, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Before a forward pass: a plan that fits the options, the position of the first token, the length."""
    if not has_gamma(model):
        return
    owner = outermost(model)
    gamma = GammaModel.of(owner)
    plan, passes = gamma.plan(), gamma.passes
    while passes and (passes[-1].model is model or not _contains(passes[-1].model, model)):
        passes.pop()  # left over from a pass that Ctrl-C ended
    given = inspect.signature(model.forward).bind_partial(*args, **kwargs).arguments
    given = {**given, **given.get("kwargs", {})}
    cache = next((each for each in given.values() if isinstance(each, Cache)), None)  # its name has changed
    first = 0 if cache is None else int(cache.get_seq_length())
    _check_length(model, given, first)
    passes.append(_Pass(model, first, plan.calls))


@torch.compiler.disable
def _leave(model: PreTrainedModel, args: tuple[Any, ...], output: Any) -> None:
    """After a forward pass: attention must have been called in the outermost model."""
    gamma = GammaModel.attached_to(outermost(model))
    passes = [] if gamma is None else gamma.passes
    if gamma is None or not (passes and passes[-1].model is model):
        return
    ended, failed = passes.pop(), output is None
    if passes or failed or gamma.model is not model:
        return
    if gamma.made is not None and gamma.made.calls == ended.calls:
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
