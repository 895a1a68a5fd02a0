"""Gradients of simulated means by finite differences, beside what goes back through the spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bridge import SpikingHead

__all__ = [
    "Case",
    "Gradient",
    "Missed",
    "finite_differences",
    "missed",
    "missed_by_theory",
    "random_case",
    "through_spikes",
]

DIM_VALUE = 4


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row: scores, a value for each key, and a linear and a curved loss of the row's output."""

    scores: Tensor  # (n_keys,)
    value: Tensor  # (n_keys, DIM_VALUE)
    slope: Tensor  # (DIM_VALUE,)
    target: Tensor  # (DIM_VALUE,)

    def losses(self, weights: Tensor) -> Tensor:
        """(2, n_rows): slope · output, and |output - target|^2 / 2."""
        output = weights @ self.value
        return torch.stack([output @ self.slope, (output - self.target).square().sum(-1) / 2])

    def rows_needed(self, *, noise: float, spikes: int, step: float) -> int:
        """Rows at which the finite differences of the linear loss have this sampling error.

        Relative to the gradient's length, for independent spikes from softmax(scores): each difference of two
        means of n rows has the variance 2 var / (n spikes), over (2 step)^2.
        """
        p, gain = torch.softmax(self.scores, 0), self.value @ self.slope
        away = gain - p @ gain
        variance, length = p @ away.square(), (p * away).square().sum()
        per_row = len(p) * variance / (2 * spikes * step**2)
        return int(torch.ceil(per_row / (noise**2 * length)))

    def curved_loss_gradients(self, spikes: int) -> tuple[Tensor, Tensor]:
        """Of a curved loss over independent spikes, in theory: through the mean, and through the variance.

        E |output - target|^2 / 2 is the loss at the mean plus (sum_j p_j |v_j|^2 - |sum_j p_j v_j|^2) / (2 N).
        """
        scores = self.scores.clone().requires_grad_()
        p = torch.softmax(scores, 0)
        variance = (p @ self.value.square().sum(-1) - (p @ self.value).square().sum()) / (2 * spikes)
        (of_mean,) = torch.autograd.grad(self.losses(p)[1], scores, retain_graph=True)
        (of_variance,) = torch.autograd.grad(variance, scores)
        return of_mean, of_variance


@dataclass(frozen=True, kw_only=True)
class Gradient:
    """Of both mean losses to the scores, with its sampling error."""

    mean: np.ndarray  # (2, n_keys)
    se: np.ndarray  # (2, n_keys)
    n_rows: int

    def cosine(self, other: Gradient) -> np.ndarray:
        """Of both losses' gradients, (2,)."""
        a, b = self.mean, other.mean
        return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def random_case(rng: np.random.Generator, n_keys: int) -> Case:
    """Scores N(0, 1.5^2); values, slope and target standard normal."""
    shapes = {"value": (n_keys, DIM_VALUE), "slope": (DIM_VALUE,), "target": (DIM_VALUE,)}
    drawn = {name: torch.from_numpy(rng.normal(size=shape)) for name, shape in shapes.items()}
    return Case(scores=torch.from_numpy(rng.normal(0.0, 1.5, n_keys)), **drawn)


def finite_differences(head: SpikingHead, case: Case, *, n_rows: int, step: float) -> Gradient:
    """Central differences of the mean over `n_rows` simulated rows, which share their random numbers."""
    n_keys = len(case.scores)
    moved = torch.cat([torch.eye(n_keys), -torch.eye(n_keys)]).to(case.scores) * step
    scores = (case.scores + moved)[:, None].expand(-1, n_rows, -1)  # (2 n_keys, n_rows, n_keys)
    streams = np.broadcast_to(np.arange(n_rows), scores.shape[:2])
    with torch.no_grad():
        losses = case.losses(head.score_map(scores, streams=streams))  # (2, 2 n_keys, n_rows)
    slopes = (losses[:, :n_keys] - losses[:, n_keys:]) / (2 * step)
    return Gradient(mean=slopes.mean(-1).numpy(), se=slopes.std(-1).numpy() / n_rows**0.5, n_rows=n_rows)


def through_spikes(head: SpikingHead, case: Case, *, n_rows: int) -> Gradient:
    """The surrogate's gradient, row by row."""
    scores = case.scores.expand(n_rows, -1).clone().requires_grad_()
    losses = case.losses(head.score_map(scores, streams=np.arange(n_rows)))
    rows = torch.stack([torch.autograd.grad(loss.sum(), scores, retain_graph=True)[0] for loss in losses])
    return Gradient(mean=rows.mean(1).numpy(), se=rows.std(1).numpy() / n_rows**0.5, n_rows=n_rows)


@dataclass(frozen=True, kw_only=True)
class Missed:
    """How far surrogate gradients are from the true ones, over several cases, sampling noise taken out."""

    share: (
        np.ndarray
    )  # (2,) length of the difference over that of the true gradient; 0 where noise explains it
    share_se: np.ndarray  # (2,) over cases, by the jackknife
    slope: np.ndarray  # (2,) of the true gradient along the surrogate; 1 where their size agrees
    slope_se: np.ndarray  # (2,)


def missed(pairs: Sequence[tuple[Gradient, Gradient]]) -> Missed:
    """Compare finite differences with what went through the spikes, pairs of them."""
    sums = np.array([_sums(true, surrogate) for true, surrogate in pairs])  # (n, 4, 2)
    n = len(sums)
    whole, without_one = (_ratios(s) for s in (sums.sum(axis=0), np.moveaxis(sums.sum(axis=0) - sums, 0, 1)))
    se = [np.sqrt((n - 1) * left_out.var(axis=0)) for left_out in without_one]
    return Missed(share=whole[0], share_se=se[0], slope=whole[1], slope_se=se[1])


def missed_by_theory(cases: Sequence[Case], spikes: int) -> float:
    """The share that a softmax's Jacobian misses of the curved loss's gradient: what goes through the variance."""
    gradients = [case.curved_loss_gradients(spikes) for case in cases]
    apart = sum(float(of_variance.square().sum()) for _, of_variance in gradients)
    true = sum(float((of_mean + of_variance).square().sum()) for of_mean, of_variance in gradients)
    return (apart / true) ** 0.5


def _sums(true: Gradient, surrogate: Gradient) -> np.ndarray:
    """Squares of the difference, of the true gradient, of the surrogate, and their product: (4, 2), unbiased."""
    a, b = true.mean, surrogate.mean
    noise, own_noise = true.se**2, surrogate.se**2
    parts = ((a - b) ** 2 - noise - own_noise, a**2 - noise, b**2 - own_noise, a * b)
    return np.stack([part.sum(axis=1) for part in parts])


def _ratios(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    apart, true, own, product = sums
    return np.sqrt(np.maximum(apart, 0.0) / true), product / own
