"""The contract of a task: sequences of tokens and the targets that a model should predict."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

__all__ = ["IGNORED", "Batch", "Task"]

IGNORED = -100  # the target of a position whose output does not count; PyTorch's default ignore_index


class Batch(NamedTuple):
    """Sequences and their targets."""

    tokens: Tensor  # (B, T) int64
    targets: Tensor  # (B, T) int64, IGNORED where none

    @classmethod
    def of(cls, tokens: np.ndarray, targets: np.ndarray) -> Batch:
        """Make a batch from integer arrays."""
        whole = (np.ascontiguousarray(array, dtype=np.int64) for array in (tokens, targets))
        return cls(*(torch.from_numpy(array) for array in whole))


class Task(Protocol):
    """What a model can learn. Its `repr` identifies it: checkpoints compare it."""

    @property
    def n_vocab(self) -> int:
        """Tokens are 0 ... n_vocab - 1."""

    @property
    def length(self) -> int:
        """Tokens in a sequence."""

    @property
    def needs_causal(self) -> bool:
        """Whether targets occur among later tokens, where a model without a causal mask could read them."""

    def batch(self, n: int, rng: np.random.Generator) -> Batch:
        """Draw n sequences to train on."""

    def held_out(self, n: int) -> Batch:
        """At most n sequences to evaluate on, the same at each call."""
