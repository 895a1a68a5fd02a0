"""Which head stands where in a Hugging Face model: by its configuration, and by the blocks around a call."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from bridge.heads.choice import HeadChoice, chosen_heads
from bridge.huggingface.layers import AttentionLayer, attention_layers, without_interface
from bridge.huggingface.options import NAME, GammaOptions
from pragmatic.attention import Head

__all__ = ["Plan", "Swap"]


@dataclass(frozen=True, eq=False)
class Swap:
    """Heads put in by a block."""

    heads: HeadChoice
    head: Head
    keyed: bool  # whether the noise of a row follows from its place
    had_gamma: bool  # whether the model had gamma attention before the block


@dataclass(eq=False)
class Plan:
    """Which head stands where in a model, and how often its attention was called."""

    layers: tuple[AttentionLayer, ...]
    heads: dict[tuple[int, int], Head]  # (layer, head) -> what stands there; plain attention elsewhere
    keyed: frozenset[int]  # id of the heads whose rows are keyed
    made_from: tuple[GammaOptions | None, tuple[Swap, ...]]
    calls: int = 0  # of attention layers so far
    checked: set[int] = field(default_factory=set)  # layers whose own attention agreed with ours

    @classmethod
    def of(cls, model: nn.Module, options: GammaOptions | None, swaps: tuple[Swap, ...]) -> Plan:
        """Place the heads of the options, and over them those of the blocks, inner blocks last."""
        pairs = list(attention_layers(model))
        if not pairs:
            raise without_interface(type(model))
        n_heads = [layer.n_heads for layer, _ in pairs]
        heads: dict[tuple[int, int], Head] = {}
        keyed = {id(swap.head) for swap in swaps if swap.keyed}
        if options is not None:
            head = options.head()
            heads |= dict.fromkeys(chosen_heads(options.heads, n_heads), head)
            keyed |= {id(head)} if options.keyed else set()
        for swap in swaps:
            heads |= dict.fromkeys(chosen_heads(swap.heads, n_heads), swap.head)
        for number in sorted({number for number, _ in heads}):
            _check_implementation(number, *pairs[number])
        return cls(
            layers=tuple(layer for layer, _ in pairs),
            heads=heads,
            keyed=frozenset(keyed),
            made_from=(options, swaps),
        )

    def groups(self, layer: int) -> list[tuple[Head, list[int]]]:
        """The distinct heads of a layer and where each stands; one call serves them all."""
        groups: dict[int, tuple[Head, list[int]]] = {}
        for place in range(self.layers[layer].n_heads):
            if (head := self.heads.get((layer, place))) is not None:
                groups.setdefault(id(head), (head, []))[1].append(place)
        return list(groups.values())


def _check_implementation(number: int, layer: AttentionLayer, module: nn.Module) -> None:
    asked = getattr(getattr(module, "config", None), "_attn_implementation", NAME)
    if asked != NAME:
        raise ValueError(
            f"layer {number} ({layer.name}) must have gamma attention for its heads to be replaced, got "
            f"{asked!r}; choose heads of other layers"
        )
