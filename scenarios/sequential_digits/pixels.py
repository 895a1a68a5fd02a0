"""The handwritten digits that come with scikit-learn, at any resolution, as sequences of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["FINEST", "N_CLASSES", "N_INPUTS", "Digits"]

FINEST, N_CLASSES = 8, 10  # pixels a side of the originals
N_INPUTS = 2  # a pixel, and a constant that tells it from null
HELD_OUT = (
    400  # at the end, of writers who wrote none of the others (UCI repository, Optical recognition of digits)
)


@dataclass(frozen=True, kw_only=True)
class Digits:
    """Alpaydin and Kaynak (1998), Kybernetika 34:369: 1797 digits of 8 x 8 pixels."""

    images: Tensor  # (n, 1, 8, 8) in [0, 1]
    labels: Tensor  # (n,) int64

    @classmethod
    def read(cls) -> Digits:
        """Read them.

        Raises
        ------
        ModuleNotFoundError
            Without scikit-learn.
        """
        from sklearn.datasets import load_digits

        given = load_digits()
        images = torch.from_numpy(given.images / 16).float()[:, None]
        return cls(images=images, labels=torch.from_numpy(given.target.astype(np.int64)))

    def sequences(
        self, chosen: np.ndarray, n_rows: int, n_columns: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Some digits, row by row.

        Parameters
        ----------
        chosen : array of int, (...,)
            Which.
        n_rows, n_columns : int
            Of pixels, by antialiased bilinear interpolation; as many of both unless given.

        Returns
        -------
        inputs : Tensor, (..., n_rows n_columns, 2) float
        labels : Tensor, (..., 1) int64
            What the last output should be.
        """
        index = torch.from_numpy(chosen)
        images = functional.interpolate(
            self.images[index.flatten()], size=(n_rows, n_columns or n_rows), mode="bilinear", antialias=True
        )
        pixels = images.flatten(1)
        inputs = torch.stack([pixels, torch.ones_like(pixels)], dim=-1)
        return inputs.unflatten(0, chosen.shape), self.labels[index][..., None]

    def for_training(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw digits to learn from."""
        return rng.integers(0, len(self.labels) - HELD_OUT, size=shape)

    def for_tests(self, n: int) -> np.ndarray:
        """The first n digits held out."""
        return np.arange(len(self.labels) - HELD_OUT, len(self.labels))[:n]
