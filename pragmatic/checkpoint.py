"""Tensors and a description in one safetensors file, written atomically."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, no_grad

from pragmatic.checks import shown

__all__ = ["is_file", "put_tensors", "read_tensors", "write_tensors"]


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write aside, flush to disk, rename into place: a reader finds the old file or the new one, never a part.

    Parameters
    ----------
    path : path-like
        In a folder that exists.
    tensors : mapping of str to Tensor
    about : mapping
        What JSON can hold; kept in the file's header.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder of {path} must exist, got none; create it first")
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    header = {key: json.dumps(value) for key, value in about.items()}
    try:
        save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, partial, header)
        _flush(partial)
        os.replace(partial, path)
        _flush(path.parent)
    except (SafetensorError, OSError) as error:
        if (number := _errno(error)) is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def read_tensors(path: str | Path, about: Mapping[str, type]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Parameters
    ----------
    path : path-like
    about : mapping
        Keys that the description must have, and the types of what they hold, dict or str.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no safetensors file, or lacks one of these keys.
    """
    if not is_file(path):
        raise FileNotFoundError(
            f"checkpoint must be a file, got {str(path)!r}, which is none; check the path"
        )
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a mapping
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"checkpoint must be a whole safetensors file, got {path} ({error}); use one that this project wrote"
        ) from None
    missing = [key for key in about if key not in header]
    if missing:
        raise ValueError(
            f"checkpoint must say its {', '.join(missing)}, got {path}, which does not; "
            "use a file that this project wrote for this purpose"
        )
    described = {key: _described(key, value, path) for key, value in header.items()}
    for key, kind in about.items():
        if not isinstance(described[key], kind):
            form = "a text" if kind is str else "names and values"
            raise ValueError(
                f"checkpoint must describe its {key} by {form}, got {shown(described[key])} in {path}; "
                "use a file that this project wrote"
            )
    return tensors, described


def is_file(path: object) -> bool:
    """Whether `path` is that of a file; TypeError for what is no path, False for one that no file can have."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a text or a Path, got {shown(path)}; give the path of a file")
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def _described(key: str, text: str, path: str | Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(
            f"checkpoint must describe its {key} in JSON, got other text in {path}; "
            "use a file that this project wrote"
        ) from None


@no_grad()
def put_tensors(into: Mapping[str, Tensor], tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy tensors into those of the same names; ValueError unless names and shapes are the same."""
    odd = sorted(into.keys() ^ tensors.keys())
    if odd:
        raise ValueError(
            f"{source} must hold the model's tensors, got a difference in {', '.join(odd[:4])}; "
            "give the model the heads that it was saved with"
        )
    for name, tensor in into.items():
        if tensors[name].shape != tensor.shape:
            raise ValueError(
                f"{name} must have shape {tuple(tensor.shape)}, got {tuple(tensors[name].shape)} "
                f"in {source}; build the model with the file's parameters"
            )
    for name, tensor in into.items():
        tensor.copy_(tensors[name])


def _errno(error: Exception) -> int | None:
    """The number of an error of the system, such as that of a full disk; the library hides it in its message."""
    code = _OS_ERROR.search(str(error))
    return int(code[1]) if code else getattr(error, "errno", None)


_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
