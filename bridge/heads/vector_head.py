"""A whole spiking head where machine learning has its own: vectors in, vectors out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bridge.bill.usage import Usage, report
from pragmatic.attention import Attended
from spiking import Engine, EventDriven, HeadSelection, VectorCircuit

__all__ = ["SpikingVectorHead"]


@dataclass
class SpikingVectorHead:
    """The whole spiking head as a `pragmatic.Head`: vectors in, spikes all the way, vectors out.

    No gradient flows. A silent row has weights and output of 0; `attended.selection.silent` tells which.

    Parameters
    ----------
    circuit : VectorCircuit
    duration_ms : float
        Time that each query has.
    rng : numpy.random.Generator
        Advances with every call, so that each gives new spikes.
    engine : Engine

    Attributes
    ----------
    attended : HeadSelection or None
        Of the last call, its rows the queries' leading dimensions flattened.
    """

    circuit: VectorCircuit
    duration_ms: float
    rng: np.random.Generator
    engine: Engine = EventDriven()
    attended: HeadSelection | None = field(default=None, init=False, repr=False)

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        """Simulate every query at once; shapes and masks as `pragmatic.Head` says."""
        lead, n_queries, n_keys = query.shape[:-2], query.shape[-2], key.shape[-2]
        present = None
        if mask is not None:
            whole = torch.broadcast_to(mask, (*lead, n_queries, n_keys))
            present = whole.reshape(-1, n_keys).cpu().numpy()
        self.attended = self.circuit.attend(
            _rows(query),
            _per_query(key, lead, n_queries),
            _per_query(value, lead, n_queries),
            duration_ms=self.duration_ms,
            rng=self.rng,
            mask=present,
            engine=self.engine,
        )
        report(Usage.of(self.attended.selection, None))
        output = self.attended.output.reshape(*lead, n_queries, value.shape[-1])
        weights = self.attended.selection.weights.reshape(*lead, n_queries, n_keys)
        return Attended(torch.from_numpy(output).to(query), torch.from_numpy(weights).to(query))


def _rows(vectors: Tensor) -> np.ndarray:
    """(..., length, dim) -> (rows, dim)."""
    return vectors.detach().reshape(-1, vectors.shape[-1]).cpu().double().numpy()


def _per_query(vectors: Tensor, lead: torch.Size, n_queries: int) -> np.ndarray:
    """(..., n_keys, dim) -> (rows, n_keys, dim): each query sees the keys of its own leading index."""
    shape = (*lead, n_queries, *vectors.shape[-2:])
    repeated = torch.broadcast_to(vectors.detach().unsqueeze(-3), shape)
    return repeated.reshape(-1, *vectors.shape[-2:]).cpu().double().numpy()
