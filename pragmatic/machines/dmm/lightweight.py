"""A random self-modifying machine in which every signal is a matrix, "Game of Afterlife".

Bukatin (2018), github.com/anhinga/fluid, atparty-2018, implemented anew: 12 inputs and 11 outputs, each a 12 x 11
matrix. Output 0 is the network matrix. Inputs accumulate, and after each cycle every matrix is divided by its
largest absolute entry, so the machine neither dies nor explodes, but may come to rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from pragmatic.checks import at_least
from pragmatic.machines.dmm.dense import RowDraw

__all__ = ["MASTER", "N_INPUTS", "N_OUTPUTS", "PureMachines", "java_floats"]

N_INPUTS, N_OUTPUTS = 12, 11
MASTER = 1  # the row of the network matrix that feeds it
FILLED = (
    0,
    1,
    2,
    3,
    4,
    8,
    5,
    6,
    9,
    10,
    7,
)  # order in which the author's program fills the outputs, cell by cell


class PureMachines:
    """A batch of machines, one for each seed.

    Output 0 is the sum of inputs 0 and 1, with row 0 kept at (1, 0, ...): Self remembers itself by a link without
    noise. Output 2 is a sum, 4 and 6 are products, 8 and 10 maxima of two inputs each; the others are constant.

    Parameters
    ----------
    seeds : sequence of int
        Of Java's generator, as the author has them; the same seed may come more than once.

    Attributes
    ----------
    inputs : Tensor, (n_machines, 12, 12, 11), float32
    outputs : Tensor, (n_machines, 11, 12, 11), float32
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        for seed in seeds:
            at_least("PureMachines", "seeds", seed, 0)
        first = np.stack([_first(seed) for seed in seeds])
        self.outputs = torch.from_numpy(first)
        self.inputs = torch.zeros(len(seeds), N_INPUTS, N_INPUTS, N_OUTPUTS)
        self._keep_self()

    @property
    def matrix(self) -> Tensor:
        """The network matrices, (n_machines, 12, 11)."""
        return self.outputs[:, 0]

    def step(self, draw: RowDraw | None = None) -> Tensor:
        """Run one cycle and return the network matrices.

        Parameters
        ----------
        draw : callable, optional
            Draws the rows of the matrices, (n_machines, 12, 11).
        """
        rows = self.matrix if draw is None else draw(self.matrix)
        for j in range(
            N_OUTPUTS
        ):  # one after another, as the author's program adds them: chaos keeps the order
            self.inputs += rows[:, :, j, None, None] * self.outputs[:, None, j]
        x = self.inputs
        outputs = self.outputs.clone()
        outputs[:, 0] = x[:, 0] + x[:, 1]
        outputs[:, 0, 0] = 0.0
        outputs[:, 0, 0, 0] = 1.0
        outputs[:, 2] = x[:, 2] + x[:, 3]
        outputs[:, 4], outputs[:, 6] = x[:, 4] * x[:, 5], x[:, 6] * x[:, 7]
        outputs[:, 8], outputs[:, 10] = torch.maximum(x[:, 8], x[:, 9]), torch.maximum(x[:, 10], x[:, 11])
        self.inputs, self.outputs = _squeezed(x), _squeezed(outputs)
        self._keep_self()
        return self.matrix

    def master(self, n_cycles: int, draw: RowDraw | None = None) -> np.ndarray:
        """The master row before the first and after each of some cycles, (n_machines, n_cycles + 1, 11)."""
        rows = [self.matrix[:, MASTER].numpy().copy()]
        for _ in range(n_cycles):
            rows.append(self.step(draw)[:, MASTER].numpy().copy())
        return np.stack(rows, axis=1)

    def _keep_self(self) -> None:
        self.outputs[:, 0, 0, 0] = 1.0


def java_floats(seed: int) -> Iterator[float]:
    """Numbers of java.util.Random.nextFloat: a linear congruential generator of 48 bits, 24 of them to a float.

    Knuth (1997), The art of computer programming 2, section 3.2.1, with the constants of the Java documentation.
    """
    multiplier, mask = 0x5DEECE66D, (1 << 48) - 1
    state = (seed ^ multiplier) & mask
    while True:
        state = (state * multiplier + 0xB) & mask
        yield (state >> 24) / (1 << 24)


def _first(seed: int) -> np.ndarray:
    """Outputs at the start, uniform in [-1, 1), (11, 12, 11)."""
    floats = java_floats(seed)
    outputs = np.empty((N_OUTPUTS, N_INPUTS, N_OUTPUTS), dtype=np.float32)
    for i in range(N_INPUTS):
        for j in range(N_OUTPUTS):
            for k in FILLED:
                outputs[k, i, j] = 2 * next(floats) - 1
    return outputs


def _squeezed(matrices: Tensor) -> Tensor:
    """Each matrix divided by its largest absolute entry."""
    return matrices / matrices.abs().amax(dim=(-2, -1), keepdim=True).clamp_min(
        torch.finfo(torch.float32).tiny
    )
