"""Which head stands where in a Hugging Face model: by its configuration, and by the blocks around a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn
from transformers import PreTrainedModel

from bridge.heads.choice import HeadChoice, chosen_heads
from bridge.huggingface.layers import AttentionLayer, attention_layers, without_interface
from bridge.huggingface.options import GammaOptions
from pragmatic.attention import Head

__all__ = [
    "HOOKS",
    "NAME",
    "SWAPS",
    "Plan",
    "Swap",
    "contains",
    "owner_of",
    "place_of",
    "plan_of",
    "submodels",
    "told",
]

NAME = "gamma"


@dataclass(frozen=True, eq=False)
class Swap:
    """Heads put in by a block."""

    heads: HeadChoice
    head: Head
    keyed: bool  # whether the noise of a row follows from where it stands
    told_before: bool  # whether the model had gamma attention already


@dataclass(eq=False)
class Plan:
    """Which head stands where in a model, and how often its attention was called."""

    layers: tuple[AttentionLayer, ...]
    heads: dict[tuple[int, int], Head]  # (layer, head) -> what stands there; plain attention elsewhere
    keyed: frozenset[int]  # id of the heads whose rows are keyed
    made_from: tuple[GammaOptions | None, tuple[Swap, ...]]
    calls: int = 0  # of attention layers so far
    checked: set[int] = field(default_factory=set)  # layers whose own attention was found to be plain

    def groups(self, layer: int) -> list[tuple[Head, list[int]]]:
        """The distinct heads of a layer and where each stands; one call serves them all."""
        groups: dict[int, tuple[Head, list[int]]] = {}
        for place in range(self.layers[layer].n_heads):
            if (head := self.heads.get((layer, place))) is not None:
                groups.setdefault(id(head), (head, []))[1].append(place)
        return list(groups.values())


HOOKS: WeakKeyDictionary[PreTrainedModel, list[Any]] = WeakKeyDictionary()  # of the models that were told
SWAPS: WeakKeyDictionary[PreTrainedModel, list[Swap]] = WeakKeyDictionary()  # inner blocks last
_PLANS: WeakKeyDictionary[PreTrainedModel, Plan] = WeakKeyDictionary()
_PLACES: WeakKeyDictionary[nn.Module, tuple[Plan, int]] = WeakKeyDictionary()  # attention module -> its layer


def plan_of(model: PreTrainedModel) -> Plan:
    """Which head stands where in a model that has gamma attention.

    Raises
    ------
    ValueError, TypeError
        For options that cannot be, heads that do not exist, a model that does not have gamma attention.
    """
    if not told(model):
        raise ValueError(
            f"the model must have gamma attention, got {model.config._attn_implementation!r}; call "
            f'model.set_attn_implementation("{NAME}")'
        )
    owner = owner_of(model)
    swaps = tuple(SWAPS.get(owner, ()))
    by_configuration = not swaps or swaps[0].told_before
    made_from = (GammaOptions.of(owner.config) if by_configuration else None, swaps)
    plan = _PLANS.get(owner)
    if plan is None or plan.made_from != made_from:
        plan = _PLANS[owner] = _planned(owner, *made_from)
    return plan


def place_of(module: nn.Module) -> tuple[Plan, int]:
    """The plan that an attention module belongs to, and the number of its layer there."""
    try:
        return _PLACES[module]
    except KeyError:
        raise ValueError(
            f"{type(module).__name__} must be called in a forward pass of its model, got a call from outside; "
            f'call model.set_attn_implementation("{NAME}") first'
        ) from None


def told(model: PreTrainedModel) -> bool:
    """Whether the model's configuration asks for gamma attention."""
    return bool(model.config._attn_implementation == NAME)


def submodels(model: nn.Module) -> list[PreTrainedModel]:
    """The model and the models inside it, outer ones first."""
    return [each for each in model.modules() if isinstance(each, PreTrainedModel)]


def contains(outer: nn.Module, inner: nn.Module) -> bool:
    """Whether `inner` is `outer` or one of its parts."""
    return any(each is inner for each in outer.modules())


def owner_of(model: PreTrainedModel) -> PreTrainedModel:
    """The outermost model around this one that has gamma attention: its configuration counts."""
    around = [each for each in list(HOOKS) if told(each) and contains(each, model)]
    return max(around, key=lambda each: sum(1 for _ in each.modules()), default=model)


def _planned(model: PreTrainedModel, options: GammaOptions | None, swaps: tuple[Swap, ...]) -> Plan:
    found = list(attention_layers(model))
    if not found:
        raise without_interface(type(model))
    n_heads = [layer.n_heads for layer, _ in found]
    heads: dict[tuple[int, int], Head] = {}
    keyed = {id(swap.head) for swap in swaps if swap.keyed}
    if options is not None:
        head = options.head()
        heads |= dict.fromkeys(chosen_heads(options.heads, n_heads), head)
        keyed |= {id(head)} if options.keyed else set()
    for swap in swaps:
        heads |= dict.fromkeys(chosen_heads(swap.heads, n_heads), swap.head)
    for number in sorted({number for number, _ in heads}):
        _check_told(number, *found[number])
    layers = tuple(layer for layer, _ in found)
    plan = Plan(layers=layers, heads=heads, keyed=frozenset(keyed), made_from=(options, swaps))
    for number, (_, module) in enumerate(found):
        _PLACES[module] = plan, number
    return plan


def _check_told(number: int, layer: AttentionLayer, module: nn.Module) -> None:
    asked = getattr(getattr(module, "config", None), "_attn_implementation", NAME)
    if asked != NAME:
        raise ValueError(
            f"layer {number} ({layer.name}) must have gamma attention for its heads to be replaced, got "
            f"{asked!r}; choose heads of other layers"
        )
