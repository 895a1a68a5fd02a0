"""Scores relative to their row, against the same written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from spiking.relative import relative_scores

RNG = np.random.default_rng(0)
SCORES = RNG.normal(0.0, 3.0, (40, 9))
PRESENT = RNG.random((40, 9)) < 0.6
PRESENT[:, 2] = True


@pytest.mark.parametrize("present", [PRESENT, np.ones_like(PRESENT)], ids=["masked", "whole"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reference", ["max", "mean", "none"])
def test_the_reference_is_that_of_the_keys_that_take_part(
    reference: str, dtype: type[np.floating], present: np.ndarray
) -> None:
    scores = SCORES.astype(dtype)
    known = np.where(present, scores.astype(np.float64), np.nan)
    base = {"max": np.nanmax, "mean": np.nanmean, "none": lambda x, axis, keepdims: 0.0}[reference]
    expected = np.where(present, 1.7 * (known - base(known, axis=1, keepdims=True)), 0.0)
    result = relative_scores(scores, present, 1.7, reference)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected.astype(dtype), rtol=1e-6, atol=1e-6)
