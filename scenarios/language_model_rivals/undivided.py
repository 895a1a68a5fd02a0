"""A head whose values are added up spike by spike and divided by one number for all rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bridge import SpikingScoreMap
from pragmatic import Attended
from spiking import Budget, Engine, RowCircuit

__all__ = ["UndividedHead"]


class UndividedHead:
    """Weights are spikes over the spikes of a usual row, so that they add up to 1 only as far as a circuit holds
    its total.

    It is what a neuron reads that adds its synapses' currents: nothing divides by the spikes of this row. Holding
    the total is what the loop of a gamma circuit is for.

    Parameters
    ----------
    circuit : RowCircuit
    duration_ms : float
        Time of each row.
    usual : float
        Spikes of a usual row in this time.
    engine : Engine
    seed : int
    """

    def __init__(
        self, circuit: RowCircuit, *, duration_ms: float, usual: float, engine: Engine, seed: int
    ) -> None:
        self.usual = usual
        self.score_map = SpikingScoreMap(
            circuit,
            Budget(duration_ms=duration_ms),
            rng=np.random.default_rng(seed),
            engine=engine,
            record="counts",
        )

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        shares = self.score_map((query * query.shape[-1] ** -0.5) @ key.mT, mask)
        counts = self.score_map.counts
        assert counts is not None
        totals = torch.from_numpy(counts.sum(axis=1)).to(shares).reshape(*shares.shape[:-1], 1)
        weights = shares * (totals / self.usual)
        return Attended(weights @ value, weights)
