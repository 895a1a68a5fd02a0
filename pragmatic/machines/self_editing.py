"""Machines that edit their own matrix by attention over it.

One row of the network matrix names the update that is active. Attention over the updates, with that row as query,
says which of them is added to the matrix, and each moves the activity on by one. Two forms of it stand here: the
row alone (`edited`), and the whole machine with all that it uses inside one matrix (`MatrixMachine`).

Bukatin and Anthony (2017), Dataflow matrix machines and V-values: a bridge between programs and neural nets,
arXiv:1712.07447, has the cycle of updates; Bukatin (2020), attention-based models, github.com/anhinga/2020-notes,
the form X := W Y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pragmatic.score_maps import ScoreMap

__all__ = ["MatrixMachine", "cycle_program", "edited", "growth", "oscillation_program"]


def edited(row: Tensor, score_map: ScoreMap) -> Tensor:
    """Edit the active row once: row + sum_k a_k (e_{k+1} - e_k), with a the map's weights of the row.

    Parameters
    ----------
    row : Tensor, (..., n)
    score_map : ScoreMap
        At a temperature of 1 / beta.
    """
    weights = score_map(row)
    return row + weights.roll(1, dims=-1) - weights


def growth(ratio: float, n: int) -> np.ndarray:
    """Factors by which a step of softmax changes the modes of a nearly uniform row, (n - 1,) complex.

    The softmax has the slope beta / n at the uniform row, less the mean; on the mode of the root of unity w an
    edit is 1 + (beta / n) (w - 1), of squared modulus 1 + (2 - 2 cos t) x (x - 1) at x = beta / n.

    Parameters
    ----------
    ratio : float
        beta / n.
    n : int
        Updates.
    """
    roots = np.exp(2j * np.pi * np.arange(1, n) / n)
    return np.asarray(1 + ratio * (roots - 1))


@dataclass(frozen=True, kw_only=True)
class MatrixMachine:
    """A self-modifying dataflow matrix machine as a recurrent transformer: (W, Y) = F(X), X := W Y.

    Rows of X are the neurons' inputs, each a matrix of `n_inputs` x (`n_inputs` - 1) numbers laid out in a row.
    Output 0 is Self, the network matrix: the sum of inputs 0 and 1. Output k > 0 passes input k + 1 on. W is output
    0; where `attends`, the score map takes its row 1 from update columns to weights first. Nothing that a program
    has is outside X.

    Parameters
    ----------
    n_inputs : int
        At least 3.
    attends : bool
        Whether row 1 of W, that of Self's second input, is an attention over the updates.
    """

    n_inputs: int
    attends: bool = True

    def __post_init__(self) -> None:
        if self.n_inputs < 3:
            raise ValueError(
                f"MatrixMachine.n_inputs must be >= 3, got {self.n_inputs}; Self takes two, each update one"
            )

    def pair(self, x: Tensor, score_map: ScoreMap) -> tuple[Tensor, Tensor]:
        """Make the pair (W, Y), of shapes (B, n_inputs, n_outputs) and (B, n_outputs, n_inputs * n_outputs)."""
        n_outputs = self.n_inputs - 1
        if x.shape[1:] != (self.n_inputs, self.n_inputs * n_outputs):
            raise ValueError(
                f"x must be (batch, {self.n_inputs}, {self.n_inputs * n_outputs}), got {tuple(x.shape)}; "
                "use cycle_program or oscillation_program"
            )
        y = torch.cat([x[:, :1] + x[:, 1:2], x[:, 2:]], dim=1)
        w = y[:, 0].unflatten(1, (self.n_inputs, n_outputs)).clone()
        if self.attends:
            w[:, 1, 1:] = score_map(w[:, 1, 1:])
        return w, y

    def __call__(self, x: Tensor, score_map: ScoreMap) -> Tensor:
        """Take one step: (B, n_inputs, n_inputs * n_outputs) to the same."""
        w, y = self.pair(x, score_map)
        return w @ y

    def network(self, x: Tensor) -> Tensor:
        """Read the network matrix, (B, n_inputs, n_outputs), before any attention."""
        return (x[:, 0] + x[:, 1]).unflatten(1, (self.n_inputs, self.n_inputs - 1))


def cycle_program(n: int) -> Tensor:
    """X of the cycle of n updates, (1, n + 2, (n + 2) (n + 1)): update 1 is active.

    Links of weight 1: Self to its input 0, update 1 to Self's input 1, each update to itself. Update k has -1 in
    the entry that activates it and 1 in the next one's.
    """
    x = torch.zeros(n + 2, n + 2, n + 1, dtype=torch.float64)  # (input, row, column)
    x[0, 0, 0] = x[0, 1, 1] = 1.0
    for k in range(1, n + 1):
        x[0, k + 1, k] = 1.0
        x[k + 1, 1, k], x[k + 1, 1, k % n + 1] = -1.0, 1.0
    return x.flatten(1)[None]


def oscillation_program() -> Tensor:
    """X of the machine whose entry W[1, 1] goes 1, -1, 1, ..., (1, 3, 6); without attention."""
    x = torch.zeros(3, 3, 2, dtype=torch.float64)
    x[0, 0, 0] = x[0, 1, 1] = x[0, 2, 1] = 1.0
    x[2, 1, 1] = -2.0
    return x.flatten(1)[None]
