"""Through the spikes: forward the counts of a simulation, backward the Jacobian of the law they follow.

A spike count has no derivative, its mean has one: that of the fitted law. So the forward pass hands on the
shares that were simulated, and the backward pass takes the law's Jacobian at the same scores. The gradient
that arrives at the scores is then that of a loss that is linear in the shares, without bias as far as the law
holds; what a curved loss adds, through the spread of the shares, is of order 1 / spikes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bridge.laws.depletion import FittedLaw
from spiking.engines.fused.random import row_key, uniform64
from spiking.kept_code import compiled

__all__ = ["sampled_counts", "spike_share"]


class _SpikeShare(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor, share: Callable[[Tensor], Tensor], law: FittedLaw) -> Tensor:
        weights = share(scores)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(law.weights(scores), (weights == 0).all(-1, keepdim=True))
            ctx.law = law
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        weights, silent = ctx.saved_tensors
        return ctx.law.pull_back(weights, gradient).masked_fill(silent, 0.0), None, None


def spike_share(scores: Tensor, share: Callable[[Tensor], Tensor], law: FittedLaw) -> Tensor:
    """`share(scores)` going forward, the Jacobian of `law` going back.

    A silent row, of weights 0, hands back no gradient: where silence does not depend on the scores, the mean
    over silent and other rows is then the gradient of the mean. Second derivatives are refused.

    Parameters
    ----------
    scores : Tensor, (..., n_keys), float
        -inf where a key takes no part.
    share : callable
        From scores to weights of the same shape; runs the simulation, outside of autograd.
    law : FittedLaw
    """
    return _SpikeShare.apply(scores, share, law)


def sampled_counts(probability: np.ndarray, n_spikes: int, *, seed: int, streams: np.ndarray) -> np.ndarray:
    """Multinomial counts of each row, from random numbers of its own: the fast twin of a simulation.

    Parameters
    ----------
    probability : (n_rows, n_keys) array
        Each row >= 0 and summing to 1; 0 where a key takes no part.
    n_spikes : int
        In every row.
    seed : int
        At least 0 and below 2**64.
    streams : (n_rows,) array of int
        Key each row's random numbers: the same seed, stream and probabilities give the same counts, whatever
        the batch, and whatever keys of probability 0 stand after the others.

    Returns
    -------
    (n_rows, n_keys) int64 array
    """
    rows = np.ascontiguousarray(probability, dtype=np.float64)
    return _sampled(rows, n_spikes, np.uint64(seed), streams.astype(np.uint64))


@compiled(nogil=True)
def _sampled(probability: Any, n_spikes: Any, seed: Any, streams: Any) -> Any:
    """Each spike goes to the key in whose part of the cumulated probability a uniform number falls."""
    counts = np.zeros(probability.shape, dtype=np.int64)
    for row in range(len(probability)):
        reached = np.cumsum(probability[row])
        key = row_key(seed, streams[row])
        for spike in range(n_spikes):
            counts[row, np.searchsorted(reached, uniform64(key, spike) * reached[-1])] += 1
    return counts
