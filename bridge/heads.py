"""A spiking circuit as a score map: it stands wherever softmax stands in attention."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bridge.comparison import Circuit
from pragmatic.masks import masked_scores
from spiking.record import Selection

__all__ = ["SpikingScoreMap"]


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
    engine: str = "brian2"
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
