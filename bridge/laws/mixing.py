"""How much each of several score vectors drives one selection: a softmax of their weighted sum, fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.laws.counted import CountedRows, as_numpy, pearson_dispersion
from pragmatic import formulas

__all__ = ["Mixture", "fit_mixture"]

STEPS = 30
TOLERANCE = 1e-9  # of the step
RIDGE = 1e-9  # of the information's mean diagonal, where two score vectors are equal


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """weights = softmax(sum_f coefficient_f x scores_f), fitted."""

    coefficients: np.ndarray  # (n_vectors,)
    errors: np.ndarray  # (n_vectors,) with the spread of counts beyond the multinomial's
    dispersion: float


def fit_mixture(counts: object, scores: object, mask: object = None) -> Mixture:
    """Fit the coefficients to spike counts by maximum likelihood.

    Parameters
    ----------
    counts : (n_rows, n_keys) array
    scores : (n_vectors, n_rows, n_keys) array
    mask : (n_rows, n_keys) bool array, optional
        True where a key takes part.

    Returns
    -------
    Mixture

    Raises
    ------
    ValueError
        For scores of another shape, and as `CountedRows.of`.

    Notes
    -----
    The log-likelihood is concave, so Newton's method finds its one maximum: a multinomial logit, McCullagh and
    Nelder (1989), Generalized linear models, section 5.4; errors as their section 9.2.
    """
    vectors = np.asarray(as_numpy("scores", scores), dtype=float)
    shape = as_numpy("counts", counts).shape
    if vectors.ndim != 3 or vectors.shape[1:] != shape:
        raise ValueError(
            f"scores must be (n_vectors, *{shape}), as many rows and keys as counts, got {vectors.shape}; give "
            "every vector a score for each count."
        )
    rows = CountedRows.of(counts, vectors[0], mask)
    others = np.stack([CountedRows.of(counts, vector, mask).scores for vector in vectors])
    coefficients = np.zeros(len(vectors))
    for _ in range(STEPS):
        slope, information, _ = _slope(coefficients, others, rows)
        step = np.linalg.solve(information, slope)
        coefficients = coefficients + step / max(1.0, np.abs(step).max())
        if np.abs(step).max() < TOLERANCE:
            break
    _, information, weights = _slope(coefficients, others, rows)
    dispersion = pearson_dispersion(rows, weights, len(vectors))
    errors = np.sqrt(np.diag(np.linalg.inv(information)) * dispersion)
    return Mixture(coefficients=coefficients, errors=errors, dispersion=dispersion)


def _slope(
    coefficients: np.ndarray, vectors: np.ndarray, rows: CountedRows
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope and information of the log-likelihood, and the weights (n_rows, n_keys)."""
    mixed = np.tensordot(coefficients, vectors, axes=1)
    weights = formulas.softmax(np.where(rows.mask, mixed, -np.inf))
    mean = (weights * vectors).sum(axis=2, keepdims=True)  # (n_vectors, n_rows, 1)
    apart = np.where(rows.mask, vectors - mean, 0.0)
    slope = (rows.counts * apart).sum(axis=(1, 2))
    information = np.einsum("r,rk,frk,grk->fg", rows.n_spikes, weights, apart, apart)
    information += RIDGE * np.trace(information) / len(information) * np.eye(len(information))
    return slope, information, weights
