"""Copying after a delay: a few symbols, blanks, a marker, and then the symbols again.

Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Comput. 9:1735, in the form of Arjovsky, Shah and
Bengio (2016), Unitary evolution recurrent neural networks, ICML.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pragmatic.checks import at_least

__all__ = ["Copying"]


@dataclass(frozen=True, kw_only=True)
class Copying:
    """Sequences of n_copied symbols, `delay` steps of which the last is the marker, and n_copied blanks to fill."""

    n_symbols: int = 8
    n_copied: int = 4

    def __post_init__(self) -> None:
        at_least("Copying", "n_symbols", self.n_symbols, 2)
        at_least("Copying", "n_copied", self.n_copied, 1)

    @property
    def n_inputs(self) -> int:
        """Symbols, blank and marker, one input each."""
        return self.n_symbols + 2

    def pairs(self, shape: tuple[int, int], delay: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw sequences for (n_models, n_sequences).

        Returns
        -------
        inputs : Tensor, (*shape, 2 n_copied + delay, n_inputs) float
            One-hot.
        symbols : Tensor, (*shape, n_copied) int64
            What the last outputs should be.
        """
        at_least("Copying", "delay", delay, 1)
        symbols = torch.from_numpy(rng.integers(0, self.n_symbols, size=(*shape, self.n_copied)))
        tokens = torch.full((*shape, 2 * self.n_copied + delay), self.n_symbols)
        tokens[..., : self.n_copied] = symbols
        tokens[..., self.n_copied + delay - 1] = self.n_symbols + 1
        return functional.one_hot(tokens, self.n_inputs).float(), symbols
