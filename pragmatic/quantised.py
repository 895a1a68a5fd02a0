"""Softmax weights in fewer bits: whole counts of a given sum, and exponentials of a few bits each.

What a row of spikes can say is a list of whole counts. These maps choose the best such list without noise, or spend
bits as digital machines do, so that a circuit's spikes can be compared at an equal number of bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from pragmatic import formulas
from pragmatic.checks import at_least
from pragmatic.score_maps import RowMap

__all__ = ["FewBits", "WholeCounts", "bits_of_counts"]


@dataclass(frozen=True, kw_only=True)
class WholeCounts(RowMap):
    """The softmax rounded to whole counts that add up to `total`, by largest remainders.

    Of all lists of counts with this sum, those that `total` spikes can make, it is the nearest to the weights
    (Balinski and Young 1982, Fair Representation). It has no noise, but a bias: a key that expects much less than
    one count gets none, where a spike would fall on it now and then. Equal remainders go to the first key.
    Piecewise constant: its weights carry no gradient.
    """

    total: int  # of the counts of a row

    def __post_init__(self) -> None:
        at_least("WholeCounts", "total", self.total, 1)

    def _weights(self, scores: Tensor) -> Tensor:
        expected = self.total * formulas.softmax(scores.detach())
        counts = expected.floor()
        missing = self.total - counts.sum(-1, keepdim=True)
        order = (expected - counts).argsort(dim=-1, descending=True, stable=True)
        place = order.argsort(dim=-1)  # of each key by its remainder
        return (counts + (place < missing)) / self.total


@dataclass(frozen=True, kw_only=True)
class FewBits(RowMap):
    """exp(s_j - largest s) rounded to one of 2^bits evenly spaced numbers from 0 to 1, over the sum of the row.

    A scale for each row, as quantised activations have it, so that the largest weight is never lost. Piecewise
    constant: its weights carry no gradient.
    """

    bits: int  # of each key

    def __post_init__(self) -> None:
        at_least("FewBits", "bits", self.bits, 1)

    def _weights(self, scores: Tensor) -> Tensor:
        steps = 2.0**self.bits - 1
        rounded = (formulas.from_top(scores.detach()).exp() * steps).round()
        return rounded / rounded.sum(-1, keepdim=True)


def bits_of_counts(n_spikes: int, n_keys: int) -> float:
    """Bits that tell apart all lists of counts of `n_keys` keys whose sum is `n_spikes`.

    log2 of the binomial coefficient (n_spikes + n_keys - 1 over n_spikes).
    """
    several = math.lgamma(n_spikes + n_keys) - math.lgamma(n_spikes + 1) - math.lgamma(n_keys)
    return several / math.log(2)
