"""Spike counts with the scores that caused them, checked, without the rows that carry no information."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spiking.checks import check_mask, check_scores, plain_array, real_array
from spiking.fill import taking_part

__all__ = ["CountedRows", "as_numpy", "pearson_dispersion"]

LARGEST = 2.0**53  # of counts


@dataclass(frozen=True, kw_only=True)
class CountedRows:
    """Rows with at least one spike and two keys; counts and scores are 0 where a key is masked."""

    counts: np.ndarray  # (n_rows, n_keys) float64
    scores: np.ndarray  # (n_rows, n_keys) float64
    mask: np.ndarray  # (n_rows, n_keys) bool
    n_silent: int  # rows left out because they hold no spike
    n_single: int  # rows left out because one key alone takes part: it gets every spike under any law

    @classmethod
    def of(cls, counts: object, scores: object, mask: object = None) -> CountedRows:
        """Check counts and scores, and keep the rows that carry information.

        Parameters
        ----------
        counts : (n_rows, n_keys) array or tensor
            Spikes per key, whole numbers.
        scores : (n_rows, n_keys) array or tensor
        mask : (n_rows, n_keys) bool array or tensor, optional
            True where a key takes part. A fill value such as -1e9 masks its key too, with a warning.

        Raises
        ------
        ValueError, TypeError
            For arrays that do not belong together, counts that are no counts, spikes on a masked key.
        """
        scores = check_scores(as_numpy("scores", scores))
        allowed = check_mask(scores, None if mask is None else as_numpy("mask", mask))
        spikes = _check_counts(real_array("counts", as_numpy("counts", counts)), allowed)
        present = taking_part(scores, allowed, counts=spikes)
        silent = spikes.sum(axis=1) == 0
        single = (present.sum(axis=1) == 1) & ~silent
        kept = ~(silent | single)
        return cls(
            counts=spikes[kept],
            scores=np.where(present, scores, 0.0)[kept],
            mask=present[kept],
            n_silent=int(silent.sum()),
            n_single=int(single.sum()),
        )

    @property
    def n_spikes(self) -> np.ndarray:
        """Spikes per row, shape (n_rows,)."""
        return self.counts.sum(axis=1)

    def __len__(self) -> int:
        return len(self.counts)

    def take(self, rows: np.ndarray) -> CountedRows:
        """Some of the rows, by index or boolean mask."""
        return replace(self, counts=self.counts[rows], scores=self.scores[rows], mask=self.mask[rows])


def as_numpy(name: str, array: object) -> np.ndarray:
    """An array or a tensor (detached, on the CPU) as a numpy array, whole."""
    if hasattr(array, "detach") and not getattr(array, "is_meta", False):
        array = array.detach().cpu()
    return plain_array(name, array)


def pearson_dispersion(rows: CountedRows, weights: np.ndarray, n_parameters: int) -> float:
    """Pearson's chi-square of the counts against a law, per degree of freedom.

    1 for multinomial counts, less for more regular spikes, more for bursts, and for a law that does not fit:
    the measure cannot tell the last two apart. Cells that expect less than one spike are pooled within their
    row (Cochran 1954, Biometrics 10:417), which leaves the counts multinomial.

    Parameters
    ----------
    rows : CountedRows
    weights : (n_rows, n_keys) array
        The law's probabilities, 0 where masked.
    n_parameters : int
        Fitted parameters, which cost a degree of freedom each.

    Returns
    -------
    float
        McCullagh and Nelder (1989), Generalized linear models, section 5.5; nan without degrees of freedom.
    """
    expected = rows.n_spikes[:, None] * weights
    common = expected >= 1.0
    rare_expected = np.where(common, 0.0, expected).sum(axis=1)
    rare_observed = np.where(common, 0.0, rows.counts).sum(axis=1)
    alone = rare_expected >= 1.0  # the pooled cell stands by itself, otherwise it joins the largest one
    largest = np.arange(len(rows)), np.argmax(expected, axis=1)
    observed = rows.counts.copy()
    expected[largest] += np.where(alone, 0.0, rare_expected)
    observed[largest] += np.where(alone, 0.0, rare_observed)
    chi2 = np.sum((observed - expected)[common] ** 2 / expected[common])
    chi2 += np.sum((rare_observed - rare_expected)[alone] ** 2 / rare_expected[alone])
    freedom = common.sum() - len(rows) + alone.sum() - n_parameters
    return float(chi2 / freedom) if freedom > 0 else float("nan")


def _check_counts(counts: np.ndarray, present: np.ndarray) -> np.ndarray:
    if counts.shape != present.shape:
        raise ValueError(
            f"counts must have the shape of scores {present.shape}, got {counts.shape}; "
            "pass the counts of the same rows and keys."
        )
    counts = counts.astype(np.float64)
    bad = ~(np.isfinite(counts) & (counts >= 0) & (counts == np.round(counts)))
    if bad.any():
        raise ValueError(
            f"counts must be whole numbers >= 0, got {counts[bad][0]}; pass spike counts, not weights."
        )
    if counts.max(initial=0.0) > LARGEST:
        raise ValueError(
            f"counts must be at most 2**53, which floating-point numbers count exactly, got {counts.max():.3g}; "
            "pass spike counts."
        )
    stray = np.argwhere(~present & (counts > 0))
    if len(stray):
        row, key = stray[0]
        raise ValueError(
            f"counts must be 0 where mask is False, got {counts[row, key]:.0f} at row {row}, key {key}; "
            "pass the mask that the circuit had."
        )
    return counts
