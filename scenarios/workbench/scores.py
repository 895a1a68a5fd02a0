"""Scores of models on held-out windows as variables of a dataset, and differences over the same windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from pragmatic.training.evaluation import SequenceScores
from scenarios.workbench.tables import Variables, columns

__all__ = ["paired_columns", "score_columns"]


def score_columns(dims: Sequence[str], scores: Any, prefix: str = "") -> Variables:
    """Give loss and accuracy of every window, ``loss`` and ``accuracy`` after the prefix.

    Parameters
    ----------
    dims : sequence of str
        Of the scores; ``window`` is added as the last.
    scores : nested lists of SequenceScores
        As deep as there are `dims`. Those with fewer windows than others are filled up with nan.
    prefix : str
    """
    n_windows = max(len(one.loss) for one in _flat(scores))
    return {
        **columns((*dims, "window"), "nat", **{f"{prefix}loss": _filled(scores, "loss", n_windows)}),
        **columns((*dims, "window"), **{f"{prefix}accuracy": _filled(scores, "accuracy", n_windows)}),
    }


def paired_columns(
    name: str, difference: xr.DataArray, label: str, unit: str = ""
) -> dict[str, xr.DataArray]:
    """Give the mean of a difference over windows, and ``name_se``, the standard error of that mean."""
    error = difference.std("window", ddof=1) / np.sqrt(difference.sizes["window"])
    about = {"units": unit or "1", "long_name": label}
    return {name: difference.mean("window").assign_attrs(about), f"{name}_se": error.assign_attrs(about)}


def _flat(scores: Any) -> list[SequenceScores]:
    return [scores] if isinstance(scores, SequenceScores) else [one for part in scores for one in _flat(part)]


def _filled(scores: Any, field: str, n_windows: int) -> np.ndarray:
    if not isinstance(scores, SequenceScores):
        return np.array([_filled(part, field, n_windows) for part in scores])
    values: np.ndarray = getattr(scores, field)
    return np.pad(values, (0, n_windows - len(values)), constant_values=np.nan)
