"""Score maps: a row of scores goes in, a row of weights >= 0 that sums to 1 comes out.

Softmax, sparsemax, entmax, divisive normalisation, top-k, hardmax, uniform, and the rules about masks
that all of them keep. A spiking circuit that fulfils `ScoreMap` stands in for any of them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from entmax import entmax15, entmax_bisect
from entmax import sparsemax as project_on_simplex
from torch import Tensor

from pragmatic.masks import masked_scores

__all__ = [
    "SCORE_MAPS",
    "Divisive",
    "Entmax",
    "Hardmax",
    "NameTable",
    "ScoreMap",
    "Softmax",
    "Sparsemax",
    "TopK",
    "Uniform",
]

T = TypeVar("T")


class ScoreMap(Protocol):
    """What turns scores into attention weights.

    Called with `scores` (..., n_queries, n_keys) and `mask`, bool and broadcastable to the scores, True where
    a key takes part (None: all do). Returns weights of the shape and dtype of the scores, each row >= 0 and
    summing to 1. A masked key, and a key whose score is -inf, gets a weight of exactly 0 and no gradient;
    the other keys get what they would get if it were absent.

    Raises ValueError for a row without a key that takes part, NaN or +inf scores, a mask of another shape.
    """

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor: ...


class NameTable(dict[str, T]):
    """A table of names whose error for an unknown name lists the known ones."""

    def __init__(self, kind: str, entries: dict[str, T]) -> None:
        super().__init__(entries)
        self.kind = kind

    def __missing__(self, name: str) -> T:
        raise ValueError(f"unknown {self.kind} {name!r}; known: {', '.join(sorted(self))}")


def _from_top(scores: Tensor) -> Tensor:
    """Distance below the row's largest score, for maps that a shift of the row does not change."""
    return scores - scores.detach().amax(-1, keepdim=True)


class _RowMap(ABC):
    """Shared by the maps below: the rules about masks around one formula for a row."""

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        return self._weights(masked_scores(scores, mask)).to(scores.dtype)

    @abstractmethod
    def _weights(self, scores: Tensor) -> Tensor:
        """Weights of checked scores, -inf where masked."""


@dataclass(frozen=True, kw_only=True)
class Softmax(_RowMap):
    """exp(s_j / T) / sum_k exp(s_k / T)."""

    temperature: float = 1.0  # T, in units of the scores; beta = 1 / T

    def __post_init__(self) -> None:
        _check_positive("Softmax.temperature", self.temperature)

    def _weights(self, scores: Tensor) -> Tensor:
        return torch.softmax(_from_top(scores) / self.temperature, dim=-1)


@dataclass(frozen=True, kw_only=True)
class Sparsemax(_RowMap):
    """The point of the probability simplex nearest to the scores.

    Martins and Astudillo (2016), From softmax to sparsemax, ICML.
    """

    def _weights(self, scores: Tensor) -> Tensor:
        return project_on_simplex(scores, dim=-1)


@dataclass(frozen=True, kw_only=True)
class Entmax(_RowMap):
    """[(alpha - 1) s_j - tau]_+ ^ (1 / (alpha - 1)), with tau so that the row sums to 1.

    Softmax at alpha = 1, sparsemax at alpha = 2, sparse for every alpha > 1. Above 2 a weight at the edge of
    the support moves as a root of its score: single precision keeps few digits of it and its gradient has no
    bound.

    Peters, Niculae and Martins (2019), Sparse sequence-to-sequence models, ACL.
    """

    alpha: float = 1.5

    def __post_init__(self) -> None:
        if not 1.0 <= self.alpha < math.inf:
            raise ValueError(
                f"Entmax.alpha must be finite and >= 1, got {self.alpha}; use 1 for softmax, 2 for sparsemax"
            )

    def _weights(self, scores: Tensor) -> Tensor:
        below = _from_top(scores)
        if self.alpha == 1.0:
            return torch.softmax(below, dim=-1)
        if self.alpha == 1.5:
            return entmax15(below, dim=-1)
        if self.alpha == 2.0:
            return project_on_simplex(below, dim=-1)
        return entmax_bisect(below, alpha=self.alpha, dim=-1)


@dataclass(frozen=True, kw_only=True)
class Divisive(_RowMap):
    """Divisive normalisation, with the share that semisaturation holds back spread evenly.

    With r_j = max(s_j, 0) the responses r_j^n / (sigma^n + sum_k r_k^n) add up to less than 1; what is
    missing, sigma^n / (sigma^n + sum_k r_k^n), goes in equal parts to the n_keys keys that take part:

        w_j = (r_j^n + sigma^n / n_keys) / (sigma^n + sum_k r_k^n)

    So sigma keeps its meaning, the drive at which half of the weight follows the scores, and a row in which
    every score rectifies to zero is the limit of weak drive: uniform. With sigma = 0 the map is the pure
    power law, for which such a row has no limit: a ValueError.

    Carandini and Heeger (2012), Normalization as a canonical neural computation, Nat. Rev. Neurosci. 13;
    Reynolds and Heeger (2009), The normalization model of attention, Neuron 61.
    """

    exponent: float = 2.0  # n; Heeger (1992), Vis. Neurosci. 9: half-squaring
    semisaturation: float = 1.0  # sigma, in units of the scores

    def __post_init__(self) -> None:
        if not 1.0 <= self.exponent < math.inf:
            raise ValueError(f"Divisive.exponent must be finite and >= 1, got {self.exponent}; use 2.0")
        if not 0.0 <= self.semisaturation < math.inf:
            raise ValueError(
                f"Divisive.semisaturation must be finite and >= 0, got {self.semisaturation}; use 1.0"
            )

    def _weights(self, scores: Tensor) -> Tensor:
        drive = scores.relu()
        unit = drive.detach().amax(-1, keepdim=True).clamp(min=self.semisaturation)  # powers cannot overflow
        if bool((unit == 0).any()):
            raise ValueError(
                "Divisive with semisaturation 0 needs a score > 0 in every row, got a row without; "
                "use a semisaturation such as 1.0"
            )
        power = (drive / unit) ** self.exponent
        rest = (self.semisaturation / unit) ** self.exponent
        evenly = _even(~scores.isneginf(), scores.dtype)
        return (power + rest * evenly) / (power.sum(-1, keepdim=True) + rest)


@dataclass(frozen=True, kw_only=True)
class TopK(_RowMap):
    """Softmax over the k largest scores of the row; keys that tie with the k-th all stay in."""

    k: int
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.k, int):
            raise TypeError(f"TopK.k must be an int, got {type(self.k).__name__}")
        if self.k < 1:
            raise ValueError(f"TopK.k must be >= 1, got {self.k}; use 1 for the largest score alone")
        _check_positive("TopK.temperature", self.temperature)

    def _weights(self, scores: Tensor) -> Tensor:
        largest = scores.detach().topk(min(self.k, scores.shape[-1]), dim=-1).values
        kept = scores.masked_fill(scores < largest[..., -1:], -math.inf)
        return torch.softmax(_from_top(kept) / self.temperature, dim=-1)


@dataclass(frozen=True, kw_only=True)
class Hardmax(_RowMap):
    """All weight on the largest score, in equal parts where several tie: softmax at temperature 0.

    Piecewise constant: its weights carry no gradient back to the scores.
    """

    def _weights(self, scores: Tensor) -> Tensor:
        return _even(scores == scores.amax(-1, keepdim=True), scores.dtype)


@dataclass(frozen=True, kw_only=True)
class Uniform(_RowMap):
    """The same weight for every key that takes part, whatever its score: softmax at infinite temperature."""

    def _weights(self, scores: Tensor) -> Tensor:
        return _even(~scores.isneginf(), scores.dtype)


def _even(chosen: Tensor, dtype: torch.dtype) -> Tensor:
    return chosen.to(dtype) / chosen.sum(-1, keepdim=True)


def _check_positive(field: str, value: float) -> None:
    if not 0.0 < value < math.inf:
        raise ValueError(f"{field} must be finite and > 0, got {value}; use a positive number such as 1.0")


SCORE_MAPS: NameTable[Callable[..., ScoreMap]] = NameTable(
    "score map",
    {
        "softmax": Softmax,
        "sparsemax": Sparsemax,
        "entmax": Entmax,
        "divisive": Divisive,
        "top_k": TopK,
        "hardmax": Hardmax,
        "uniform": Uniform,
    },
)
