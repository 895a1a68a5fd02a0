"""By what factor a layer of pure attention shrinks the residual once rows agree: exact, and through N spikes.

Rows that agree have equal keys, so a row's weights are 1/n + e_j with exchangeable errors of variance v that sum
to 0. Its output is then the mean value plus sum_j e_j x_j, of squared length v n/(n - 1) |residual|^2 on average.
With independent rows that leaves, less the mean over rows, a residual of sqrt(n v) times the one before, whatever
made the errors:

- N independent samples, v = (1/n)(1 - 1/n)/N: the factor is sqrt((1 - 1/n)/N);
- spikes of dispersion phi, v = phi times that: sqrt(phi (1 - 1/n)/N);
- regular cells, whose counts with equal scores differ by at most one, v = f (1 - f)/N^2 with f the fraction of N/n:
  sqrt(n f (1 - f))/N, which is at most sqrt(n)/(2 N), and 0 where N is a multiple of n.

Rows that share their noise have the same errors e_j, and nothing is left of them in the residual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bridge import SpikingScoreMap
from pragmatic import Head
from pragmatic.attention_layer import AttentionLayer, Parts, residual
from scenarios.rank_collapse.initial import LOST
from scenarios.workbench.statistics import UNKNOWN, Estimate, mean

__all__ = [
    *(
        "Dispersed",
        "SharedNoise",
        "dispersion",
        "late_factor",
        "regular_factor",
        "residuals",
        "rotations",
        "sampled_factor",
    ),
]

AGREE = 0.3  # relative residual below which rows count as agreeing: scores then spread by less than a tenth
FIRST = 2  # layer from which on they may


@dataclass
class SharedNoise:
    """A score map whose rows share one stream of random numbers within each head and call."""

    score_map: SpikingScoreMap
    _next: int = 0

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        heads = np.arange(scores[..., 0, 0].numel()).reshape(*scores.shape[:-2], 1) + self._next
        self._next += heads.size
        return self.score_map(scores, mask, streams=np.broadcast_to(heads, scores.shape[:-1]))


def rotations(n_layers: int, width: int, n_heads: int, rng: np.random.Generator) -> list[AttentionLayer]:
    """Layers whose values and outputs are rotated alone: nothing but attention changes the residual's share."""
    layers = [AttentionLayer(width, n_heads, rng) for _ in range(n_layers)]
    for layer in layers:
        with torch.no_grad():
            for matrix in (layer.to_qkv[2 * width :], layer.from_heads):
                matrix.copy_(torch.from_numpy(np.linalg.qr(rng.normal(size=(width, width)))[0]))
    return layers


@torch.no_grad()
def residuals(layers: Sequence[AttentionLayer], x: Tensor, head: Head, parts: Parts) -> np.ndarray:
    """Relative residual (Frobenius) at every layer, (n_layers + 1, B), nan after it is lost in rounding."""
    reached = [_share(x)]
    for layer in layers:
        if not reached[-1].max() > LOST:
            reached.append(np.full(len(x), np.nan))
            continue
        x = layer(x, parts, head).output
        reached.append(_share(x))
    return np.stack(reached)


def late_factor(reached: np.ndarray) -> Estimate:
    """Geometric mean of the factor over layers whose rows agree, (n_layers + 1, n_nets), its error over nets."""
    before, after = reached[FIRST:-1], reached[FIRST + 1 :]
    known = (before < AGREE) & (after > LOST)
    logs = np.log(np.where(known, after, 1) / np.where(known, before, 1))
    nets = known.any(axis=0)
    if not nets.any():
        return UNKNOWN
    each = mean(logs.sum(axis=0)[nets] / known.sum(axis=0)[nets])
    return Estimate(value=float(np.exp(each.value)), error=float(np.exp(each.value) * each.error))


@dataclass(frozen=True, kw_only=True)
class Dispersed:
    """How spread the counts of equal keys are, and the factors that follow from it."""

    phi: Estimate  # variance of shares over that of as many independent samples
    factor: Estimate  # sqrt(phi (1 - 1/n) / N)
    regular: float  # sqrt(n f (1 - f)) / N, at the totals that the rows had


def dispersion(counts: np.ndarray) -> Dispersed:
    """Measure the dispersion from counts (n_rows, n_keys) at equal scores."""
    totals, n_keys = np.maximum(counts.sum(axis=1), 1), counts.shape[1]
    squared = ((counts / totals[:, None] - 1 / n_keys) ** 2).mean(axis=1)
    samples = float(np.mean((1 - 1 / n_keys) / n_keys / totals))
    phi = mean(squared / samples)
    factor = float(np.sqrt(n_keys * squared.mean()))
    error = factor * phi.error / (2 * phi.value) if phi.value else np.nan
    return Dispersed(
        phi=phi, factor=Estimate(value=factor, error=error), regular=regular_factor(totals, n_keys)
    )


def regular_factor(totals: np.ndarray, n_keys: int) -> float:
    """sqrt(n f (1 - f)) / N of rows of these totals, f the fraction of N / n."""
    part = (totals / n_keys) % 1
    return float(np.sqrt(np.mean(n_keys * part * (1 - part) / totals**2)))


def sampled_factor(spikes: np.ndarray, n_keys: int) -> np.ndarray:
    """sqrt((1 - 1/n) / N)."""
    return np.sqrt((1 - 1 / n_keys) / spikes)


def _share(x: Tensor) -> np.ndarray:
    norms = torch.linalg.matrix_norm(residual(x)) / torch.linalg.matrix_norm(x)
    return norms.numpy()
