"""Programs as values: small networks that compute, retrieved by key, their weights mixed or their outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from pragmatic.score_maps import Softmax
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader, spiking_map

if TYPE_CHECKING:
    from scenarios.attention_over_weights import Params

__all__ = ["PROGRAMS", "WAYS", "mixed_programs"]

PROGRAMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a b": lambda a, b: a * b,
    "max": torch.maximum,
    "min": torch.minimum,
    "|a - b|": lambda a, b: (a - b).abs(),
    "a² - b²": lambda a, b: a.square() - b.square(),
    "a": lambda a, b: a,
}
WAYS = ("outputs", "weights")
HIDDEN, DIM_KEY, POINTS, BATCH, ITERATIONS = 24, 16, 64, 128, 1500


class Networks(nn.Module):
    """Networks of one hidden layer, all of the same first weights, one for each program."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        n = len(PROGRAMS)

        def drawn(*shape: int, scale: float) -> nn.Parameter:
            same = torch.from_numpy(np.asarray(scale * rng.normal(size=shape))).float()
            return nn.Parameter(same.expand(n, *shape).clone())

        self.into, self.bias = drawn(HIDDEN, 2, scale=1.0), drawn(HIDDEN, scale=0.5)
        self.out, self.shift = drawn(HIDDEN, scale=HIDDEN**-0.5), drawn(scale=0.0)

    def forward(self, point: Tensor) -> Tensor:
        """What each network says of each point: (n_points, 2) to (n_programs, n_points)."""
        return _said(point, self.into, self.bias, self.out, self.shift)

    def mixed(self, weights: Tensor, point: Tensor) -> Tensor:
        """One network for each row of weights (n_rows, n_programs), run once: (n_rows, n_points)."""
        parts = (self.into, self.bias, self.out, self.shift)
        return _said(point, *(torch.einsum("rp,p...->r...", weights, part) for part in parts))


def _said(point: Tensor, into: Tensor, bias: Tensor, out: Tensor, shift: Tensor) -> Tensor:
    hidden = torch.tanh(torch.einsum("phc,nc->pnh", into, point) + bias[:, None])
    return torch.einsum("pnh,ph->pn", hidden, out) + shift[:, None]


def mixed_programs(params: Params, ctx: RunContext) -> dict[tuple[str, Reader, float], np.ndarray]:
    """Squared error of what was computed, relative to the variance of the program's results, by query.

    By way (mixed outputs or weights), reader and noise of the query, each (n_queries,). Retrieval that is exact
    leaves the error of the networks themselves.
    """
    networks = _trained(ctx.rng)
    keys = ctx.rng.normal(size=(len(PROGRAMS), DIM_KEY))
    point = torch.from_numpy(ctx.rng.uniform(-1, 1, (POINTS, 2))).float()
    results = torch.stack([program(*point.T) for program in PROGRAMS.values()])  # (n_programs, n_points)
    wanted = ctx.rng.integers(len(PROGRAMS), size=params.n_queries)
    errors: dict[tuple[str, Reader, float], np.ndarray] = {}
    for at, noise in enumerate(params.program_noise):
        query = keys[wanted] + noise * ctx.rng.normal(size=(params.n_queries, DIM_KEY))
        scores = torch.from_numpy(query @ keys.T / DIM_KEY**0.5)
        for reader, weights in _weights(params, ctx, scores).items():
            with torch.no_grad():
                said = {"outputs": weights @ networks(point), "weights": networks.mixed(weights, point)}
            for way, values in said.items():
                wrong = (values - results[wanted]).square().mean(dim=1)
                errors[way, reader, noise] = (wrong / results[wanted].var(dim=1)).double().numpy()
        ctx.progress((at + 1) / len(params.program_noise))
    return errors


def _weights(params: Params, ctx: RunContext, scores: Tensor) -> dict[Reader, Tensor]:
    """The weights of each reader, (n_queries, n_programs)."""
    nearest = torch.nn.functional.one_hot(scores.argmax(dim=1), scores.shape[1])
    exact = {("softmax", 0): Softmax()(scores), ("top", 0): nearest}
    spiking = {reader: spiking_map(params.row_circuit(), reader, ctx)(scores) for reader in params.readers}
    return {reader: weights.float() for reader, weights in (exact | spiking).items()}


def _trained(rng: np.random.Generator) -> Networks:
    """Networks that compute their programs on the square from -1 to 1."""
    networks = Networks(rng)
    optimizer = torch.optim.Adam(networks.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ITERATIONS)
    for _ in range(ITERATIONS):
        point = torch.from_numpy(rng.uniform(-1, 1, (BATCH, 2))).float()
        results = torch.stack([program(*point.T) for program in PROGRAMS.values()])
        loss = (networks(point) - results).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return networks
