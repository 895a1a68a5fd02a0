"""Two points that each run along a circle, driven by one layer applied again and again (Dong et al. 2021).

The layer sees both points and is trained to move each to its next place. Whether it keeps them apart shows its
rank. In the publication two hidden things differ: few steps at a learning rate of 1e-5 hardly move the weights from
their small initial values, and its skip adds the output to the places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic import Head
from pragmatic.attention_layer import AttentionLayer, Parts

__all__ = ["AS_PUBLISHED", "RADIUS", "Schooling", "apart", "arcs", "run_around"]

RADIUS, WIDTH = 0.3, 32  # of the paper
N_STEPS = 40  # from the start to the end of a half circle


@dataclass(frozen=True, kw_only=True)
class Schooling:
    """How a mover starts and learns."""

    iterations: int
    learning_rate: float = 3e-3
    std: float | None = None  # of the first weights; fit for the width if None
    adds: bool = False  # what it makes of the places is added to them


# 70 epochs of 17 batches of 30 pairs, Adam at 1e-5, initial values of BERT: github.com/twistedcubic/
# attention-rank-collapse, run_circle.py
AS_PUBLISHED = Schooling(iterations=70 * 17, learning_rate=1e-5, std=0.02)


class Mover(nn.Module):
    """Places in, next places out."""

    def __init__(self, rng: np.random.Generator, std: float | None, adds: bool) -> None:
        super().__init__()
        self.adds = adds
        self.embed = nn.Parameter(torch.from_numpy(rng.normal(0, std or 1, (WIDTH, 3))).float())
        self.layer = AttentionLayer(WIDTH, 1, rng, std=std, hidden=4 * WIDTH).float()
        self.read = nn.Parameter(torch.from_numpy(rng.normal(0, std or WIDTH**-0.5, (2, WIDTH))).float())

    def forward(self, places: Tensor, parts: Parts, head: Head) -> Tensor:
        constant = torch.ones_like(places[..., :1])
        x = functional.linear(torch.cat([places / RADIUS, constant], dim=-1), self.embed)  # (B, 2, C)
        moved = RADIUS * functional.linear(self.layer(x, parts, head).output, self.read)  # (B, 2, 2)
        return places + moved if self.adds else moved


def arcs() -> Tensor:
    """Half circles that start at (-r, 0) and (r, 0) and go counterclockwise, (N_STEPS + 1, 2 points, 2)."""
    angle = torch.pi * (torch.arange(N_STEPS + 1) / N_STEPS)[:, None] + torch.tensor([torch.pi, 0.0])
    return RADIUS * torch.stack([angle.cos(), angle.sin()], dim=-1)


def run_around(parts: Parts, head: Head, schooling: Schooling, rng: np.random.Generator) -> np.ndarray:
    """Train on single steps, then start the points and let the network drive them, (N_STEPS + 1, 2, 2)."""
    model, wanted = Mover(rng, schooling.std, schooling.adds), arcs()
    optimizer = torch.optim.Adam(model.parameters(), schooling.learning_rate)
    for _ in range(schooling.iterations):
        loss = ((model(wanted[:-1], parts, head) - wanted[1:]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        track = [wanted[:1]]
        for _ in range(N_STEPS):
            track.append(model(track[-1], parts, head))
    return torch.cat(track).double().numpy()


def apart(track: np.ndarray) -> np.ndarray:
    """Distance of the two points over that at the start, (..., N_STEPS + 1, 2, 2) -> (..., N_STEPS + 1)."""
    distance = np.linalg.norm(track[..., 0, :] - track[..., 1, :], axis=-1)
    return distance / distance[..., :1]
