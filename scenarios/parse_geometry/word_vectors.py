"""Vectors of words at every layer of a pretrained model, and attention between words, whatever its heads are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pragmatic.trees import Tree
from scenarios.workbench.pretrained import MINILM, Pretrained, load_pretrained
from scenarios.workbench.smollm2 import WEIGHTS, load_smollm2

__all__ = ["MODELS", "Read", "fresh_weights", "read_words"]

BATCH = 32


def _minilm() -> Pretrained:
    return load_pretrained(MINILM)


def _smollm2() -> Pretrained:
    pretrained = load_smollm2()
    if pretrained is None:
        raise ModuleNotFoundError(f"No module named {WEIGHTS!r}", name=WEIGHTS)
    return pretrained


MODELS: dict[str, Callable[[], Pretrained]] = {"minilm": _minilm, "smollm2": _smollm2}


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a model makes of each sentence."""

    vectors: list[np.ndarray]  # of each sentence (n_layers + 1, n_words, width) float32
    attention: list[np.ndarray]  # of each sentence (n_layers * n_heads, n_words, n_words) float32


@torch.no_grad()
def read_words(pretrained: Pretrained, trees: Sequence[Tree], progress: Callable[[float], None]) -> Read:
    """Read all sentences, those of like length together; a word is the mean of its pieces.

    Attention from a word is the mean over its pieces, attention to it their sum, so that rows still sum to 1
    together with what goes to the special tokens (Clark et al. 2019, What does BERT look at, BlackboxNLP). A
    tokenizer that adds no token at the start gets one, since a decoder's first vector is unlike all others and
    would spoil the fit (Sun et al. 2024, Massive activations in large language models, COLM).
    """
    tokenizer = pretrained.tokenizer
    start = [tokenizer.bos_token] if tokenizer.cls_token is None else []
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    vectors: list[np.ndarray] = [np.empty(0)] * len(trees)
    attention = list(vectors)
    order = np.argsort([len(tree.words) for tree in trees], kind="stable")
    for first in range(0, len(order), BATCH):
        own = order[first : first + BATCH]
        given = tokenizer(
            [[*start, *(f" {word}" for word in trees[i].words)] for i in own],  # of bytes: the space counts
            is_split_into_words=True,
            return_tensors="pt",
            padding=True,
            padding_side="right",
            truncation=True,
        )
        output = pretrained.model(
            **{name: given[name] for name in ("input_ids", "attention_mask")},
            output_hidden_states=True,
            output_attentions=True,
        )
        states = torch.stack(output.hidden_states, dim=1)  # (B, L + 1, T, C)
        weights = torch.cat(output.attentions, dim=1)  # (B, L * H, T, T)
        for at, i in enumerate(own):
            pieces = _pieces(given.word_ids(at), len(start) + len(trees[i].words))[
                len(start) :
            ]  # (n_words, T)
            mean = pieces / pieces.sum(dim=1, keepdim=True).clamp_min(1)
            vectors[i] = (mean @ states[at]).numpy()
            attention[i] = (mean @ weights[at] @ pieces.T).numpy()
        progress((first + len(own)) / len(order))
    return Read(vectors=vectors, attention=attention)


def fresh_weights(pretrained: Pretrained, rng: np.random.Generator) -> Pretrained:
    """The same model before any training: initial values of its own configuration."""
    with torch.random.fork_rng():
        torch.manual_seed(int(rng.integers(2**31)))
        model = type(pretrained.model)(pretrained.model.config).eval()
    return Pretrained(model=model, tokenizer=pretrained.tokenizer)


def _pieces(words: list[int | None], n_words: int) -> torch.Tensor:
    """Which pieces make each word, (n_words, T)."""
    made = torch.zeros(n_words, len(words))
    for place, word in enumerate(words):
        if word is not None:
            made[word, place] = 1
    return made
