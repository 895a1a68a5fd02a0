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

from scenarios.errors import UsageError
from scenarios.sentence_pairs import Pairs

__all__ = ["Encoded", "SentenceEncoder", "similarity", "spearman"]

BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Vectors of sentences and how long they took."""

    vectors: np.ndarray  # (n_sentences, 384) float64, each of length 1
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SentenceEncoder:
    """MiniLM as it stands, with whatever attention is swapped into `model` at the time of the call."""

    tokenizer: Any
    model: Any

    def batches(self, sentences: Sequence[str]) -> list[tuple[np.ndarray, Any]]:
        """Places in `sentences` and their tokens, sentences of like length together.

        Raises
        ------
        UsageError
            For a sentence longer than the model's positions.
        """
        limit = self.model.config.max_position_embeddings
        lengths = np.array([len(ids) for ids in self.tokenizer(list(sentences), verbose=False)["input_ids"]])
        if lengths.max() > limit:
            longest = sentences[int(lengths.argmax())]
            raise UsageError(
                f"a sentence must have at most {limit} tokens, got {lengths.max()} in {longest[:40]!r}; shorten it"
            )
        order = np.argsort(lengths, kind="stable")
        return [
            (own, self.tokenizer([sentences[i] for i in own], return_tensors="pt", padding=True))
            for own in np.split(order, range(BATCH, len(order), BATCH))
        ]

    def encode(self, sentences: Sequence[str], *, progress: Callable[[float], None] | None = None) -> Encoded:
        """Vectors of all sentences, and the seconds that the model took."""
        vectors = np.empty((len(sentences), self.model.config.hidden_size))
        seconds, done = 0.0, 0
        with torch.no_grad():
            for own, tokens in self.batches(sentences):
                began = time.perf_counter()
                hidden = self.model(**tokens).last_hidden_state  # (batch, length, width)
                seconds += time.perf_counter() - began
                taken = tokens["attention_mask"].unsqueeze(-1)  # (batch, length, 1)
                mean = (hidden * taken).sum(1) / taken.sum(1)
                vectors[own] = torch.nn.functional.normalize(mean, dim=-1).double().numpy()
                done += len(own)
                if progress is not None:
                    progress(done / len(sentences))
        return Encoded(vectors=vectors, seconds=seconds)


def similarity(vectors: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Cosine of each pair, (n_pairs,)."""
    return np.einsum("pd,pd->p", vectors[pairs.first], vectors[pairs.second])


def spearman(judged: np.ndarray, found: np.ndarray) -> float:
    """Rank correlation; nan where one of them does not vary."""
    if np.ptp(found) == 0 or np.ptp(judged) == 0:
        return float("nan")
    return float(stats.spearmanr(judged, found).statistic)
