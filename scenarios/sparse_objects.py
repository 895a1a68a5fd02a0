"""Sparse value vectors under falling attention: which features of an object does the output still hold?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spiking import VectorCircuit

__all__ = ["ATTENTION", "STRENGTHS", "SparseObjects", "sparse_objects"]

STRENGTHS = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2, 0.1)  # of an object's features, which no other object has
ATTENTION = (0.9, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)  # softmax weights of the object looked at
N_OBJECTS = 4


@dataclass(frozen=True, kw_only=True)
class SparseObjects:
    """What the output holds of one object's features."""

    attention: np.ndarray  # (n_levels,) softmax weight of the object
    output: np.ndarray  # (n_levels, n_repeats, n_features)

    @property
    def softmax_output(self) -> np.ndarray:
        """The same under softmax attention, (n_levels, n_features): weight times strength."""
        return self.attention[:, None] * np.array(STRENGTHS)

    def seen(self, threshold: float) -> np.ndarray:
        """The threshold step: features that the output holds more of than this, as `output`, bool."""
        return self.output > threshold

    def seen_by_softmax(self, threshold: float) -> np.ndarray:
        """The same under softmax attention, (n_levels, n_features) bool."""
        return self.softmax_output > threshold


def sparse_objects(
    circuit: VectorCircuit,
    *,
    n_repeats: int,
    duration_ms: float,
    rng: np.random.Generator,
    engine: str,
    progress: Callable[[float], None] | None,
) -> SparseObjects:
    """Look at one of four objects with falling attention; the other three share the rest.

    Key j is the unit vector j times sqrt(d), so that query component j is the score of object j: the log
    of the attention wanted, without its mean.
    """
    attention = np.array(ATTENTION)
    wanted = np.column_stack([attention, *[(1 - attention) / (N_OBJECTS - 1)] * (N_OBJECTS - 1)])
    scores = np.log(wanted) - np.log(wanted).mean(axis=1, keepdims=True)
    n_features = len(STRENGTHS)
    value = np.zeros((N_OBJECTS, N_OBJECTS * n_features))
    for j in range(N_OBJECTS):
        value[j, j * n_features : (j + 1) * n_features] = STRENGTHS
    attended = circuit.attend(
        np.repeat(scores, n_repeats, axis=0),
        np.eye(N_OBJECTS) * np.sqrt(N_OBJECTS),
        value,
        duration_ms=duration_ms,
        rng=rng,
        engine=engine,
        progress=progress,
    )
    of_the_object = attended.output[:, :n_features]
    return SparseObjects(
        attention=attention, output=of_the_object.reshape(len(attention), n_repeats, n_features)
    )
