"""The real pretrained all-MiniLM-L6-v2: queries, keys and values of all its heads on a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.workbench.pretrained import MINILM, load_pretrained

__all__ = ["Heads", "minilm_heads", "shipped_paragraph"]

N_LAYERS, N_HEADS, DIM = 6, 12, 32  # Wang et al. 2020 (MiniLM); sentence-transformers/all-MiniLM-L6-v2


@dataclass(frozen=True, kw_only=True)
class Heads:
    """What every head of the model computes on a text."""

    tokens: tuple[str, ...]  # (length,)
    query: np.ndarray  # (6 layers, 12 heads, length, 32) float64
    key: np.ndarray  # (6 layers, 12 heads, length, 32) float64
    value: np.ndarray  # (6 layers, 12 heads, length, 32) float64
    weights: np.ndarray  # (6 layers, 12 heads, length, length) float64: the model's own attention

    @property
    def scores(self) -> np.ndarray:
        """Scaled dot products before the softmax, shape (6, 12, length, length)."""
        return np.einsum("lhqd,lhkd->lhqk", self.query, self.key) / np.sqrt(DIM)


def shipped_paragraph() -> str:
    """William James on attention, The Principles of Psychology (1890), chapter 11; public domain."""
    return Path(__file__).with_name("paragraph.txt").read_text(encoding="utf-8").strip()


def minilm_heads(text: str) -> Heads:
    """Run the model on `text` and keep each head's queries, keys, values and weights.

    Raises
    ------
    UsageError
        If the text is blank or has more tokens than the model's 512 positions.
    ModuleNotFoundError
        Without the extra `hf`; the message names the install command.
    """
    pretrained = load_pretrained(MINILM)
    model, encoded = pretrained.model, pretrained.read([text])
    import torch

    caught: dict[tuple[int, str], torch.Tensor] = {}
    hooks = [
        getattr(layer.attention.self, part).register_forward_hook(
            lambda module, inputs, output, at=(index, part): caught.__setitem__(at, output)
        )
        for index, layer in enumerate(model.encoder.layer)
        for part in ("query", "key", "value")
    ]
    try:
        with torch.no_grad():
            attentions = model(**encoded, output_attentions=True).attentions
    finally:
        for hook in hooks:
            hook.remove()
    query, key, value = (
        np.stack([_by_head(caught[layer, part]) for layer in range(N_LAYERS)])
        for part in ("query", "key", "value")
    )
    return Heads(
        tokens=tuple(pretrained.tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])),
        query=query,
        key=key,
        value=value,
        weights=torch.stack(attentions).squeeze(1).double().numpy(),
    )


def _by_head(projected: Any) -> np.ndarray:
    """(1, length, heads * dim) -> (heads, length, dim)."""
    return projected[0].double().numpy().reshape(-1, N_HEADS, DIM).transpose(1, 0, 2)
