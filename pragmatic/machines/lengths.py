"""What becomes hard as a sequence grows: the first symbol and parity by constructed attention, and two remedies.

After Chiang and Cholak (2022), Overcoming a theoretical limitation of self-attention, ACL, arXiv:2202.12172. Both
constructions recognise strings of every length, but their signals fade with the length n, here as 1/n for the
first symbol and 1/n^2 for parity, so that the cross-entropy tends to 1 bit. The remedies of that paper: scores
times ln n, and layer norm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pragmatic.checks import at_least
from pragmatic.score_maps import ScoreMap

__all__ = ["LogLength", "cross_entropy_bits", "first_signal", "layer_norm", "parity_signal"]


@dataclass(frozen=True, kw_only=True)
class LogLength:
    """A score map whose temperature falls with the number of keys n: scores times ln n / ln reference.

    The wrong keys of a row then share (n - 1) n^(-c / ln reference), c the margin of the right one: no more with
    larger n once c >= ln reference. Chiang and Cholak (2022).
    """

    score_map: ScoreMap
    reference: int  # keys at which scores stay as they are

    def __post_init__(self) -> None:
        at_least("LogLength", "reference", self.reference, 2)

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Weights, of the shape of the scores."""
        if mask is None:
            factor: float | Tensor = math.log(scores.shape[-1]) / math.log(self.reference)
        else:
            factor = mask.sum(dim=-1, keepdim=True).log() / math.log(self.reference)
        return self.score_map(scores * factor, mask)


def first_signal(bits: Tensor, margin: float, score_map: ScoreMap) -> Tensor:
    """Read the first of some bits: its weight, minus where it is 0.

    Parameters
    ----------
    bits : Tensor, (n_strings, n), of 0 and 1
        A token that answers comes before them, and all that is read is at the first bit.
    margin : float
        Score of the first bit over the others.
    score_map : ScoreMap

    Returns
    -------
    Tensor, (n_strings,) float64
    """
    value = functional.pad(bits[:, :1].double() * 2 - 1, (1, bits.shape[1] - 1))  # (n_strings, 1 + n)
    scores = torch.zeros_like(value)
    scores[:, 1] = margin
    return (score_map(scores) * value).sum(dim=1)


def parity_signal(bits: Tensor, margin: float, first: ScoreMap, second: ScoreMap) -> Tensor:
    """Tell whether the number of ones is odd, in two layers: positive where it is.

    The first layer averages over all positions, which gives k / (n + 1) for k ones; three rectified units at each
    position i turn that into a bump at i = k. The second has one head for odd positions and one for even ones, and
    the signal is the difference of what they read.

    Parameters
    ----------
    bits : Tensor, (n_strings, n), of 0 and 1
        The token that answers is position 0.
    margin : float
        Half the difference of scores between odd and even positions.
    first, second : ScoreMap
        Of both layers.

    Returns
    -------
    Tensor, (n_strings,) float64
    """
    ones = functional.pad(bits.double(), (1, 0))  # (n_strings, 1 + n)
    n_tokens = ones.shape[1]
    share = (first(torch.zeros_like(ones)) * ones).sum(dim=1, keepdim=True)  # k / (n + 1)
    place = torch.arange(n_tokens, dtype=torch.float64)
    # relu(t - 1) - 2 relu(t) + relu(t + 1), all over n + 1: a triangle of width 1 around t = 0
    shifts, factors = torch.tensor([-1.0, 0.0, 1.0]).double(), torch.tensor([1.0, -2.0, 1.0]).double()
    bump = (share[..., None] - (place[:, None] - shifts) / n_tokens).relu() @ factors
    odd = (margin * (2 * (place % 2) - 1)).expand_as(ones)
    return ((second(odd) - second(-odd)) * bump).sum(dim=1)


def layer_norm(signal: Tensor, epsilon: float) -> Tensor:
    """Normalise the vector (signal, -signal) and return its first component; 0 stays 0."""
    return signal / (signal.square() + epsilon).sqrt().clamp_min(torch.finfo(signal.dtype).tiny)


def cross_entropy_bits(signal: Tensor, answer: Tensor, gain: float) -> Tensor:
    """Compute the cross-entropy of each answer at the logit gain x signal.

    `answer` is bool, True where the signal should be positive; all are (n_strings,).
    """
    sign = answer.double() * 2 - 1
    return functional.softplus(-gain * sign * signal) / math.log(2)
