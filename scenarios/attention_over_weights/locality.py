"""Weights mixed once a window: a task whose mode changes, and models that have to notice from noisy cues."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from pragmatic.score_maps import Hardmax, ScoreMap, Softmax
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader, spiking_map

if TYPE_CHECKING:
    from scenarios.attention_over_weights import Params

__all__ = ["DIM", "DIM_CUE", "Explained", "MixedWeights", "Modes", "by_window", "operations"]

DIM, DIM_CUE = 12, 16  # of inputs and outputs, of cues
BATCH, HELD_OUT, LEARNING_RATE = 32, 256, 2e-2

T = TypeVar("T", bound=nn.Module)

Explained = dict[tuple[Reader, int, int], np.ndarray]  # (reader, window, sets) -> (n_seeds, n_sequences)


class Sequences(NamedTuple):
    """Inputs, the cues that tell their modes, and the outputs wanted."""

    x: Tensor  # (B, T, DIM)
    cue: Tensor  # (B, T, DIM_CUE)
    y: Tensor  # (B, T, DIM)


@dataclass(frozen=True, kw_only=True)
class Modes:
    """y = A x, with a matrix A for each mode; the mode changes every `length` positions, and a cue tells it badly.

    Cues are unit vectors, one for each mode, plus noise of standard deviation `cue_noise` / sqrt(DIM_CUE) a
    component.
    """

    matrices: Tensor  # (n_modes, DIM, DIM)
    cues: Tensor  # (n_modes, DIM_CUE)
    length: int
    n_positions: int
    cue_noise: float

    @classmethod
    def of(cls, params: Params, rng: np.random.Generator) -> Modes:
        """Draw matrices and cues."""
        cues = rng.normal(size=(params.n_modes, DIM_CUE))
        return cls(
            matrices=_tensor(rng.normal(size=(params.n_modes, DIM, DIM)) / DIM**0.5),
            cues=_tensor(cues / np.linalg.norm(cues, axis=1, keepdims=True)),
            length=params.mode_length,
            n_positions=params.n_positions,
            cue_noise=params.cue_noise,
        )

    def draw(self, n: int, rng: np.random.Generator) -> Sequences:
        """Draw n sequences; modes begin at multiples of `length`."""
        n_segments = -(-self.n_positions // self.length)
        modes = rng.integers(len(self.matrices), size=(n, n_segments)).repeat(self.length, axis=1)
        mode = torch.from_numpy(modes[:, : self.n_positions].copy())  # (n, T)
        x = _tensor(rng.normal(size=(n, self.n_positions, DIM)))
        noise = _tensor(rng.normal(size=(n, self.n_positions, DIM_CUE)) / DIM_CUE**0.5)
        y = torch.einsum("btij,btj->bti", self.matrices[mode], x)
        return Sequences(x, self.cues[mode] + self.cue_noise * noise, y)


class MixedWeights(nn.Module):
    """One layer whose matrix is a mixture of sets, mixed once for each window of positions.

    The mean cue of a window is the query, each set has a learned key, and the score map weighs the sets. Mixtures
    of convolution kernels by attention over the input: Yang et al. (2019), CondConv, NeurIPS; Chen et al. (2020),
    Dynamic convolution, CVPR.

    Parameters
    ----------
    n_sets, window : int
    rng : numpy.random.Generator
    """

    def __init__(self, n_sets: int, window: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.window = window
        self.keys = nn.Parameter(_tensor(rng.normal(size=(n_sets, DIM_CUE))))
        self.sets = nn.Parameter(_tensor(rng.normal(size=(n_sets, DIM, DIM)) / DIM**0.5))
        self.score_map: ScoreMap = Softmax()

    def forward(self, x: Tensor, cue: Tensor) -> Tensor:
        """Outputs (B, T, DIM)."""
        query = cue.unflatten(1, (-1, self.window)).mean(dim=2)  # (B, n_windows, DIM_CUE)
        weights = self.score_map(query @ self.keys.T)  # (B, n_windows, n_sets)
        mixed = torch.einsum("bwk,kij->bwij", weights, self.sets)
        read = torch.einsum("bwij,bwtj->bwti", mixed, x.unflatten(1, (-1, self.window)))
        return read.flatten(1, 2)


class Wider(nn.Module):
    """The control with as many parameters: one hidden layer that reads a position's input and the window's cue."""

    def __init__(self, n_sets: int, window: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.window = window
        width = max(1, n_sets * (DIM * DIM + DIM_CUE) // (2 * DIM + DIM_CUE))
        into = rng.normal(size=(DIM + DIM_CUE, width)) / DIM**0.5
        self.into, self.bias = nn.Parameter(_tensor(into)), nn.Parameter(torch.zeros(width))
        self.out = nn.Parameter(_tensor(rng.normal(size=(width, DIM)) / width**0.5))

    def forward(self, x: Tensor, cue: Tensor) -> Tensor:
        """Outputs (B, T, DIM)."""
        seen = cue.unflatten(1, (-1, self.window)).mean(dim=2).repeat_interleave(self.window, dim=1)
        return torch.relu(torch.cat([x, seen], dim=-1) @ self.into + self.bias) @ self.out


def operations(n_sets: int, window: int) -> float:
    """Multiply-accumulates a position, relative to a plain layer of DIM x DIM: the product, mixing and scores."""
    plain = DIM * DIM
    return 1 + n_sets * (plain + DIM_CUE) / window / plain


def by_window(params: Params, ctx: RunContext) -> Explained:
    """Train and measure: each window with as many sets as modes, and each number of sets at one window.

    With them two controls at that window: a plain layer, and a wider one with as many parameters as the sets.
    """
    base, fitting = int(ctx.rng.integers(2**31)), params.fitting
    points = [*((w, params.n_modes) for w in params.windows), *((fitting, k) for k in params.sets)]
    points = list(dict.fromkeys([*points, (fitting, params.n_modes)]))
    explained: dict[tuple[Reader, int, int], list[np.ndarray]] = {}
    for at, (seed, (window, k)) in enumerate(product(range(params.seeds), points)):
        modes = Modes.of(params, np.random.default_rng([base, seed]))
        held_out = modes.draw(HELD_OUT, np.random.default_rng([base, seed, 3]))

        def fitted(model: T, modes: Modes = modes, seed: int = seed) -> T:
            _train(model, modes, params.iterations, np.random.default_rng([base, seed, 2]))
            return model

        first = np.random.default_rng([base, seed, 1])
        mixed = fitted(MixedWeights(k, window, first))
        for reader, score_map in _selections(params, ctx).items():
            mixed.score_map = score_map
            explained.setdefault((reader, window, k), []).append(_explained(mixed, held_out))
        if (window, k) == (fitting, params.n_modes):
            for name, control in (
                ("plain", MixedWeights(1, window, first)),
                ("wider", Wider(k, window, first)),
            ):
                right = _explained(fitted(control), held_out)
                explained.setdefault(((name, 0), window, k), []).append(right)
        ctx.progress((at + 1) / (params.seeds * len(points)))
    return {point: np.stack(of_seeds) for point, of_seeds in explained.items()}


def _selections(params: Params, ctx: RunContext) -> dict[Reader, ScoreMap]:
    """Every way to select from sets that were trained with softmax."""
    exact: dict[Reader, ScoreMap] = {("softmax", 0): Softmax(), ("top", 0): Hardmax()}
    return exact | {reader: spiking_map(params.row_circuit(), reader, ctx) for reader in params.readers}


def _train(model: nn.Module, modes: Modes, n_iterations: int, rng: np.random.Generator) -> None:
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_iterations)
    for _ in range(n_iterations):
        x, cue, y = modes.draw(BATCH, rng)
        loss = (model(x, cue) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.no_grad()
def _explained(model: nn.Module, sequences: Sequences) -> np.ndarray:
    """Part of the outputs' variance that is explained, of each sequence."""
    x, cue, y = sequences
    error = (model(x, cue) - y).square().mean(dim=(1, 2))
    return (1 - error / y.square().mean()).double().numpy()


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array).float()
