"""Sentences as vectors: MiniLM's token vectors, averaged and normalised, as its authors read them out.

Reimers and Gurevych (2019), Sentence-BERT, EMNLP; Wang et al. (2020), MiniLM, NeurIPS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import stats

from scenarios.workbench.errors import UsageError
from scenarios.workbench.pretrained import Pretrained

__all__ = ["Encoded", "encode", "similarity", "spearman"]

BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Vectors of sentences and how long they took."""

    vectors: np.ndarray  # (n_sentences, width) float64, each of length 1
    seconds: float


def encode(
    pretrained: Pretrained, sentences: Sequence[str], *, progress: Callable[[float], None] | None = None
) -> Encoded:
    """Vectors of all sentences by the model with whatever attention it has now, those of like length together."""
    vectors: np.ndarray | None = None
    seconds, done = 0.0, 0
    lengths = [len(tokens) for tokens in pretrained.tokenizer(list(sentences), verbose=False)["input_ids"]]
    order = np.argsort(lengths, kind="stable")  # a row of padding costs as much as any other
    with torch.no_grad():
        for own in np.split(order, range(BATCH, len(order), BATCH)):
            given = pretrained.read([sentences[i] for i in own])
            began = time.perf_counter()
            output = pretrained.model(**given, output_hidden_states=True)
            seconds += time.perf_counter() - began
            hidden = _token_vectors(pretrained.model, output)  # (batch, length, width)
            taken = given["attention_mask"].unsqueeze(-1)  # (batch, length, 1)
            mean = (hidden * taken).sum(1) / taken.sum(1)
            unit = torch.nn.functional.normalize(mean, dim=-1).double().numpy()
            if vectors is None:
                vectors = np.empty((len(sentences), unit.shape[1]))
            vectors[own] = unit
            done += len(own)
            if progress is not None:
                progress(done / len(sentences))
    assert vectors is not None
    return Encoded(vectors=vectors, seconds=seconds)


def _token_vectors(model: Any, output: Any) -> torch.Tensor:
    """The last hidden states, also of a model whose own output are logits."""
    if "last_hidden_state" in output:
        return output["last_hidden_state"]
    if "hidden_states" in output:
        return output["hidden_states"][-1]
    raise UsageError(
        f"pairs need one hidden state for each token of a sentence, got {type(model).__name__}, which reads one "
        "sequence and writes another; give an encoder or a decoder, or leave --pairs out"
    )


def similarity(vectors: np.ndarray, n_pairs: int) -> np.ndarray:
    """Cosine of each pair, (n_pairs,): of the first sentences of all pairs with the second ones after them."""
    return np.einsum("pd,pd->p", vectors[:n_pairs], vectors[n_pairs:])


def spearman(judged: np.ndarray, cosines: np.ndarray) -> float:
    """Rank correlation; nan where one of them does not vary."""
    if np.ptp(cosines) == 0 or np.ptp(judged) == 0:
        return float("nan")
    return float(stats.spearmanr(judged, cosines).statistic)
