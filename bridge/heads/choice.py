"""Which heads of a model are meant: "all", a text such as "0.1,3.*", or pairs (layer, head)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any

from spiking.checks import shown

__all__ = ["HeadChoice", "chosen_heads"]

HeadChoice = str | Iterable[tuple[int, int]]


def chosen_heads(heads: HeadChoice, n_heads: Sequence[int]) -> list[tuple[int, int]]:
    """The chosen (layer, head), sorted and without repeats.

    Parameters
    ----------
    heads : str or pairs of int
        "all", pairs (layer, head), or a text such as "0.1,3.*": head 1 of layer 0 and all of layer 3.
    n_heads : sequence of int
        Heads of each layer.

    Raises
    ------
    ValueError, TypeError
        For a choice that cannot be read, that is empty, or that names a head the model does not have.
    """
    pairs = _read(heads, n_heads) if isinstance(heads, str) else _pairs(heads)
    if not pairs:
        raise ValueError('heads must name at least one head, got none; use "all" or pairs (layer, head)')
    for layer, head in pairs:
        if not (0 <= layer < len(n_heads) and 0 <= head < n_heads[layer]):
            raise ValueError(f"no head {layer}.{head} in this model; it has {_listed(n_heads)}")
    return sorted(set(pairs))


def _read(text: str, n_heads: Sequence[int]) -> list[tuple[int, int]]:
    if text.strip() == "all":
        text = "*.*"
    pairs: list[tuple[int, int]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        layer_text, dot, head_text = part.partition(".")
        if not (dot and all(side == "*" or side.isdecimal() for side in (layer_text, head_text))):
            raise ValueError(
                f'heads must be "all" or layer.head separated by commas, got {part!r}; use 0.1 or 3.*'
            )
        for layer in range(len(n_heads)) if layer_text == "*" else [int(layer_text)]:
            n = n_heads[layer] if layer < len(n_heads) else 1  # a layer too many is refused with its name
            pairs += [(layer, h) for h in (range(n) if head_text == "*" else [int(head_text)])]
    return pairs


def _pairs(heads: Iterable[Any]) -> list[tuple[int, int]]:
    try:
        return [(index(layer), index(head)) for layer, head in heads]
    except (TypeError, ValueError):
        raise TypeError(
            f'heads must be "all", a text such as "0.1,3.*" or pairs (layer, head), got {shown(heads)}; use "all"'
        ) from None


def _listed(n_heads: Sequence[int]) -> str:
    return ", ".join(f"{layer}.0 to {layer}.{n - 1}" for layer, n in enumerate(n_heads) if n) or "none"
