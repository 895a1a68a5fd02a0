"""All heads of a layer on one circuit, each in its own gamma cycle: a score map over heads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pragmatic.masks import checked_scores
from spiking.checks import check_rng, positive_int
from spiking.circuits.slots import SlottedCircuit
from spiking.engines import Engine, Fused

__all__ = ["SlottedScoreMap"]


@dataclass
class SlottedScoreMap:
    """Attention weights from the spikes of a circuit that the heads of a layer share in turn.

    Parameters
    ----------
    circuit : SlottedCircuit
        With as many slots as the layer has heads.
    rng : numpy.random.Generator
    periods : int
        Theta periods that a row runs.
    engine : Engine

    Attributes
    ----------
    spikes, rows : int
        Counted over all calls; a row is one head's.
    """

    circuit: SlottedCircuit
    rng: np.random.Generator
    periods: int = 1
    engine: Engine = Fused()
    spikes: int = field(default=0, init=False)
    rows: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        check_rng(self.rng)
        positive_int("SlottedScoreMap", "periods", self.periods)

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let every query's heads compete in turn.

        Parameters
        ----------
        scores : Tensor, (..., n_heads, n_queries, n_keys), float
        mask : Tensor, broadcastable to the scores, bool, optional
            True where a key takes part; the same for all heads.

        Returns
        -------
        Tensor
            Spike shares, of the scores' shape and dtype; 0 in a silent slot.

        Raises
        ------
        ValueError
            For another number of heads, and a mask that differs between heads.
        """
        checked_scores(scores, mask)
        if scores.ndim < 3 or scores.shape[-3] != self.circuit.n_slots:
            raise ValueError(
                f"scores must be (..., {self.circuit.n_slots} heads, queries, keys), got {tuple(scores.shape)}; "
                "give the circuit as many slots as the layer has heads."
            )
        heads_last = scores.detach().cpu().double().movedim(-3, -2)  # (..., n_queries, n_heads, n_keys)
        rows = heads_last.reshape(-1, *heads_last.shape[-2:]).numpy()
        present = None
        if mask is not None:
            allowed = mask.cpu().expand(scores.shape).movedim(-3, -2).reshape(rows.shape).numpy()
            if (allowed != allowed[:, :1]).any():
                raise ValueError(
                    "mask must be the same for all heads of a slotted circuit, got another for some."
                )
            present = allowed[:, 0]
            rows = np.where(allowed, rows, 0.0)
        selected = self.circuit.attend(
            rows, rng=self.rng, periods=self.periods, mask=present, engine=self.engine
        )
        self.spikes += int(selected.counts.sum())
        self.rows += len(rows) * self.circuit.n_slots
        weights = torch.from_numpy(selected.weights).reshape(heads_last.shape).movedim(-2, -3)
        return weights.to(scores)
