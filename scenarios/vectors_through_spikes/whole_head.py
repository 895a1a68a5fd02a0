"""Random vectors through the whole spiking head, and through everything it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from scipy.special import softmax

from bridge.comparison.agreement import Comparison
from bridge.comparison.metrics import cosine
from bridge.comparison.sampling import multinomial_counts
from bridge.comparison.versus_softmax import compare_selection
from scenarios.workbench.tables import column
from spiking import HeadSelection, Selection
from spiking.measures.readout import share_against_time

__all__ = [
    *("Vectors", "WholeHead", "compared", "effective_spikes", "output_curve", "random_vectors"),
    *("relative_error", "scale"),
]

FIRST_ms = 50.0  # the curves start after two cycles
N_TIMES = 12
N_DRAWS = 40  # multinomial samples of each query, for the floor of a curve


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Queries, each with its keys and values, and what softmax attention makes of them."""

    query: np.ndarray  # (n_queries, d)
    key: np.ndarray  # (n_queries, n_keys, d)
    value: np.ndarray  # (n_queries, n_keys, d)
    temperature: float

    @property
    def inputs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Queries, keys and values."""
        return self.query, self.key, self.value

    @cached_property
    def scores(self) -> np.ndarray:
        """Scaled dot products, (n_queries, n_keys)."""
        return np.einsum("nd,nkd->nk", self.query, self.key) / np.sqrt(self.query.shape[1])

    @cached_property
    def weights(self) -> np.ndarray:
        """Their softmax, (n_queries, n_keys)."""
        return softmax(self.scores / self.temperature, axis=1)

    @cached_property
    def reference(self) -> np.ndarray:
        """Output of the softmax head, (n_queries, d)."""
        return np.einsum("nk,nkd->nd", self.weights, self.value)

    @property
    def equal(self) -> np.ndarray:
        """Output of a head that attends to every key alike, (n_queries, d)."""
        return self.value.mean(axis=1)

    @property
    def strongest(self) -> np.ndarray:
        """Output of a head that takes the best key alone, (n_queries, d)."""
        return self.value[np.arange(len(self.value)), self.weights.argmax(axis=1)]

    def output(self, weights: np.ndarray) -> np.ndarray:
        """Weighted mean of the values, (..., n_queries, n_keys) -> (..., n_queries, d)."""
        weights = weights / np.maximum(weights.sum(axis=-1, keepdims=True), np.finfo(float).tiny)
        return np.einsum("...nk,nkd->...nd", weights, self.value)


@dataclass(frozen=True, kw_only=True)
class WholeHead:
    """The whole head's answers, and those of its controls."""

    vectors: Vectors
    spiking: HeadSelection
    agreement: Comparison  # of the head's spike shares
    direct: Comparison  # of spike shares with the scores handed to the circuit
    curve: xr.Dataset  # of `output_curve`
    off: HeadSelection  # E to I cut, rate-matched
    mismatch: float  # relative error of the rate of `off`

    @property
    def typical(self) -> int:
        """The query whose final cosine is the median one."""
        final = self.curve.cosine.values[-1]
        return int(np.argsort(final)[len(final) // 2])


def random_vectors(
    n_queries: int, n_keys: int, d: int, temperature: float, rng: np.random.Generator
) -> Vectors:
    """Vectors of independent standard normal components."""
    query = rng.normal(size=(n_queries, d))
    key, value = rng.normal(size=(2, n_queries, n_keys, d))
    return Vectors(query=query, key=key, value=value, temperature=temperature)


def compared(selection: Selection, vectors: Vectors, rng: np.random.Generator) -> Comparison:
    """Spike shares against the softmax of the same scores."""
    return compare_selection(selection, vectors.scores, temperature=vectors.temperature, rng=rng)


def relative_error(output: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Length of the difference over the length of the reference, (..., d) -> (...)."""
    return np.linalg.norm(output - reference, axis=-1) / np.linalg.norm(reference, axis=-1)


def scale(output: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Least-squares factor between each output and its reference, (n_queries, d) -> (n_queries,)."""
    return (output * reference).sum(axis=-1) / (reference**2).sum(axis=-1)


def effective_spikes(n_spikes: np.ndarray, time_ms: float, tau_ms: float) -> np.ndarray:
    """Independent samples in the mean over `time_ms` of a trace of memory `tau_ms`, whole numbers.

    Spikes before the window reach into it and spikes near its end count only in part. The weight of a spike
    is the overlap of its exponential with the window, and (sum of weights)^2 / sum of squared weights is
    n / (1 - (tau / t) (1 - exp(-t / tau))) for spikes at an even rate.
    """
    ratio = tau_ms / time_ms
    return np.rint(n_spikes / (1 + ratio * np.expm1(-1 / ratio))).astype(np.int64)


def output_curve(
    head: HeadSelection, vectors: Vectors, tau_ms: float, rng: np.random.Generator
) -> xr.Dataset:
    """The readout's running mean at growing times against softmax attention's output.

    Its floors are those of exact samples, as many as there were spikes; next to it the outputs of a head
    that attends to all keys alike, and to the strongest alone.
    """
    edges_ms = np.unique(np.round(np.geomspace(FIRST_ms, head.selection.duration_ms, N_TIMES)))
    so_far = np.cumsum(head.trace, axis=2, dtype=float)
    output = np.stack([so_far[:, :, int(edge) - 1] / edge for edge in edges_ms])
    n_spikes = share_against_time(head.selection.spikes, edges_ms).n_spikes
    counted = [effective_spikes(n, edge, tau_ms) for edge, n in zip(edges_ms, n_spikes, strict=True)]
    floors = np.stack([_floor(vectors, n, rng) for n in counted], axis=1)  # (2, n_times, n_queries)
    data = {}
    for measure, label, of, floor in (
        ("cosine", "cosine to softmax attention", cosine, floors[0]),
        ("error", "relative error of the output", relative_error, floors[1]),
    ):
        data[measure] = column(("time", "query"), of(output, vectors.reference), label)
        data[f"{measure}_floor"] = column(("time", "query"), floor, f"{label}, exact samples")
        for control, reached in (("equal", vectors.equal), ("strongest", vectors.strongest)):
            data[f"{measure}_{control}"] = column(
                "query", of(reached, vectors.reference), f"{label}, {control}"
            )
    return xr.Dataset(data, {"time": column("time", edges_ms, "time", "ms")})


def _floor(vectors: Vectors, n_spikes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean cosine and relative error of exact samples, (2, n_queries)."""
    draws = multinomial_counts(vectors.weights, np.maximum(n_spikes, 1), rng, N_DRAWS)
    output = vectors.output(np.concatenate(list(draws)))
    return np.stack([f(output, vectors.reference).mean(axis=0) for f in (cosine, relative_error)])
