"""Bounds on parameters and inputs; every message names the field, the rule, the value and the remedy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Integral, Real

import numpy as np

from spiking.passes import faults

__all__ = [
    "check_mask",
    "check_scores",
    "check_signal",
    "check_streams",
    "check_vectors",
    "known",
    "positive",
    "positive_int",
    "positive_within",
    "within",
]


def positive(owner: str, field: str, value: object, *, remedy: str = "use a positive number") -> None:
    """Raise unless `value` is a finite number > 0."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a number, got {value!r}; {remedy}.")
    if not (math.isfinite(value) and float(value) > 0):
        raise ValueError(f"{owner}.{field} must be > 0, got {value}; {remedy}.")


def positive_within(owner: str, field: str, value: object, low: float, high: float) -> None:
    """Raise unless `value` is a number > 0 in [low, high]: beyond it a circuit means nothing, or overflows."""
    positive(owner, field, value, remedy=f"use one in [{low:g}, {high:g}]")
    within(owner, field, value, low, high)


def positive_int(owner: str, field: str, value: object) -> None:
    """Raise unless `value` is a whole number >= 1."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a whole number, got {value!r}; use 1 or more.")
    if value < 1:
        raise ValueError(f"{owner}.{field} must be >= 1, got {value}; use 1 or more.")


def within(owner: str, field: str, value: object, low: float, high: float) -> None:
    """Raise unless `value` is a finite number in [low, high]."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a number, got {value!r}; use one in [{low:g}, {high:g}].")
    if not low <= float(value) <= high:
        raise ValueError(f"{owner}.{field} must lie in [{low:g}, {high:g}], got {value}; use a value inside.")


def known(field: str, name: object, names: Iterable[str]) -> None:
    """Raise unless `name` is one of `names`; the message lists them and guesses which was meant."""
    names = list(names)
    if name in names:
        return
    near = get_close_matches(str(name), names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{field} must be one of {', '.join(names)}; got {name!r}.{guess}")


def check_scores(scores: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Scores as an array of shape (n_rows >= 1, n_keys >= 1): float32 stays so, all else becomes float64."""
    try:
        single = getattr(scores, "dtype", None) == np.float32
        scores = np.asarray(scores, dtype=np.float32 if single else np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"scores must be an array of numbers (rows, keys), got {type(scores).__name__}; "
            "pass a rectangular array and mark absent keys with mask."
        ) from None
    if scores.ndim != 2:
        raise ValueError(
            f"scores must be 2-D (rows, keys), got shape {scores.shape}; reshape to one row per query."
        )
    if scores.shape[0] == 0 or scores.shape[1] == 0:
        what = "row" if scores.shape[0] == 0 else "key"
        raise ValueError(f"scores must have at least one {what}, got shape {scores.shape}; add one.")
    return scores


def check_mask(scores: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """The mask as booleans of the scores' shape, True where a key takes part; every row keeps one key.

    Scores need only be finite where the mask lets them in: a masked score may be -inf.
    """
    if mask is None:
        present = np.ones(scores.shape, dtype=bool)
    else:
        present = np.asarray(mask)
        if present.dtype != np.bool_:
            raise TypeError(
                f"mask must be boolean (True takes part), got dtype {present.dtype}; "
                "convert with mask.astype(bool)."
            )
        if present.shape != scores.shape:
            raise ValueError(
                f"mask must have the shape of scores {scores.shape}, got {present.shape}; "
                "broadcast it with np.broadcast_to."
            )
    n_bad, n_empty = faults(scores, present)
    if n_empty:
        raise ValueError(
            f"mask must leave at least one key in every row, got none in row "
            f"{np.argmin(present.any(axis=1))}; drop that row."
        )
    if n_bad:
        row, key = np.argwhere(~np.isfinite(scores) & present)[0]
        raise ValueError(
            f"scores must be finite, got {scores[row, key]} at row {row}, key {key}; "
            "mask that key or mend the score."
        )
    return present


def check_streams(streams: np.ndarray | None, n_rows: int) -> np.ndarray | None:
    """Numbers of random streams, one for each row, as uint64."""
    if streams is None:
        return None
    streams = np.asarray(streams)
    if not np.issubdtype(streams.dtype, np.integer):
        raise TypeError(f"streams must be integers, got dtype {streams.dtype}; use np.arange(n_rows).")
    if streams.shape != (n_rows,):
        raise ValueError(
            f"streams must be one number per row, shape ({n_rows},), got {streams.shape}; use np.arange(n_rows)."
        )
    if streams.min() < 0:
        raise ValueError(f"streams must be >= 0, got {streams.min()}; use np.arange(n_rows).")
    return streams.astype(np.uint64)


def check_vectors(
    query: np.ndarray, key: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finite vectors as (n_queries, d), (n_queries, n_keys, d), (n_queries, n_keys, d_value) float64."""
    query, key, value = (np.asarray(a, dtype=np.float64) for a in (query, key, value))
    if query.ndim != 2:
        raise ValueError(f"query must be 2-D (queries, d), got shape {query.shape}; reshape it.")
    for name, array in (("key", key), ("value", value)):
        if array.ndim not in (2, 3):
            raise ValueError(
                f"{name} must be (keys, d) or (queries, keys, d), got shape {array.shape}; reshape it."
            )
    key, value = (np.broadcast_to(a, (len(query), *a.shape[-2:])) for a in (key, value))
    if key.shape[2] != query.shape[1]:
        raise ValueError(
            f"key must have the query's dimension {query.shape[1]}, got {key.shape[2]}; match them."
        )
    if value.shape[1] != key.shape[1]:
        raise ValueError(
            f"value must have one vector per key ({key.shape[1]}), got {value.shape[1]}; match them."
        )
    for name, array in (("query", query), ("key", key), ("value", value)):
        if array.size == 0:
            raise ValueError(f"{name} must not be empty, got shape {array.shape}; give at least one.")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}; mend it.")
    return query, key, value


def check_signal(name: str, values: np.ndarray, dt_ms: float) -> np.ndarray:
    """A signal of each row, (n_rows, n_samples), and its sampling step."""
    values = np.asarray(values)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(
            f"{name} must be of shape (n_rows, n_samples >= 2), got {values.shape}; add the axis"
        )
    if not dt_ms > 0:
        raise ValueError(f"dt_ms must be > 0, got {dt_ms}; use the sampling step in ms, such as 1.0")
    return values
