"""Compiled functions, kept on disk for later processes; what lies there is verified before it runs.

Machine code that was changed or cut off crashes the process or changes its spikes, and numba's own cache runs
whatever it reads. Here a file counts only if it belongs to the user, can be written by nobody else, and has the
content that its hash says; else the function is compiled anew. The text of a kernel is never read back: its hash is
part of the file's name.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import secrets
import stat
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import njit
from numba.core import caching, compiler
from numba.core.dispatcher import Dispatcher
from numba.core.serialize import dumps

__all__ = ["compiled", "folder", "keep"]

_HASH = hashlib.sha256
_CONSTANTS = (bool, int, float, str, bytes, tuple, frozenset, np.generic)
_VERSIONS = (numba.__version__, llvmlite.__version__, platform.python_version())


def compiled(**options: Any) -> Callable[[Any], Any]:
    """Decorate a function as `numba.njit` with these options does, and keep its machine code on disk."""

    def decorate(function: Any) -> Any:
        return keep(njit(**options)(function), _text_of(function.__code__.co_filename))

    return decorate


def keep(function: Any, text: str) -> Any:
    """Keep the machine code of a function that `numba.njit` made; `text` is that of its module."""
    if isinstance(function, Dispatcher):  # it is none where numba is switched off
        function._cache = _Kept(function.py_func, text)  # type: ignore[attr-defined]
    return function


def folder() -> Path:
    """Where compiled code is kept: ``$XDG_CACHE_HOME/fortyhertz/compiled``, ``~/.cache/...`` if unset."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "fortyhertz" / "compiled"


class _Kept(caching._Cache):
    """The compiled versions of a function, each a file: the hash of name and content, then the content."""

    def __init__(self, function: Any, text: str) -> None:
        self._function, self._text = function, text
        self._enabled = True

    @property
    def cache_path(self) -> str:
        return str(folder())

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Nothing is held back, and files of other texts have other names."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled version for these types of arguments; None if it has to be compiled."""
        target_context.refresh()
        name = self._name(sig, target_context.codegen())
        content = _read(name) if self._enabled else None
        if content is None:
            return None
        return compiler.CompileResult._rebuild(target_context, *pickle.loads(content))

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled version, unless it holds addresses of this process."""
        if self._enabled and not data.library.has_dynamic_globals and not data.lifted:
            _write(self._name(sig, data.codegen), dumps(data._reduce()))

    def _name(self, sig: Any, codegen: Any) -> str:
        """What the machine code depends on, hashed."""
        parts = [*_VERSIONS, *codegen.magic_tuple(), str(sig), self._function.__qualname__, self._text]
        parts += _used(self._function, seen=set())
        joined = "\0".join(f"{len(str(part))} {part}" for part in parts)
        return f"{self._function.__name__}_{_HASH(joined.encode()).hexdigest()[:32]}.code"


def _used(function: Any, seen: set[str]) -> Iterator[str]:
    """The texts of functions that a function calls, theirs, and its constants: numba notices none of them."""
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        called = value.py_func if isinstance(value, Dispatcher) else getattr(value, "_defn", None)
        if called is not None:
            text = _text_of(called.__code__.co_filename)
            if f"{text}{name}" not in seen:
                seen.add(f"{text}{name}")
                yield text
                yield from _used(called, seen)
        elif isinstance(value, _CONSTANTS):
            yield f"{name} = {value!r}"
        elif isinstance(value, np.ndarray):
            yield f"{name} = {value.dtype} {value.shape} {value.tobytes()!r}"


@cache
def _text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _read(name: str) -> bytes | None:
    """The content of a file that passes every check; None otherwise."""
    try:
        if (refusal := _refusal(os.stat(folder()))) is not None:
            _say("folder", f"compiled code in {folder()} is not used: {refusal}")
            return None
        handle = os.open(folder() / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(handle, "rb") as file:
            refusal, content = _refusal(os.fstat(handle)), file.read()
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        _say("read", f"compiled code cannot be read ({error}); it is compiled anew")
        return None
    length = _HASH().digest_size
    if refusal is None and content[:length] != _HASH(name.encode() + content[length:]).digest():
        refusal = "its content is not what was written there"
    if refusal is not None:
        _say("file", f"{folder() / name} is not used and is compiled anew: {refusal}")
        return None
    return content[length:]


def _refusal(status: os.stat_result) -> str | None:
    """Why a file or folder cannot be trusted: it has to be the user's, and nobody else may write it."""
    if not hasattr(os, "geteuid"):
        return None
    if status.st_uid != os.geteuid():
        return f"it belongs to another user (number {status.st_uid}); remove it or set XDG_CACHE_HOME"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write it (mode {stat.S_IMODE(status.st_mode):o}); run: chmod go-w on it"
    return None


def _write(name: str, content: bytes) -> None:
    """Write aside and rename; where that fails, every process compiles for itself."""
    try:
        there = folder()
        there.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _refusal(os.stat(there)) is not None:
            return  # `_read` has said so
        part = there / f".{name}.{secrets.token_hex(4)}.part"
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "wb") as file:
                file.write(_HASH(name.encode() + content).digest() + content)
            os.replace(part, there / name)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        _say("write", f"compiled code cannot be kept ({error}); every process compiles for itself")


def _say(kind: str, message: str) -> None:
    """Warn, once of each kind: of a damaged cache many files may be damaged."""
    if kind not in _said:
        _said.add(kind)
        warnings.warn(message, stacklevel=2)


_said: set[str] = set()
