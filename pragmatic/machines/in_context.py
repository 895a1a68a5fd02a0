"""A small decoder over vectors that learns linear maps in context (Garg et al. 2022)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.checks import at_least, check_rng
from pragmatic.masks import causal_mask
from pragmatic.tasks.regression import Examples, LinearTasks
from pragmatic.transformer import Block, TransformerParams

__all__ = ["InContextParams", "InContextRegressor", "learn_regression"]


@dataclass(frozen=True, kw_only=True)
class InContextParams:
    """Sizes; the defaults are the toy of Garg et al.'s repository."""

    d: int = 5
    n_points: int = 11
    n_layers: int = 3
    n_heads: int = 2
    width: int = 64

    def __post_init__(self) -> None:
        for name in ("d", "n_points", "n_layers", "n_heads", "width"):
            at_least("InContextParams", name, getattr(self, name), 1)


class InContextRegressor(nn.Module):
    """Reads x1, y1, x2, y2, ...; at each x it says what y will be.

    Garg, Tsipras, Liang and Valiant (2022), What can transformers learn in-context?, NeurIPS: inputs and answers
    are tokens of one width, answers padded with zeros, in a decoder of the usual kind.

    Parameters
    ----------
    params : InContextParams
    rng : numpy.random.Generator
        Draws the initial parameters.

    Examples
    --------
    >>> model = InContextRegressor(InContextParams(), np.random.default_rng(0))
    >>> model(LinearTasks().draw(4, 11, np.random.default_rng(1))).shape
    torch.Size([4, 11])
    """

    def __init__(self, params: InContextParams, rng: np.random.Generator) -> None:
        super().__init__()
        check_rng(rng)
        self.params = params
        sizes = TransformerParams(
            n_vocab=1,
            n_layers=params.n_layers,
            n_heads=params.n_heads,
            width=params.width,
            n_context=2 * params.n_points,
        )
        self.read_in = _drawn(rng, (params.width, params.d + 1), (params.d + 1) ** -0.5)
        self.place_vectors = _drawn(rng, (2 * params.n_points, params.width), 0.1)
        self.blocks = nn.ModuleList(Block(sizes, rng) for _ in range(params.n_layers))
        self.norm = nn.LayerNorm(params.width, bias=False)
        self.read_out = nn.Parameter(torch.zeros(params.width))

    def forward(self, examples: Examples, order: np.ndarray | None = None) -> Tensor:
        """Predict every answer (n_tasks, n_points) from what comes before it.

        Parameters
        ----------
        examples : Examples
            At most as many points as the model has places for.
        order : (d + 1,) array of int, optional
            Another order of the components of each token; d is the answer's place.
        """
        x = functional.linear(_tokens(examples, order), self.read_in)  # (B, 2 P, C)
        length = x.shape[1]
        x = x + self.place_vectors[:length]
        sees = causal_mask(length, length)
        for block in self.blocks:
            x, _ = block(x, sees)
        return self.norm(x[:, ::2]) @ self.read_out  # (B, P)


def learn_regression(
    model: InContextRegressor,
    tasks: LinearTasks,
    *,
    iterations: int,
    batch: int,
    learning_rate: float,
    rng: np.random.Generator,
    order: np.ndarray | None = None,
    curriculum: bool = True,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Train on squared error over all points, from few components to all; return each batch's error / d.

    With the curriculum a component more is used from time to time, all of them from half of the training on (after
    Garg et al.).

    Parameters
    ----------
    model : InContextRegressor
    tasks : LinearTasks
    iterations, batch : int
    learning_rate : float
        Of Adam, after a warm-up of 100 iterations; it falls by a cosine to a tenth.
    rng : numpy.random.Generator
    order : array, optional
        As the model has it.
    curriculum : bool
    progress : callable, optional
    """
    optimizer, errors = torch.optim.Adam(model.parameters(), lr=learning_rate), []
    for iteration in range(iterations):
        done = iteration / iterations
        warm = min(1.0, (iteration + 1) / min(100, max(1, iterations // 10)))
        optimizer.param_groups[0]["lr"] = learning_rate * warm * (0.55 + 0.45 * float(np.cos(np.pi * done)))
        n_active = min(tasks.d, 1 + int(2 * tasks.d * done)) if curriculum else None
        examples = tasks.draw(batch, model.params.n_points, rng, n_active)
        target = torch.from_numpy(examples.y).float()
        error = (model(examples, order) - target).square().mean()
        optimizer.zero_grad()
        error.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        errors.append(float(error.detach()) / tasks.d)
        if progress is not None:
            progress((iteration + 1) / iterations)
    return np.array(errors)


def _tokens(examples: Examples, order: np.ndarray | None) -> Tensor:
    """(x, 0) and (0, y) in turn, (n_tasks, 2 n_points, d + 1)."""
    n_tasks, n_points, d = examples.x.shape
    tokens = np.zeros((n_tasks, n_points, 2, d + 1), dtype=np.float32)
    tokens[:, :, 0, :d], tokens[:, :, 1, d] = examples.x, examples.y
    if order is not None:
        tokens = tokens[..., order]
    return torch.from_numpy(tokens.reshape(n_tasks, 2 * n_points, d + 1))


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], std: float) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(rng.normal(0, std, shape)).to(torch.get_default_dtype()))
