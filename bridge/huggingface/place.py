"""Where an attention module stands: its number in the plan of its model, kept on the module itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn
from transformers import PreTrainedModel

from bridge.huggingface.options import NAME
from bridge.huggingface.plan import Plan

__all__ = ["ATTRIBUTE", "NotCopied", "Place", "has_gamma", "place_of"]

ATTRIBUTE = "_gamma_attention"  # of a model, its GammaModel; of an attention module, its Place


class NotCopied:
    """Neither copied nor pickled with the module whose attribute it is."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _nothing, ()


def _nothing() -> None:
    return None


class Owner(Protocol):
    """What a place reads of its `GammaModel`."""

    recordings: list[Any]

    @property
    def plan_in_force(self) -> Plan: ...

    @property
    def in_force(self) -> bool: ...

    @property
    def first_position(self) -> int: ...


@dataclass(eq=False)
class Place(NotCopied):
    """Where an attention module stands."""

    owner: Owner
    layer: int

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self.owner.plan_in_force


def place_of(module: nn.Module) -> Place:
    """Look up where an attention module stands in its model."""
    place = vars(module).get(ATTRIBUTE)
    if place is None:
        raise ValueError(
            f"{type(module).__name__} must be called in a forward pass of its model, got a call from outside; "
            f'call model.set_attn_implementation("{NAME}") first'
        )
    return place


def has_gamma(model: PreTrainedModel) -> bool:
    """Whether the model's configuration asks for gamma attention."""
    return bool(model.config._attn_implementation == NAME)
