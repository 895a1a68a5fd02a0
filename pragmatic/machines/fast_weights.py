"""Fast weights: matrices that are written while a sequence is read, column by column where keys are softmaxes.

A key is a distribution f over columns. `read` mixes columns; `write` adds to them what a value lacks (the delta
rule), or all of it (Hebb). A softmax f may be drawn spike by spike: each spike then reads or writes one column.

Schlag, Irie and Schmidhuber (2021), Linear transformers are secretly fast weight programmers, ICML; Irie, Schlag,
Csordas and Schmidhuber (2022), A modern self-referential weight matrix that learns to modify itself, ICML.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pragmatic.score_maps import ScoreMap, Softmax

__all__ = ["LAYERS", "DeltaLayer", "FastNetwork", "SelfReferential", "read", "write"]


def read(matrix: Tensor, feature: Tensor) -> Tensor:
    """Mix columns: (..., rows, columns) times (..., columns)."""
    return (matrix @ feature.unsqueeze(-1)).squeeze(-1)


def write(matrix: Tensor, change: Tensor, feature: Tensor) -> Tensor:
    """Add a change to the columns: matrix + change f^T, with a change (..., rows) and f (..., columns)."""
    return matrix + change.unsqueeze(-1) * feature.unsqueeze(-2)


def linear(n_in: int, n_out: int, rng: np.random.Generator) -> nn.Linear:
    """Make a linear layer whose first weights the generator draws, of standard deviation n_in^-1/2."""
    layer = nn.Linear(n_in, n_out)
    layer.weight.data = torch.from_numpy(rng.normal(size=(n_out, n_in)) / n_in**0.5).float()
    layer.bias.data.zero_()
    return layer


class _Layer(nn.Module):
    """Heads that go through a sequence; score maps make columns, for reads and for writes, and may be exchanged."""

    def __init__(self, width: int, n_heads: int, temperature: float, rng: np.random.Generator) -> None:
        super().__init__()
        self.n_heads, self.dim, self.temperature = n_heads, width // n_heads, temperature
        self.read_map: ScoreMap = Softmax()
        self.write_map: ScoreMap = Softmax()
        self.out = linear(width, width, rng)

    def read_columns(self, scores: Tensor) -> Tensor:
        """Make distributions over columns, of numbers (..., columns), for what a layer puts out."""
        return self.read_map(scores / self.temperature)

    def write_columns(self, scores: Tensor) -> Tensor:
        """Make them for what is written, and for the reads that a write compares."""
        return self.write_map(scores / self.temperature)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (B, T, width)."""
        return self.out(self.sequence(x).flatten(2))

    def sequence(self, x: Tensor) -> Tensor:
        """What the heads read at each position, (B, T, n_heads, dim)."""
        raise NotImplementedError


class SelfReferential(_Layer):
    """A matrix that makes its own keys, queries and rates, and rewrites all of itself (Irie et al. 2022).

    [y, k, q, b] = W f(x); W += sigma(b) (W f(q) - W f(k)) f(k)^T, with a rate for each of the four parts. Where f
    is drawn by spikes, the read and the write of a key are drawn apart: spikes that they share bias the change.

    Parameters
    ----------
    width, n_heads : int
    temperature : float
        Of the columns.
    rng : numpy.random.Generator
        Rows begin with standard deviation dim^-1/2, the rows of keys near twice the identity, so that an input is
        its own key; rates begin at 1/2.
    writes : bool
        Without it the matrix stays as it was learnt: the control.
    """

    def __init__(
        self, width: int, n_heads: int, temperature: float, rng: np.random.Generator, *, writes: bool = True
    ) -> None:
        super().__init__(width, n_heads, temperature, rng)
        self.writes = writes
        dim = self.dim
        matrix = rng.normal(size=(n_heads, 3 * dim + 4, dim)) / dim**0.5
        matrix[:, dim : 2 * dim] += 2 * np.eye(dim)
        matrix[:, 3 * dim :] = 0.0
        self.matrix = nn.Parameter(torch.from_numpy(matrix).float())

    def sequence(self, x: Tensor) -> Tensor:
        parts = [self.dim, self.dim, self.dim, 4]
        counts = torch.tensor(parts)
        matrix, seen = self.matrix.expand(len(x), -1, -1, -1), []  # (B, heads, 3 dim + 4, dim)
        inputs = x.unflatten(-1, (self.n_heads, self.dim))
        for t in range(x.shape[1]):
            y, key, query, rate = read(matrix, self.read_columns(inputs[:, t])).split(parts, dim=-1)
            seen.append(y)
            if self.writes:
                wanted, had, written = self.write_columns(torch.stack([query, key, key])).unbind()
                change = read(matrix, wanted) - read(matrix, had)
                each = torch.sigmoid(rate).repeat_interleave(counts, dim=-1, output_size=sum(parts))
                matrix = write(matrix, each * change, written)
        return torch.stack(seen, dim=1)


class DeltaLayer(_Layer):
    """The delta rule with learned keys, values, queries and rates that do not change (Schlag et al. 2021).

    Parameters
    ----------
    width, n_heads : int
    temperature : float
    rng : numpy.random.Generator
        Draws the first weights, of standard deviation width^-1/2.
    """

    def __init__(self, width: int, n_heads: int, temperature: float, rng: np.random.Generator) -> None:
        super().__init__(width, n_heads, temperature, rng)
        slow = rng.normal(size=(width, 3 * width + n_heads)) / width**0.5
        self.slow = nn.Parameter(torch.from_numpy(slow).float())

    def sequence(self, x: Tensor) -> Tensor:
        width = self.n_heads * self.dim
        *heads, rate = (x @ self.slow).split([width, width, width, self.n_heads], dim=-1)
        key, query, value = (part.unflatten(-1, (self.n_heads, self.dim)) for part in heads)
        matrix = x.new_zeros(len(x), self.n_heads, self.dim, self.dim)
        seen = []
        for t in range(x.shape[1]):
            had, written = self.write_columns(torch.stack([key[:, t], key[:, t]])).unbind()
            change = torch.sigmoid(rate[:, t]).unsqueeze(-1) * (value[:, t] - read(matrix, had))
            matrix = write(matrix, change, written)
            seen.append(read(matrix, self.read_columns(query[:, t])))
        return torch.stack(seen, dim=1)


LAYERS = ("self", "delta", "frozen")


class FastNetwork(nn.Module):
    """An embedding, one layer of fast weights and one of ReLUs, each with its skip and norm, and logits.

    Parameters
    ----------
    kind : {"self", "delta", "frozen"}
    n_inputs, n_classes, width, n_heads : int
    temperature : float
        Of the columns.
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        kind: str,
        *,
        n_inputs: int,
        n_classes: int,
        width: int,
        n_heads: int,
        temperature: float,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        if kind not in LAYERS:
            raise ValueError(f"kind must be one of {', '.join(LAYERS)}, got {kind!r}")
        if width % n_heads:
            raise ValueError(
                f"width must be a multiple of n_heads, got {width} and {n_heads}; use {n_heads * 8}"
            )

        self.embed, self.logits = linear(n_inputs, width, rng), linear(width, n_classes, rng)
        self.layer = (
            DeltaLayer(width, n_heads, temperature, rng)
            if kind == "delta"
            else SelfReferential(width, n_heads, temperature, rng, writes=kind == "self")
        )
        self.mlp = nn.Sequential(linear(width, 2 * width, rng), nn.ReLU(), linear(2 * width, width, rng))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, T, n_classes) of inputs (B, T, n_inputs)."""
        stream = self.embed(x)
        stream = stream + self.layer(self.norms[0](stream))
        stream = stream + self.mlp(self.norms[1](stream))
        return self.logits(self.norms[2](stream))
