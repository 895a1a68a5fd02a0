"""Spiking attention against softmax attention on the same input, every number with its sampling floor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from bridge.comparison.agreement import Comparison, MetricComparison
from bridge.comparison.sampling import check_draws
from bridge.comparison.scoring import score_selection
from bridge.laws.counted import as_numpy
from bridge.laws.softmax_fit import fit_softmax, softmax
from spiking import Budget, Engine, EventDriven, RowCircuit, Selection
from spiking.checks import (
    check_circuit,
    check_kind,
    check_mask,
    check_rng,
    check_scores,
    positive_within,
    real_array,
)
from spiking.params import TEMPERATURES

__all__ = ["Comparison", "MetricComparison", "compare", "compare_scores", "compare_selection"]


def compare(
    query: object,
    key: object,
    value: object,
    circuit: RowCircuit,
    *,
    duration_ms: float | None = None,
    rng: np.random.Generator,
    mask: object = None,
    temperature: float | None = None,
    engine: Engine = EventDriven(),
    budget: Budget | None = None,
    progress: Callable[[float], None] | None = None,
    n_draws: int = 50,
) -> Comparison:
    """Attend with spikes and with softmax, and measure how far apart they are.

    Parameters
    ----------
    query : (..., n_queries, d) array or tensor
    key : (..., n_keys, d) array or tensor
        Scores are query·key / sqrt(d); every query of every leading index is a row of one simulation.
    value : (..., n_keys, d_value) array or tensor
    circuit : RowCircuit
    duration_ms : float, optional
        Time that each row has; not with `budget`.
    rng : numpy.random.Generator
        Source of the simulation's and the floor's randomness.
    mask : bool array or tensor that broadcasts to (..., n_queries, n_keys), optional
        True where a key takes part.
    temperature : float, optional
        Of the softmax to compare with; the circuit's own when None.
    engine : Engine
    budget : Budget, optional
        How long rows run, in place of `duration_ms`.
    progress : callable, optional
        Called with the fraction of simulated time that is done.
    n_draws : int
        Multinomial samples of each row that make the floors.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError, TypeError
        For vectors, masks and temperatures that cannot be compared.
    """
    query, key, value = _vectors(query, key, value)
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(query.shape[-1])  # (..., n_queries, n_keys)
    return _compare(
        scores,
        circuit,
        value=value,
        duration_ms=duration_ms,
        rng=rng,
        mask=mask,
        temperature=temperature,
        engine=engine,
        budget=budget,
        progress=progress,
        n_draws=n_draws,
    )


def compare_scores(
    scores: object,
    circuit: RowCircuit,
    *,
    duration_ms: float | None = None,
    rng: np.random.Generator,
    mask: object = None,
    temperature: float | None = None,
    engine: Engine = EventDriven(),
    budget: Budget | None = None,
    progress: Callable[[float], None] | None = None,
    n_draws: int = 50,
) -> Comparison:
    """As `compare`, from scores (..., n_queries, n_keys) and without outputs."""
    return _compare(
        _numbers("scores", scores),
        circuit,
        value=None,
        duration_ms=duration_ms,
        rng=rng,
        mask=mask,
        temperature=temperature,
        engine=engine,
        budget=budget,
        progress=progress,
        n_draws=n_draws,
    )


def compare_selection(
    selection: Selection,
    scores: object,
    *,
    temperature: float,
    rng: np.random.Generator,
    value: object = None,
    n_draws: int = 50,
) -> Comparison:
    """As `compare`, for a simulation that has been run.

    Parameters
    ----------
    selection : Selection
        Its mask says which keys took part.
    scores : (..., n_queries, n_keys) array or tensor
        What the circuit was given, its leading dimensions flattened to the selection's rows.
    temperature : float
        Of the softmax to compare with.
    rng : numpy.random.Generator
        Draws the floors.
    value : (..., n_keys, d_value) array or tensor, optional
        With it, outputs are compared too.
    n_draws : int

    Returns
    -------
    Comparison
    """
    check_kind("selection", selection, Selection, "give what circuit.attend returns")
    check_rng(rng)
    positive_within("compare", "temperature", temperature, *TEMPERATURES)
    scores = _numbers("scores", scores)
    rows = check_scores(_as_rows(scores))
    if selection.counts.shape != rows.shape:
        raise ValueError(
            f"scores must have the selection's shape {selection.counts.shape} as rows, got {rows.shape}; "
            "pass the scores that the circuit was given."
        )
    check_draws(n_draws)
    mask = selection.mask
    check_mask(rows, mask)
    scaled = np.where(mask, rows, 0.0) / temperature
    weights = softmax(scaled, mask)
    attend_to = None
    if value is not None:
        values = _values(value, scores.shape)
        attend_to = partial(_output, value=values, shape=scores.shape[:-1])
    return Comparison(
        metrics=score_selection(selection, weights, attend_to=attend_to, rng=rng, n_draws=n_draws),
        fitted=fit_softmax(selection.counts, scaled, mask),
        temperature=float(temperature),
        selection=selection,
        weights=weights,
        output=None if attend_to is None else attend_to(selection.weights),
        reference=None if attend_to is None else attend_to(weights),
        shape=scores.shape[:-1],
    )


def _compare(
    scores: np.ndarray,
    circuit: RowCircuit,
    *,
    value: np.ndarray | None,
    duration_ms: float | None,
    rng: np.random.Generator,
    mask: object,
    temperature: float | None,
    engine: Engine,
    budget: Budget | None,
    progress: Callable[[float], None] | None,
    n_draws: int,
) -> Comparison:
    check_circuit(circuit)
    check_rng(rng)
    check_draws(n_draws)
    temperature = circuit.temperature if temperature is None else temperature
    positive_within("compare", "temperature", temperature, *TEMPERATURES)
    rows = check_scores(_as_rows(scores))
    present = check_mask(rows, None if mask is None else _mask_rows(as_numpy("mask", mask), scores.shape))
    simulation_rng, floor_rng = rng.spawn(2)
    selection = circuit.attend(
        rows,
        duration_ms=duration_ms,
        budget=budget,
        rng=simulation_rng,
        mask=present,
        engine=engine,
        progress=progress,
    )
    return compare_selection(
        selection, scores, temperature=temperature, rng=floor_rng, value=value, n_draws=n_draws
    )


def _output(weights: np.ndarray, *, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Weights (..., n_rows, n_keys) times values, (..., n_rows, d_value); `shape` is (..., n_queries)."""
    lead = weights.shape[:-2]
    output = weights.reshape(*lead, *shape, weights.shape[-1]) @ value
    return output.reshape(*lead, -1, value.shape[-1])


def _numbers(name: str, values: object) -> np.ndarray:
    return real_array(name, as_numpy(name, values)).astype(np.float64, copy=False)


def _values(value: object, shape: tuple[int, ...]) -> np.ndarray:
    """Values that scores of this shape can weigh, float64 and finite."""
    values = _numbers("value", value)
    if values.ndim < 2 or values.shape[-2] != shape[-1] or 0 in values.shape:
        raise ValueError(
            f"value must be (..., {shape[-1]} keys, dim), got shape {values.shape}; give one vector for each key."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"value must be finite, got {values[~np.isfinite(values)][0]}; mend it.")
    try:
        np.broadcast_shapes(values.shape[:-2], shape[:-2])
    except ValueError:
        raise ValueError(
            f"value must share the leading dimensions of scores {shape[:-2]}, got {values.shape[:-2]}; match them."
        ) from None
    return values


def _as_rows(scores: np.ndarray) -> np.ndarray:
    """Leading dimensions flattened; a single row stays 1-D, for `check_scores` to refuse."""
    return scores.reshape(-1, scores.shape[-1]) if scores.ndim > 2 and scores.size else scores


def _mask_rows(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return _as_rows(np.broadcast_to(mask, shape))
    except ValueError:
        raise ValueError(
            f"mask must broadcast to the scores' shape {shape}, got {mask.shape}; "
            "give it one entry for each query and key."
        ) from None


def _vectors(query: object, key: object, value: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finite float64 vectors whose shapes belong together."""
    q, k, v = (_numbers(name, a) for name, a in (("query", query), ("key", key), ("value", value)))
    for name, array in (("query", q), ("key", k), ("value", v)):
        if array.ndim < 2 or array.size == 0:
            raise ValueError(
                f"{name} must be (..., length, dim) with no dimension of 0, got {array.shape}; reshape it."
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}; mend it.")
    if k.shape[-1] != q.shape[-1]:
        raise ValueError(f"key must have the query's dim {q.shape[-1]}, got {k.shape[-1]}; match them.")
    if v.shape[-2] != k.shape[-2]:
        raise ValueError(
            f"value must have one vector per key ({k.shape[-2]}), got {v.shape[-2]}; match them."
        )
    try:
        lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    except ValueError:
        raise ValueError(
            f"query, key and value must share leading dimensions, got {q.shape[:-2]}, {k.shape[:-2]}, "
            f"{v.shape[:-2]}; match or broadcast them."
        ) from None
    return np.broadcast_to(q, (*lead, *q.shape[-2:])), k, v
