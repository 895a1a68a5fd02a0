"""Predict each variable from the others through attention to a few of them, many models at once.

Every variable is a query with scores for all others, in several heads. The weighted sum of the chosen variables'
vectors goes into a small network of that variable. Models that differ in their data are parts of one tensor and
learn independently.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Select", "SlotReader"]

Select = Callable[
    [Tensor], Tensor
]  # scores (G, H, n, n), -inf at the query itself -> which keys are read, bool


class SlotReader(nn.Module):
    """Letters of the shapes: G models, H heads, n variables, D dim of a vector, M samples.

    Parameters
    ----------
    n_models, n_variables, n_heads, dim, hidden : int
    rng : numpy.random.Generator
    """

    def __init__(
        self, n_models: int, n_variables: int, n_heads: int, dim: int, hidden: int, rng: np.random.Generator
    ) -> None:
        super().__init__()
        G, n, H = n_models, n_variables, n_heads

        def drawn(*shape: int, scale: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.from_numpy(rng.normal(0, scale, shape)).float())

        self.scores = drawn(G, H, n, n, scale=0.1)
        self.sign, self.name = (
            drawn(G, n, dim),
            drawn(G, n, dim, scale=0.3),
        )  # a variable's vector: x sign + name
        self.into = drawn(G, n, H * dim, hidden, scale=(H * dim) ** -0.5)
        self.bias = nn.Parameter(torch.zeros(G, n, hidden))
        self.out = drawn(G, n, hidden, scale=hidden**-0.5)
        self.offset = nn.Parameter(torch.zeros(G, n))

    def masked(self) -> Tensor:
        """Scores (G, H, n, n); a variable does not read itself."""
        itself = torch.eye(self.scores.shape[-1], dtype=torch.bool, device=self.scores.device)
        return self.scores.masked_fill(itself, -torch.inf)

    def weights(self, chosen: Tensor | None) -> Tensor:
        """Softmax over the chosen keys, (G, H, n, n)."""
        scores = self.masked()
        if chosen is not None:
            scores = scores.masked_fill(~chosen, -torch.inf)
        return scores.softmax(-1)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Give the logits (G, M, n) of each variable being 1, from the others in x (G, M, n)."""
        G, H, n, _ = weights.shape
        scaled = weights[..., None] * self.sign[:, None, None]  # (G, H, n, n, D)
        dim = scaled.shape[-1]
        flat = scaled.permute(0, 3, 2, 1, 4).reshape(G, n, n * H * dim)
        read = (x @ flat).view(G, -1, n, H * dim) + self._names(weights)[:, None]  # (G, M, n, H D)
        hidden = torch.relu(torch.einsum("gmnc,gnch->gmnh", read, self.into) + self.bias[:, None])
        return torch.einsum("gmnh,gnh->gmn", hidden, self.out) + self.offset[:, None]

    def _names(self, weights: Tensor) -> Tensor:
        """What the chosen keys add whatever their values, (G, n, H D)."""
        return torch.einsum("ghij,gjd->gihd", weights, self.name).flatten(2)
