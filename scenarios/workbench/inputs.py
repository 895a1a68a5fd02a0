"""A user's own input, read and checked: scores, mask, queries with keys and values, text, choice of heads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.workbench.errors import UsageError

__all__ = ["Qkv", "load_mask", "load_qkv", "load_scores", "load_text"]


@dataclass(frozen=True, kw_only=True)
class Qkv:
    """Queries, keys and values of one head."""

    query: np.ndarray  # (n_queries, dim) float64
    key: np.ndarray  # (n_keys, dim) float64
    value: np.ndarray  # (n_keys, value_dim) float64


def load_scores(path: str | Path) -> np.ndarray:
    """Scores from a ``.npy`` file, one row a competition.

    Returns
    -------
    ndarray, (n_rows, n_keys) float64

    Raises
    ------
    UsageError
        If the file is absent, not an array, pickled, not 2-D, empty, or holds NaN or infinite values.
    """
    scores = _load(path)
    if isinstance(scores, np.lib.npyio.NpzFile):
        raise UsageError(
            f"scores must be one array, got an archive of several in {path}; save it with numpy.save"
        )
    return _matrix(scores, "scores", path, "(rows, keys)")


def load_mask(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """A mask from a ``.npy`` file: True where the key takes part.

    Parameters
    ----------
    path : path
    shape : tuple of int
        Shape of the scores that it masks.

    Returns
    -------
    ndarray, `shape`, bool

    Raises
    ------
    UsageError
        If the file is not a boolean array of that shape, or masks every key of a row.
    """
    mask = _load(path)
    if isinstance(mask, np.lib.npyio.NpzFile) or mask.dtype != bool:
        raise UsageError(
            f"mask must be one array of bool, got something else in {path}; save scores > -inf, say"
        )
    if mask.shape != shape:
        raise UsageError(
            f"mask must have the shape of the scores, {shape}, got {mask.shape} in {path}; save one of that shape"
        )
    empty = np.flatnonzero(~mask.any(axis=-1))
    if len(empty):
        raise UsageError(
            f"mask must leave every row a key, got none in row {empty[0]} of {path}; drop that row"
        )
    return mask


def load_qkv(path: str | Path) -> Qkv:
    """Queries, keys and values from an ``.npz`` file with the arrays ``query``, ``key`` and ``value``.

    Raises
    ------
    UsageError
        If the file is absent, not such an archive, pickled, or its shapes do not fit one another.
    """
    archive = _load(path)
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise UsageError(
            f"qkv must be an archive of query, key and value, got one array in {path}; use numpy.savez"
        )
    missing = [name for name in ("query", "key", "value") if name not in archive.files]
    if missing:
        names = ", ".join(archive.files)
        raise UsageError(
            f"qkv must hold query, key and value, got no {missing[0]} in {path}; it holds: {names or 'nothing'}"
        )
    with archive:
        query, key, value = (
            _matrix(_member(archive, name, path), name, path, "(length, dim)")
            for name in ("query", "key", "value")
        )
    if query.shape[1] != key.shape[1]:
        raise UsageError(
            f"query and key must have the same dim, got {query.shape[1]} and {key.shape[1]} in {path}; match them"
        )
    if len(key) != len(value):
        raise UsageError(
            f"key and value must have the same length, got {len(key)} and {len(value)} in {path}; match them"
        )
    return Qkv(query=query, key=key, value=value)


def load_text(path: str | Path) -> str:
    """The text of a UTF-8 file, without the white space around it.

    Raises
    ------
    UsageError
        If the file is absent, not UTF-8, or holds no text.
    """
    try:
        text = _existing(path).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"text must be UTF-8, got other bytes in {path}; convert the file") from error
    if not text:
        raise UsageError(f"text must not be empty, got no visible character in {path}; write some")
    return text


def _existing(path: str | Path) -> Path:
    if not str(path).strip() or not Path(path).is_file():
        raise UsageError(f"file must exist, got {str(path) or 'an empty path'}; check its path")
    return Path(path)


def _load(path: str | Path) -> Any:
    existing = _existing(path)
    try:
        return np.load(existing, allow_pickle=False)
    except OSError as error:
        raise UsageError(
            f"file must be readable, got {path} ({error.strerror or error}); check it"
        ) from error
    except Exception as error:  # a damaged header or archive raises whatever its reader met
        raise UsageError(
            f"file must be a NumPy array, not pickled, got something else in {path}; "
            "save plain numbers with numpy.save"
        ) from error


def _member(archive: Any, name: str, path: str | Path) -> np.ndarray:
    try:
        return np.asarray(archive[name])
    except Exception as error:  # a bad checksum, an unknown compression, a password, a part missing, a pickle
        raise UsageError(
            f"{name} must be a whole array of numbers, got something else in {path} ({_brief(error)}); "
            "save it again with numpy.savez"
        ) from error


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:90] or type(error).__name__


def _matrix(array: np.ndarray, name: str, path: str | Path, axes: str) -> np.ndarray:
    """The array as float64, if it is a finite and non-empty matrix."""
    if array.dtype.kind not in "iuf":
        raise UsageError(
            f"{name} must be real numbers, got dtype {array.dtype} in {path}; save an array of floats"
        )
    if array.ndim != 2:
        raise UsageError(f"{name} must be 2-D {axes}, got {array.ndim}-D {array.shape} in {path}; reshape it")
    if 0 in array.shape:
        raise UsageError(
            f"{name} must not be empty, got shape {array.shape} in {path}; give at least one row and key"
        )
    values = array.astype(np.float64)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where, value = tuple(int(i) for i in bad[0]), values[tuple(bad[0])]
        raise UsageError(
            f"{name} must be finite, got {value} at {where} in {path}; leave keys out with a mask"
        )
    return values
