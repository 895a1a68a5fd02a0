"""Score maps: from a row of scores to a row of weights, each >= 0, summing to 1.

Softmax, sparsemax, entmax, divisive normalisation, top-k, hardmax, uniform, and the rules about masks
that all of them keep. A spiking circuit that fulfils `ScoreMap` can replace any of them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Protocol, TypeVar

from entmax import entmax15
from entmax import sparsemax as project_on_simplex
from torch import Tensor

from pragmatic import formulas
from pragmatic.checks import at_least, shown, unknown
from pragmatic.masks import masked_scores

__all__ = [
    "SCORE_MAPS",
    "Divisive",
    "Entmax",
    "Hardmax",
    "NameTable",
    "Power",
    "RowMap",
    "ScoreMap",
    "Softmax",
    "Sparsemax",
    "TopK",
    "Uniform",
]

T = TypeVar("T")


class ScoreMap(Protocol):
    """A map from scores to attention weights.

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
        raise ValueError(unknown(self.kind, name, sorted(self)))


class RowMap(ABC):
    """A score map of one formula for a row: the rules about masks around it."""

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        return self._weights(masked_scores(scores, mask)).to(scores.dtype)

    @abstractmethod
    def _weights(self, scores: Tensor) -> Tensor:
        """Weights of checked scores, -inf where masked."""


@dataclass(frozen=True, kw_only=True)
class Softmax(RowMap):
    """exp(s_j / T) / sum_k exp(s_k / T)."""

    temperature: float = 1.0  # T, in units of the scores; beta = 1 / T

    def __post_init__(self) -> None:
        _check_positive("Softmax.temperature", self.temperature)

    def _weights(self, scores: Tensor) -> Tensor:
        return formulas.softmax(scores, self.temperature)


@dataclass(frozen=True, kw_only=True)
class Sparsemax(RowMap):
    """The point of the probability simplex nearest to the scores.

    Martins and Astudillo (2016), From softmax to sparsemax, ICML.
    """

    def _weights(self, scores: Tensor) -> Tensor:
        return project_on_simplex(scores, dim=-1)


@dataclass(frozen=True, kw_only=True)
class Entmax(RowMap):
    """[(alpha - 1) s_j - tau]_+ ^ (1 / (alpha - 1)), with tau so that the row sums to 1.

    Softmax at alpha = 1, sparsemax at alpha = 2, sparse for every alpha > 1. Above 2 a weight at the edge of
    the support moves as a root of its score: single precision keeps few digits of it and its gradient has no
    bound.

    Peters, Niculae and Martins (2019), Sparse sequence-to-sequence models, ACL.
    """

    alpha: float = 1.5

    def __post_init__(self) -> None:
        _check_number("Entmax.alpha", self.alpha)
        if not 1.0 <= self.alpha < math.inf:
            raise ValueError(
                f"Entmax.alpha must be finite and >= 1, got {shown(self.alpha)}; use 1 for softmax, 2 for sparsemax"
            )

    def _weights(self, scores: Tensor) -> Tensor:
        if self.alpha == 1.0:
            return formulas.softmax(scores)
        if self.alpha == 1.5:
            return entmax15(formulas.from_top(scores), dim=-1)
        if self.alpha == 2.0:
            return project_on_simplex(formulas.from_top(scores), dim=-1)
        return formulas.entmax(scores, self.alpha)


@dataclass(frozen=True, kw_only=True)
class Divisive(RowMap):
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
        _check_number("Divisive.exponent", self.exponent)
        _check_number("Divisive.semisaturation", self.semisaturation)
        if not 1.0 <= self.exponent < math.inf:
            raise ValueError(f"Divisive.exponent must be finite and >= 1, got {self.exponent}; use 2.0")
        if not 0.0 <= self.semisaturation < math.inf:
            raise ValueError(
                f"Divisive.semisaturation must be finite and >= 0, got {self.semisaturation}; use 1.0"
            )

    def _weights(self, scores: Tensor) -> Tensor:
        if self.semisaturation > 0:
            return formulas.divisive(scores, self.exponent, self.semisaturation)
        if not bool((scores > 0).any(-1).all()):
            raise ValueError(
                "Divisive with semisaturation 0 needs a score > 0 in every row, got a row without; "
                "use a semisaturation such as 1.0, or Power"
            )
        return formulas.power(scores, 0.0, self.exponent)


@dataclass(frozen=True, kw_only=True)
class Power(RowMap):
    """max(s_j + offset, 0)^exponent over its sum; uniform in a row where no key is driven.

    Divisive normalisation without semisaturation, in the limit of weak drive. Its exponent may be below 1,
    where the gradient at the threshold has no bound.

    Carandini and Heeger (2012), Normalization as a canonical neural computation, Nat. Rev. Neurosci. 13.
    """

    offset: float = 0.0  # in units of the scores; minus the score from which a key is driven
    exponent: float = 2.0  # 1 is linear above threshold

    def __post_init__(self) -> None:
        _check_number("Power.offset", self.offset)
        if not -math.inf < self.offset < math.inf:
            raise ValueError(f"Power.offset must be finite, got {shown(self.offset)}; use 0.0")
        _check_positive("Power.exponent", self.exponent)

    def _weights(self, scores: Tensor) -> Tensor:
        return formulas.power(scores, self.offset, self.exponent)


@dataclass(frozen=True, kw_only=True)
class TopK(RowMap):
    """Softmax over the k largest scores of the row; keys that tie with the k-th all stay in."""

    k: int
    temperature: float = 1.0

    def __post_init__(self) -> None:
        at_least("TopK", "k", self.k, 1)
        _check_positive("TopK.temperature", self.temperature)

    def _weights(self, scores: Tensor) -> Tensor:
        return formulas.top_k(scores, self.k, self.temperature)


@dataclass(frozen=True, kw_only=True)
class Hardmax(RowMap):
    """All weight on the largest score, in equal parts where several tie: softmax at temperature 0.

    Piecewise constant: its weights carry no gradient back to the scores.
    """

    def _weights(self, scores: Tensor) -> Tensor:
        return formulas.even(scores == scores.amax(-1, keepdim=True), like=scores)


@dataclass(frozen=True, kw_only=True)
class Uniform(RowMap):
    """The same weight for every key that takes part, whatever its score: softmax at infinite temperature."""

    def _weights(self, scores: Tensor) -> Tensor:
        return formulas.uniform(scores)


def _check_number(field: str, value: object) -> None:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{field} must be a number, got {shown(value)}; use one such as 2.0")
    if isinstance(value, Integral) and abs(int(value)) > 2**1000:
        raise ValueError(f"{field} must be finite as a float, got {shown(value)}; use one such as 2.0")


def _check_positive(field: str, value: float) -> None:
    _check_number(field, value)
    if not 0.0 < value < math.inf:
        raise ValueError(
            f"{field} must be finite and > 0, got {shown(value)}; use a positive number such as 1.0"
        )


SCORE_MAPS: NameTable[Callable[..., ScoreMap]] = NameTable(
    "score map",
    {
        "softmax": Softmax,
        "sparsemax": Sparsemax,
        "entmax": Entmax,
        "divisive": Divisive,
        "power": Power,
        "top_k": TopK,
        "hardmax": Hardmax,
        "uniform": Uniform,
    },
)
