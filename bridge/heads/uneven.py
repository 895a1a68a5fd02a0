"""Spikes where they matter: keys of one row, and rows, that get unequal numbers of them.

A key of weight p whose cells take turns and that expects x spikes has x of them, rounded up or down. Its spikes
weigh p / x, so the weight that is read has the variance (p / x)^2 f (1 - f), f the fraction of x: (p / x)^2 / 6 on
average over f. Of a given number of spikes, the sum over keys and rows of c (p / x)^2 is least where all
derivatives are equal,

    c p^2 / x^3 = const,   so   x = s p^(2/3),   s proportional to c^(1/3),

with c what a unit of error costs in a row. (Independent samples have the variance p^2 / x and so x proportional to
p: Neyman 1934, J. R. Stat. Soc. 97:558.) Hence scores are divided by 3/2, each spike weighs p^(1/3), and a row
needs s times the sum of p^(2/3): 1 where one key has all the weight, K^(1/3) where K keys share it.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bridge.bill.usage import Usage
from bridge.heads.score_map import MODES, SpikingScoreMap
from bridge.heads.surrogate import spike_share
from bridge.laws.depletion import FittedLaw
from pragmatic.masks import masked_scores
from spiking import Budget, Engine, EventDriven, RowCircuit
from spiking.checks import check_circuit, check_rng, known, positive_within
from spiking.engines import check_engine

__all__ = ["FLATNESS", "FLATNESSES", "ROWS", "UnevenScoreMap", "row_spread"]

FLATNESS = 1.5  # derived above
FLATNESSES = 1.0, 100.0  # least and most
ROWS = ("even", "spread")
PER_DOUBLING = 2  # budgets: rows whose spikes are less than a factor of 2^(1/4) from one of them run together


def row_spread(log_weights: Tensor) -> Tensor:
    """Sum of p^(2/3) of each row, (...): the spikes that it needs, in those of a row of one key.

    Parameters
    ----------
    log_weights : Tensor, (..., n_keys)
        -inf where a key takes no part.
    """
    return (log_weights / FLATNESS).exp().sum(-1)


@dataclass
class UnevenScoreMap:
    """Attention weights from spikes that are split between keys and rows; a `pragmatic.ScoreMap`.

    The circuit runs at `flatness` times its temperature, so that strong keys spike less than their weight says,
    and every spike weighs exp((1 - 1 / flatness) score / temperature), so that the weights are the softmax at
    the circuit's own temperature again. A silent row has weights of 0.

    The budget of a row with `rows="spread"` is worked out from its softmax; a circuit would let all rows run for
    one time instead, with scores relative to their log-sum-exp.

    Parameters
    ----------
    circuit : RowCircuit
        Its temperature divides the scores.
    spikes : float or Tensor, broadcastable to the rows (..., n_queries)
        Of every row where `rows` is "even", of a key of weight 1 where it is "spread". A tensor (n_heads, 1)
        gives each head of a layer its own.
    rng : numpy.random.Generator
    engine : Engine
    flatness : float
        At least 1, which leaves all spikes alike; 3/2 is best for cells that take turns.
    rows : {"spread", "even"}
        Whether rows of more widely spread weights get more spikes.
    mode : {"simulated", "sampled"}
    gradient : bool
        As `SpikingScoreMap` has them.

    Examples
    --------
    >>> from spiking import GammaCircuit, GammaParams
    >>> circuit = GammaCircuit(GammaParams.regular_brief())
    >>> score_map = UnevenScoreMap(circuit, 64, np.random.default_rng(0), rows="even")
    >>> score_map(torch.tensor([[2.0, 0.0]])).round(decimals=1)
    tensor([[0.9000, 0.1000]])
    """

    circuit: RowCircuit
    spikes: float | Tensor
    rng: np.random.Generator
    engine: Engine = EventDriven()
    _: KW_ONLY
    flatness: float = FLATNESS
    rows: str = "spread"
    mode: str = "simulated"
    gradient: bool = False
    _maps: dict[int, SpikingScoreMap] = field(default_factory=dict, init=False, repr=False)  # by budget

    def __post_init__(self) -> None:
        known("rows", self.rows, ROWS)
        known("mode", self.mode, MODES)
        check_circuit(self.circuit)
        check_rng(self.rng)
        check_engine(self.engine)
        for spikes in torch.as_tensor(self.spikes).unique().tolist():
            positive_within("UnevenScoreMap", "spikes", spikes, 0.01, 1e6)
        positive_within("UnevenScoreMap", "flatness", self.flatness, *FLATNESSES)
        flat = self.circuit.temperature * self.flatness
        self._flat = self.circuit.varied(temperature=flat)
        self._law = FittedLaw(beta=1 / self.circuit.temperature)
        self._seed = int(self.rng.integers(2**63))

    def __call__(
        self,
        scores: Tensor,
        mask: Tensor | None = None,
        *,
        streams: np.ndarray | None = None,
        grid: float | None = None,
    ) -> Tensor:
        """Let every row compete; arguments, result and errors as `SpikingScoreMap` has them."""
        clean = masked_scores(scores, mask)
        if grid is not None:  # budgets and weights of spikes too must not hang on an order of additions
            clean = clean + (torch.round(clean.detach() / grid) * grid - clean.detach()).nan_to_num()
        attend = partial(self._attend, streams=streams)
        if self.gradient and scores.requires_grad and torch.is_grad_enabled():
            return spike_share(clean, attend, self._law).to(scores.dtype)
        return attend(clean.detach()).to(scores.dtype)

    @property
    def usage(self) -> Usage:
        """Counted over all calls."""
        return sum((each.usage for each in self._maps.values()), Usage())

    def budgets(self, log_weights: Tensor) -> Tensor:
        """Spikes at which each row ends, (...) int64, for the logarithm of its softmax, (..., n_keys)."""
        if self.rows == "even":
            even = torch.as_tensor(self.spikes).round().long().clamp_min(1)
            return even.expand(log_weights.shape[:-1])
        needed = self.spikes * row_spread(log_weights)
        step = (PER_DOUBLING * needed.clamp_min(1.0).log2()).round()
        return torch.exp2(step / PER_DOUBLING).round().long()

    def _attend(self, scores: Tensor, *, streams: np.ndarray | None) -> Tensor:
        log_weights = (scores / self.circuit.temperature).log_softmax(-1)
        budgets, shares = self.budgets(log_weights), torch.zeros_like(scores)
        numbers = None if streams is None else torch.from_numpy(np.asarray(streams)).reshape(budgets.shape)
        for budget in budgets.unique().tolist():
            here = budgets == budget
            own = None if numbers is None else numbers[here.cpu()].numpy()
            shares[here] = self._map(budget)(scores[here], streams=own)
        limits = torch.finfo(shares.dtype)
        finite = log_weights.clamp_min(limits.min)  # at a masked key, whose share is 0
        weighed = shares * (finite * (1 - 1 / self.flatness)).exp()
        return weighed / weighed.sum(-1, keepdim=True).clamp_min(limits.tiny)

    def _map(self, budget: int) -> SpikingScoreMap:
        """The circuit with that budget; it draws the same numbers whichever budgets came before."""
        if budget not in self._maps:
            self._maps[budget] = SpikingScoreMap(
                self._flat,
                Budget(spikes=budget),
                np.random.default_rng([self._seed, budget]),
                self.engine,
                mode=self.mode,
                record="counts",
            )
        return self._maps[budget]
