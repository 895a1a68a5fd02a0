"""The law that spike shares follow: a softmax in which each key's own share lowers its score.

A spike resets its cell, and the population has one cell less that is ready until this one has recovered. On
average a key's voltage is lower in proportion to its share p of the row's spikes:

    p_j = exp(beta s_j - depletion p_j) / sum_k exp(beta s_k - depletion p_k).

With cells that lose `reset_by` at a spike and forget it with `tau_ms`, in a row that fires `rate` spikes a ms,
evenly in time, depletion = reset_by rate tau_ms / n_cells: it vanishes with many cells. In volleys, before which
the cells have partly recovered, it is about 0.7 of that (measured: .26, .13, .08 at 10, 20, 40 cells,
+-.02), and beta is the gain over the temperature to 1 %. With depletion 0 this is the softmax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from bridge.laws.calibration import reference_scores
from bridge.laws.counted import CountedRows, pearson_dispersion
from bridge.laws.softmax_fit import MAX_HALVINGS, newton_beta
from spiking.checks import as_float, positive, shown, within

__all__ = ["FittedLaw", "fit_law"]

CountRows = Callable[[np.ndarray, np.ndarray], np.ndarray]  # scores, mask -> counts, all (n_rows, n_keys)
PER_ROW = 200  # rows of each length in a fit: at 64 spikes a row beta is known to 1 %
LARGEST = 20.0  # depletion: a tenth of a cell for each key
TOLERANCE = 1e-7
MAX_STEPS = 60


@dataclass(frozen=True, kw_only=True)
class FittedLaw:
    """weights = softmax(beta * scores - depletion * weights), what a circuit's spike shares are in the mean.

    Without a fit a circuit at a calibrated gain is assumed to have beta = 1 / temperature and no depletion;
    `fit_law` measures both at the budget of a head.
    """

    beta: float  # inverse temperature of the scores as given
    depletion: float = 0.0  # what a key that gets all spikes loses; below 0, spikes call for more
    beta_se: float = 0.0  # 0 where it is taken from the calibration and not measured
    depletion_se: float = 0.0
    dispersion: float = 1.0  # variance of the counts over the multinomial's; below 1, more regular

    def __post_init__(self) -> None:
        positive("FittedLaw", "beta", self.beta, remedy="use 1 / temperature, or fit_law")
        within("FittedLaw", "depletion", self.depletion, -0.9, LARGEST)
        for name in ("beta_se", "depletion_se", "dispersion"):
            value = getattr(self, name)
            number = as_float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0
            if number < 0 or number == np.inf:  # nan is unknown
                raise ValueError(f"FittedLaw.{name} must be a number >= 0, got {shown(value)}; leave it out.")

    def weights(self, scores: Tensor) -> Tensor:
        """Solve for the weights of scores (..., n_keys); 0 where a score is -inf.

        By iteration: the map on the right has slopes in [-depletion / 2, 0], the largest eigenvalue of a
        softmax's Jacobian being 1/2, and the step is the one that serves both ends of that range best.
        """
        weights = torch.softmax(self.beta * scores, dim=-1)
        if self.depletion == 0:
            return weights
        step = 1 / (1 + max(self.depletion, 0.0) / 4)
        for _ in range(MAX_STEPS):
            change = torch.softmax(self.beta * scores - self.depletion * weights, dim=-1) - weights
            weights = weights + step * change
            if float(change.abs().max()) < TOLERANCE:
                break
        return weights

    def pull_back(self, weights: Tensor, gradient: Tensor) -> Tensor:
        """The Jacobian of the law, which is symmetric, times a gradient, both (..., n_keys).

        With D = diag(p) - p p^T it is (1 + depletion D)^-1 beta D, which comes to the softmax's with
        q = p / (1 + depletion p) in the place of p: beta q (g - sum q g / sum q).
        """
        q = weights / (1 + self.depletion * weights)
        return self.beta * q * (gradient - (q * gradient).sum(-1, keepdim=True) / q.sum(-1, keepdim=True))


def fit_law(count: CountRows, rng: np.random.Generator, *, n_rows_each: int = PER_ROW) -> FittedLaw:
    """Measure the law on reference rows, 2 to 32 keys of scores N(0, 1.5^2), by maximum likelihood.

    Parameters
    ----------
    count : callable
        From scores and mask to spike counts, all (n_rows, n_keys).
    rng : numpy.random.Generator
        Draws the scores.
    n_rows_each : int
        Rows for each of 2, 4, 8, 16 and 32 keys.

    Raises
    ------
    ValueError
        Unless the fitted beta is finite and > 0.
    """
    scores, mask = reference_scores(n_rows_each, rng)
    rows = CountedRows.of(count(scores, mask), scores, mask)
    law = FittedLaw(beta=newton_beta(rows))
    reached = _log_likelihood(rows, law)
    for _ in range(MAX_STEPS):
        slope, information = _slope_and_information(rows, law)
        step = np.linalg.solve(information, slope)
        if np.abs(step).max() < TOLERANCE:
            break
        better = _uphill(rows, law, step, reached)
        if better is None:
            break
        law, reached = better
    dispersion = pearson_dispersion(rows, _weights(rows, law), 2)
    beta_se, depletion_se = np.sqrt(dispersion * np.diag(np.linalg.inv(information)))
    return replace(law, beta_se=float(beta_se), depletion_se=float(depletion_se), dispersion=dispersion)


def _weights(rows: CountedRows, law: FittedLaw) -> np.ndarray:
    return law.weights(torch.from_numpy(np.where(rows.mask, rows.scores, -np.inf))).numpy()


def _log_likelihood(rows: CountedRows, law: FittedLaw) -> float:
    spiked = rows.counts > 0
    return float(np.sum(rows.counts[spiked] * np.log(_weights(rows, law)[spiked])))


def _slope_and_information(rows: CountedRows, law: FittedLaw) -> tuple[np.ndarray, np.ndarray]:
    """Of the log-likelihood in beta and depletion, (2,) and (2, 2); Fisher's information of a multinomial."""
    p = _weights(rows, law)
    q = p / (1 + law.depletion * p)
    part = q / q.sum(axis=1, keepdims=True)
    covariates = np.stack([rows.scores, -p])  # (2, n_rows, n_keys)
    away = covariates - np.sum(part * covariates, axis=2, keepdims=True)
    logs = away / (1 + law.depletion * p)  # d log p
    information = np.einsum("irk,rk,jrk->ij", logs, rows.n_spikes[:, None] * p, logs)
    return np.sum(rows.counts * logs, axis=(1, 2)), information


def _uphill(
    rows: CountedRows, law: FittedLaw, step: np.ndarray, best: float
) -> tuple[FittedLaw, float] | None:
    """The step, halved until the likelihood no longer falls by more than rounding; None where it always does."""
    for _ in range(MAX_HALVINGS):
        beta, depletion = law.beta + float(step[0]), law.depletion + float(step[1])
        if beta > 0 and -0.9 < depletion < LARGEST:
            tried = FittedLaw(beta=beta, depletion=depletion)
            reached = _log_likelihood(rows, tried)
            if reached >= best - 1e-12 * abs(best):
                return tried, reached
        step = step / 2
    return None
