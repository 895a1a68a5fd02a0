"""Sparse value vectors: objects of a few features each, and a threshold that says which of them are seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from bridge.comparison.sampling import multinomial_counts
from spiking import HeadSelection

__all__ = ["Scene", "SparseObjects", "look_at", "scene"]

N_DRAWS = 40  # multinomial samples of each query, for the floor


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Objects of graded features that no other object has, under attention more or less focused.

    At every focus each object takes every rank once, so the queries are focus by rotation.
    """

    query: np.ndarray  # (n_focus, n_objects, d)
    key: np.ndarray  # (n_objects, d)
    value: np.ndarray  # (n_objects, n_objects * n_features): mostly zeros
    weights: np.ndarray  # (n_focus, n_objects, n_objects) softmax: focus, rotation, object
    strengths: np.ndarray  # (n_features,) of every object's features
    focus: np.ndarray  # (n_focus,) score of the most over the least attended object

    @property
    def inputs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Queries (n_focus * n_objects, d), keys and values."""
        return self.query.reshape(-1, self.query.shape[-1]), self.key, self.value

    def features(self, weights: np.ndarray) -> np.ndarray:
        """What a weighted mean of the values holds, (..., n_objects) -> (..., n_objects, n_features)."""
        return weights[..., None] * self.strengths

    def by_rank(self, values: np.ndarray) -> np.ndarray:
        """Objects (third axis) from most to least attended, in every query."""
        order = np.argsort(-self.weights, axis=2, kind="stable")
        order = order.reshape(*order.shape, *[1] * (values.ndim - 3))
        return np.take_along_axis(values, order, axis=2)


@dataclass(frozen=True, kw_only=True)
class SparseObjects:
    """What the output holds of each feature, arrays (n_focus, n_rotations, n_objects, n_features).

    A feature is seen when the output holds more of it than `threshold`: this step is ours, no neuron makes it.
    """

    scene: Scene
    threshold: float
    softmax: np.ndarray
    spiking: np.ndarray
    share: np.ndarray  # the values weighted by spike shares: the spiking output if it were divided
    sampled: np.ndarray  # (n_draws, ...): exact samples, as many as there were spikes

    def seen(self, features: np.ndarray) -> np.ndarray:
        """The threshold step, bool."""
        return features > self.threshold

    def agreement(self, features: np.ndarray) -> np.ndarray:
        """Fraction of features seen or unseen as under softmax, by query (..., n_focus * n_rotations)."""
        same = self.seen(features) == self.seen(self.softmax)
        return same.mean(axis=(-2, -1)).reshape(*features.shape[:-4], -1)

    def in_part(self, features: np.ndarray) -> np.ndarray:
        """Objects that stay visible without their weaker features, (..., n_objects) bool."""
        n_seen = self._n_seen(features)
        return (n_seen > 0) & (n_seen < len(self.scene.strengths))

    def appearance_agreement(self, features: np.ndarray) -> np.ndarray:
        """Fraction of objects that appear whole, in part or not at all as under softmax, by query as above."""
        whole = len(self.scene.strengths)
        ours, wanted = (
            np.sign(n_seen) + (n_seen == whole)  # 0 not at all, 1 in part, 2 whole
            for n_seen in (self._n_seen(features), self._n_seen(self.softmax))
        )
        return (ours == wanted).mean(axis=-1).reshape(*features.shape[:-4], -1)

    def _n_seen(self, features: np.ndarray) -> np.ndarray:
        return self.seen(features).sum(axis=-1)


def scene(
    n_objects: int,
    d: int,
    *,
    strengths: tuple[float, ...],
    focus: tuple[float, ...],
    temperature: float,
    rng: np.random.Generator,
) -> Scene:
    """Random keys, and the queries whose scores fall evenly from the first to the last object.

    The query comes from the scores by the keys' pseudo-inverse; with fewer components than objects it gives
    the nearest scores there are, and the weights are the softmax of those.
    """
    key = rng.normal(size=(n_objects, d))
    ramp = np.linspace(0.5, -0.5, n_objects)
    rotations = np.stack([np.roll(ramp, shift) for shift in range(n_objects)])
    wanted = np.multiply.outer(np.array(focus), rotations)  # (n_focus, n_rotations, n_objects)
    query = wanted @ np.linalg.pinv(key).T * np.sqrt(d)
    value = np.kron(np.eye(n_objects), np.array(strengths))
    return Scene(
        query=query,
        key=key,
        value=value,
        weights=softmax(query @ key.T / np.sqrt(d) / temperature, axis=2),
        strengths=np.array(strengths),
        focus=np.array(focus),
    )


def look_at(
    scene: Scene, attended: HeadSelection, threshold: float, rng: np.random.Generator
) -> SparseObjects:
    """Read the scene's features from the output of a head that attended to `scene.inputs`."""
    shape, counts = (*scene.weights.shape, len(scene.strengths)), attended.selection.counts
    n_spikes = np.maximum(counts.sum(axis=1), 1)
    draws = multinomial_counts(scene.weights.reshape(counts.shape), n_spikes, rng, N_DRAWS)
    sampled = scene.features(np.concatenate(list(draws)) / n_spikes[:, None])
    return SparseObjects(
        scene=scene,
        threshold=threshold,
        softmax=scene.features(scene.weights),
        spiking=attended.output.reshape(shape),
        share=scene.features(attended.selection.weights).reshape(shape),
        sampled=sampled.reshape(N_DRAWS, *shape),
    )
