"""Few examples with their labels, then inputs without: classes that are new in every sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

__all__ = ["Episodes", "FewShot"]


class Episodes(NamedTuple):
    """Sequences and the classes of all their places."""

    x: Tensor  # (B, T, dim + n_classes + 1): an example, and its label or the sign that it has none
    label: Tensor  # (B, T)


@dataclass(frozen=True, kw_only=True)
class FewShot:
    """Gaussian classes of unit spread around the origin, drawn anew for each sequence.

    First `shots` examples of each class with their labels, in random order, then examples of any class without.
    """

    n_classes: int
    shots: int
    dim: int
    noise: float  # standard deviation of each component around the class's centre

    @property
    def n_shown(self) -> int:
        """Examples that carry labels."""
        return self.n_classes * self.shots

    @property
    def n_inputs(self) -> int:
        """Of each place."""
        return self.dim + self.n_classes + 1

    def draw(self, n: int, n_asked: int, rng: np.random.Generator) -> Episodes:
        """Draw n sequences with `n_asked` examples without labels."""
        centres = rng.normal(size=(n, self.n_classes, self.dim))
        shown = np.argsort(rng.random((n, self.n_shown)), axis=1) % self.n_classes
        label = np.concatenate([shown, rng.integers(self.n_classes, size=(n, n_asked))], axis=1)
        examples = centres[np.arange(n)[:, None], label] + self.noise * rng.normal(
            size=(*label.shape, self.dim)
        )
        told = np.where(np.arange(label.shape[1]) < self.n_shown, label, self.n_classes)
        x = np.concatenate([examples, np.eye(self.n_classes + 1)[told]], axis=-1)
        return Episodes(torch.from_numpy(x).float(), torch.from_numpy(label))
