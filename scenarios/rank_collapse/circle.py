"""Two points that each run along a circle, driven by one layer applied again and again (Dong et al. 2021).

The layer sees both points and is trained to move each to its next place. Whether it keeps them apart shows its
rank.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic import Head
from pragmatic.attention_layer import AttentionLayer, Parts

__all__ = ["RADIUS", "apart", "arcs", "run_around"]

RADIUS, WIDTH = 0.3, 32  # of the paper
N_STEPS = 40  # from the start to the end of a half circle
LEARNING_RATE = 3e-3


class Mover(nn.Module):
    """Places in, next places out."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.embed = nn.Parameter(torch.from_numpy(rng.normal(0, 1, (WIDTH, 3))).float())
        self.layer = AttentionLayer(WIDTH, 1, rng, hidden=4 * WIDTH).float()
        self.read = nn.Parameter(torch.from_numpy(rng.normal(0, WIDTH**-0.5, (2, WIDTH))).float())

    def forward(self, places: Tensor, parts: Parts, head: Head) -> Tensor:
        constant = torch.ones_like(places[..., :1])
        x = functional.linear(torch.cat([places / RADIUS, constant], dim=-1), self.embed)  # (B, 2, C)
        return RADIUS * functional.linear(self.layer(x, parts, head).output, self.read)  # (B, 2, 2)


def arcs() -> Tensor:
    """Half circles that start at (-r, 0) and (r, 0) and go counterclockwise, (N_STEPS + 1, 2 points, 2)."""
    angle = torch.pi * (torch.arange(N_STEPS + 1) / N_STEPS)[:, None] + torch.tensor([torch.pi, 0.0])
    return RADIUS * torch.stack([angle.cos(), angle.sin()], dim=-1)


def run_around(parts: Parts, head: Head, n_iterations: int, rng: np.random.Generator) -> np.ndarray:
    """Train on single steps, then start the points and let the network drive them, (N_STEPS + 1, 2, 2)."""
    model, wanted = Mover(rng), arcs()
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    for _ in range(n_iterations):
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
