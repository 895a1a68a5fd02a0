"""Signed linear combinations drawn by spikes: each key excites or inhibits, as its coefficient has it.

A row of coefficients c, of any sign, becomes a competition in which key j has the score ln |c_j|. By the race law
a spike comes from key j with probability |c_j| / S, S = sum_k |c_k|, and counts as S sign(c_j) / N. The mean over
N spikes is then c itself, whatever c: a row of a matrix times vectors, drawn without bias. Signed samples of a
linear combination as streams of a dataflow machine: Bukatin and Matthews (2015), Linear models of computation and
program learning, arXiv:1512.04639.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bridge.heads.score_map import SpikingScoreMap
from spiking.checks import shown

__all__ = ["SignedRows", "signed_variance"]


class SignedRows:
    """Draw rows of coefficients by the spikes of a circuit, or of its sampled twin.

    A row with one coefficient has nothing to select, and one without any draws nothing: both are returned as
    they are, without a spike. A row whose circuit stays silent is 0.

    Parameters
    ----------
    score_map : SpikingScoreMap
        Its circuit, budget and mode; its temperature is undone, so that coefficients keep their size.

    Examples
    --------
    >>> import numpy as np
    >>> from spiking import Budget, GammaCircuit, GammaParams
    >>> circuit = GammaCircuit(GammaParams.brief())
    >>> draw = SignedRows(SpikingScoreMap(circuit, Budget(spikes=64), np.random.default_rng(0)))
    >>> drawn = draw(torch.tensor([[0.5, -2.0, 0.0, 1.0]]))
    >>> bool(drawn[0, 1] < 0) and float(drawn[0, 2]) == 0.0
    True
    """

    def __init__(self, score_map: SpikingScoreMap) -> None:
        if not isinstance(score_map, SpikingScoreMap):
            raise TypeError(
                f"score_map must be a SpikingScoreMap, got {shown(score_map)}; make one of a circuit"
            )
        self.score_map = score_map

    def __call__(self, coefficients: Tensor) -> Tensor:
        """Draw every row once.

        Parameters
        ----------
        coefficients : Tensor, (..., n_keys), float
            Finite, of any sign; 0 where there is no link.

        Returns
        -------
        Tensor
            Of the same shape. Its mean over draws is `coefficients` as far as the circuit follows the race law, and
            so it hands its gradient on unchanged. Random cells that reset deplete a strong key a little: of links
            of 3 and 1, drawn by 1024 spikes of `GammaParams.brief()`, the first comes out 2 % too weak.
        """
        if not torch.isfinite(coefficients).all():
            raise ValueError(
                "coefficients must be finite, got nan or inf; bound the matrix before it is drawn"
            )
        rows = coefficients.detach().reshape(-1, coefficients.shape[-1])
        drawn, several = rows.clone(), (rows != 0).sum(dim=-1) > 1
        if several.any():
            drawn[several] = self._compete(rows[several])
        drawn = drawn.reshape(coefficients.shape)
        return coefficients + (drawn - coefficients).detach() if coefficients.requires_grad else drawn

    def _compete(self, rows: Tensor) -> Tensor:
        """Rows of two coefficients or more, moved together so that absent keys take no time."""
        n_keys = int((rows != 0).sum(dim=-1).max())
        size, at = rows.abs().topk(n_keys, dim=-1)  # (n_rows, n_keys), zeros last
        scores = self.score_map.circuit.temperature * size.log()
        share = self.score_map(scores, size > 0)
        signed = size.sum(dim=-1, keepdim=True) * share * rows.gather(-1, at).sign()
        return torch.zeros_like(rows).scatter(-1, at, signed)


def signed_variance(coefficients: Tensor, values: Tensor, n_spikes: int) -> Tensor:
    """Variance of sum_j c_j x_j as N independent signed samples give it.

    One sample is S sign(c_j) x_j with probability |c_j| / S: its mean square is S sum_j |c_j| x_j^2.

    Parameters
    ----------
    coefficients : Tensor, (..., n_rows, n_keys)
    values : Tensor, (..., n_keys, dim)
    n_spikes : int
        N, of each row.

    Returns
    -------
    Tensor, (..., n_rows, dim)
    """
    size = coefficients.abs()
    square = size.sum(dim=-1, keepdim=True) * (size @ values.square())
    return (square - (coefficients @ values).square()) / n_spikes
