"""Bounds on parameters and inputs; every message names the field, the rule, the value and the remedy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Integral, Real

import numpy as np

from spiking.passes import faults

__all__ = [
    "MOST",
    "as_float",
    "check_circuit",
    "check_kind",
    "check_mask",
    "check_progress",
    "check_rng",
    "check_scores",
    "check_seed",
    "check_signal",
    "check_streams",
    "check_vectors",
    "known",
    "plain_array",
    "positive",
    "positive_int",
    "positive_within",
    "real_array",
    "shown",
    "within",
]

MOST = 2**31 - 1  # of whole numbers: what every array and every compiled kernel can count to


def shown(value: object) -> str:
    """A value for a message: in one short line, a tensor or an array by its shape."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    if isinstance(value, Integral) and abs(int(value)) > 10**30:
        return f"a whole number of {int(value).bit_length()} bits"
    text = " ".join(repr(value).split())
    if " object at 0x" in text or " at 0x" in text:
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def as_float(value: Real) -> float:
    """The number as a float, inf where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def positive(owner: str, field: str, value: object, *, remedy: str = "use a positive number") -> None:
    """Raise unless `value` is a finite number > 0."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a number, got {shown(value)}; {remedy}.")
    if not 0 < as_float(value) < math.inf:
        raise ValueError(f"{owner}.{field} must be > 0, got {shown(value)}; {remedy}.")


def positive_within(owner: str, field: str, value: object, low: float, high: float) -> None:
    """Raise unless `value` is a number > 0 in [low, high]: beyond it a circuit means nothing, or overflows."""
    low, high = float(low), float(high)
    positive(owner, field, value, remedy=f"use one in [{low:g}, {high:g}]")
    within(owner, field, value, low, high)


def positive_int(owner: str, field: str, value: object, most: int = MOST) -> None:
    """Raise unless `value` is a whole number from 1 to `most`."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{owner}.{field} must be a whole number, got {shown(value)}; use 1 or more.")
    if value < 1:
        raise ValueError(f"{owner}.{field} must be >= 1, got {shown(value)}; use 1 or more.")
    if int(value) > most:
        raise ValueError(f"{owner}.{field} must be <= {most}, got {shown(value)}; use less.")


def within(owner: str, field: str, value: object, low: float, high: float) -> None:
    """Raise unless `value` is a finite number in [low, high]."""
    low, high = float(low), float(high)
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(
            f"{owner}.{field} must be a number, got {shown(value)}; use one in [{low:g}, {high:g}]."
        )
    if not low <= as_float(value) <= high:
        raise ValueError(
            f"{owner}.{field} must lie in [{low:g}, {high:g}], got {shown(value)}; use a value inside."
        )


def known(field: str, name: object, names: Iterable[str]) -> None:
    """Raise unless `name` is one of `names`; the message lists them and guesses which was meant."""
    names = list(names)
    if isinstance(name, str) and name in names:
        return
    near = get_close_matches(name, names, n=1) if isinstance(name, str) else []
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{field} must be one of {', '.join(names)}; got {shown(name)}.{guess}")


def check_kind(field: str, value: object, kind: type, remedy: str) -> None:
    """Raise unless `value` is an instance of `kind`; of a class that was not called the message says so."""
    if not isinstance(value, kind):
        got = f"the class {value.__name__}" if isinstance(value, type) else shown(value)
        raise TypeError(f"{field} must be a {kind.__name__}, got {got}; {remedy}.")


def check_circuit(circuit: object) -> None:
    """Raise unless `circuit` attends, and has a temperature."""
    if isinstance(circuit, type) or not callable(getattr(circuit, "attend", None)):
        raise TypeError(
            f"circuit must be a RowCircuit, got {shown(circuit)}; "
            "write a subclass with build(), or use GammaCircuit()."
        )
    if not isinstance(getattr(circuit, "temperature", None), Real):
        raise TypeError(
            f"{type(circuit).__name__} must have a temperature, got none; derive the class from spiking.RowCircuit."
        )


def check_rng(rng: object) -> None:
    """Raise unless `rng` is a generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator, got {shown(rng)}; use np.random.default_rng(0)."
        )


def check_seed(field: str, seed: object) -> None:
    """Raise unless `seed` is a whole number in [0, 2**63)."""
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        raise TypeError(f"{field} must be a whole number, got {shown(seed)}; use for example 0.")
    if not 0 <= int(seed) < 2**63:
        raise ValueError(f"{field} must lie in [0, 2**63), got {shown(seed)}; use for example 0.")


def check_progress(progress: object) -> None:
    """Raise unless `progress` can be called, or is None."""
    if progress is not None and not callable(progress):
        raise TypeError(
            f"progress must be callable, got {shown(progress)}; give a function of the fraction done."
        )


def plain_array(name: str, values: object) -> np.ndarray:
    """What is given as an array, unless that would lose a part of it or makes no array."""
    if np.ma.is_masked(values):
        raise TypeError(
            f"{name} must be a plain array, got a masked one; fill it, and pass mask=, True where a key takes part."
        )
    try:
        return np.asarray(values)
    except Exception as error:  # whatever an array-like raises, a tensor with a gradient among them
        raise TypeError(
            f"{name} must be an array of numbers, got {type(values).__name__} ({_brief(error)}); "
            "pass a rectangular array in memory."
        ) from None


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:90]


def real_array(name: str, values: object, axes: str = "") -> np.ndarray:
    """Real numbers as an array of any shape: float32 stays so, all else becomes float64."""
    array = plain_array(name, values)
    if array.dtype == np.float32:
        return array
    what = f"must be an array of numbers{f' {axes}' if axes else ''}, got"
    if array.dtype.kind not in "iufO" or values is None:
        got = f"dtype {array.dtype}" if array.dtype.kind in "bcMmV" else type(values).__name__
        raise TypeError(f"{name} {what} {got}; pass a rectangular array of real numbers.")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            f"{name} {what} {type(values).__name__}; pass a rectangular array of real numbers."
        ) from None


def check_scores(scores: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Scores as an array of shape (n_rows >= 1, n_keys >= 1): float32 stays so, all else becomes float64."""
    scores = real_array("scores", scores, "(rows, keys)")
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
        present = plain_array("mask", mask)
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
    query, key, value = (
        real_array(name, a).astype(np.float64, copy=False)
        for name, a in (("query", query), ("key", key), ("value", value))
    )
    if query.ndim != 2:
        raise ValueError(f"query must be 2-D (queries, d), got shape {query.shape}; reshape it.")
    for name, array in (("key", key), ("value", value)):
        if array.ndim not in (2, 3):
            raise ValueError(
                f"{name} must be (keys, d) or (queries, keys, d), got shape {array.shape}; reshape it."
            )
        if array.ndim == 3 and len(array) != len(query):
            raise ValueError(
                f"{name} must have an entry for each of {len(query)} queries, got shape {array.shape}; match them."
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
