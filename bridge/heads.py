"""Spiking circuits where machine learning has its own: as a score map, and as a whole head."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bridge.comparison import Circuit
from pragmatic.attention import Attended
from pragmatic.masks import masked_scores
from spiking.head import HeadSelection, VectorCircuit
from spiking.record import Selection

__all__ = ["SpikingScoreMap", "SpikingVectorHead"]


@dataclass
class SpikingScoreMap:
    """Attention weights from spike shares; a `pragmatic.ScoreMap`, so `dot_product_head` makes a head of it.

    Two things differ from a softmax. No gradient flows: the weights are constants to autograd. And a row that
    stays silent has weights of 0 rather than a sum of 1; `selection.silent` tells which.

    Parameters
    ----------
    circuit : Circuit
        Its temperature divides the scores.
    duration_ms : float
        Time that each row has.
    rng : numpy.random.Generator
        Advances with every call, so that each gives new spikes.
    engine : str

    Attributes
    ----------
    selection : Selection or None
        Of the last call, its rows the scores' leading dimensions flattened.
    """

    circuit: Circuit
    duration_ms: float
    rng: np.random.Generator
    engine: str = "fused"
    selection: Selection | None = field(default=None, init=False, repr=False)

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Simulate every row at once.

        Parameters
        ----------
        scores : Tensor, (..., n_queries, n_keys), float
        mask : Tensor, broadcastable to the scores, bool, optional
            True where a key takes part; a score of -inf masks its key too.

        Returns
        -------
        Tensor
            Spike shares, of the scores' shape, dtype and device.

        Raises
        ------
        ValueError, TypeError
            As `pragmatic.ScoreMap` and the circuit say.
        """
        checked = masked_scores(scores.detach(), mask).cpu().double().numpy()
        rows = checked.reshape(-1, checked.shape[-1])
        present = np.isfinite(rows)
        self.selection = self.circuit.attend(
            np.where(present, rows, 0.0),
            duration_ms=self.duration_ms,
            rng=self.rng,
            mask=present,
            engine=self.engine,
        )
        weights = torch.from_numpy(self.selection.weights.reshape(checked.shape))
        return weights.to(dtype=scores.dtype, device=scores.device)


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
    engine : str

    Attributes
    ----------
    attended : HeadSelection or None
        Of the last call, its rows the queries' leading dimensions flattened.
    """

    circuit: VectorCircuit
    duration_ms: float
    rng: np.random.Generator
    engine: str = "fused"
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
