"""Parity: whether the number of ones among signed entries is odd, with blanks between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pragmatic.checks import at_least

__all__ = ["Parities", "Parity"]


class Parities(NamedTuple):
    """Sequences and their answers."""

    tokens: Tensor  # (B, 1 + n_places) int64: 3 the token that answers, then 0 blank, 1 minus, 2 plus
    odd: Tensor  # (B,) int64: 1 where the plus signs are odd in number


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Some of the places hold a sign, the others are blank; is the number of plus signs odd?

    Banino, Balaguer and Blundell (2021), PonderNet: learning to ponder, arXiv:2107.05407, section 3.1: entries
    0, -1 and 1, a difficulty that grows with the number that are not 0.
    """

    n_places: int = 8

    def __post_init__(self) -> None:
        at_least("Parity", "n_places", self.n_places, 1)

    n_vocab = 4

    def batch(self, n: int, fewest: int, most: int, rng: np.random.Generator) -> Parities:
        """Draw n sequences, each with a number of signs drawn from `fewest` to `most`, at random places.

        Raises
        ------
        ValueError
            For more signs than places.
        """
        at_least("Parity", "fewest", fewest, 0)
        at_least("Parity", "most", most, fewest)
        if most > self.n_places:
            raise ValueError(f"Parity.most must be <= n_places, got {most} for {self.n_places}; use fewer")
        n_signs = rng.integers(fewest, most + 1, size=(n, 1))
        order = rng.random((n, self.n_places)).argsort(axis=1).argsort(axis=1)
        plus, signed = rng.integers(0, 2, (n, self.n_places)), order < n_signs
        tokens = np.concatenate([np.full((n, 1), 3), np.where(signed, 1 + plus, 0)], axis=1)
        odd = (plus & signed).sum(axis=1) % 2
        return Parities(torch.from_numpy(tokens), torch.from_numpy(odd))
