"""Points of which three are the corners of a triangle, equilateral or not, and the others lie anywhere.

The triangles of Goyal et al. (2022), Coordination among neural modules through a shared global workspace, ICLR,
where they are images of clusters of dots. Here each point is a token, so that it is known what has to be read:
three of n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pragmatic.checks import at_least, check_rng

__all__ = ["FEATURES", "N_CORNERS", "Triangles", "draw_triangles"]

N_CORNERS = 3
FEATURES = 3  # of a point: x, y, and 1 at a corner
SIZES = (0.3, 0.9)  # of the circle through the corners of an equilateral triangle


class Triangles(NamedTuple):
    """Sets of points, in random order."""

    points: Tensor  # (B, n, FEATURES)
    equilateral: Tensor  # (B,) bool


def draw_triangles(n_sets: int, n_others: int, rng: np.random.Generator) -> Triangles:
    """Draw sets of three corners and `n_others` other points; half of the triangles are equilateral.

    The corners of the rest lie on such a circle too, at angles by chance, so that their distance from the centre
    tells nothing.
    """
    at_least("draw_triangles", "n_sets", n_sets, 1)
    at_least("draw_triangles", "n_others", n_others, 0)
    check_rng(rng)
    equilateral = rng.random(n_sets) < 0.5
    even = rng.uniform(0, 2 * np.pi, (n_sets, 1)) + 2 * np.pi / 3 * np.arange(N_CORNERS)
    angle = np.where(equilateral[:, None], even, rng.uniform(0, 2 * np.pi, (n_sets, N_CORNERS)))
    radius = rng.uniform(*SIZES, (n_sets, 1))
    centre = rng.uniform(-0.5, 0.5, (n_sets, 1, 2))
    corners = centre + radius[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    others = rng.uniform(-1.4, 1.4, (n_sets, n_others, 2))
    places = np.concatenate([corners, others], axis=1)  # (B, n, 2)
    is_corner = np.arange(N_CORNERS + n_others) < N_CORNERS
    marked = np.concatenate(
        [places, np.broadcast_to(is_corner[:, None], (n_sets, len(is_corner), 1))], axis=-1
    )
    order = rng.permuted(np.tile(np.arange(marked.shape[1]), (n_sets, 1)), axis=1)
    points = np.take_along_axis(marked, order[..., None], axis=1)
    return Triangles(torch.from_numpy(points).float(), torch.from_numpy(equilateral))
