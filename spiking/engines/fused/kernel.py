"""A program as compiled code: the kernel's source goes to a file, numba compiles it once per machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np

from spiking.engines.fused.parts import Program
from spiking.engines.fused.source import Source, write_source
from spiking.refs import Ref

__all__ = ["Kernel", "compile_program"]

_IMPORTED = re.compile(r"^from (spiking\.\S+) import", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """Compiled code of one row's circuit, with the constants it runs on."""

    program: Program
    source: Source
    run: Callable[..., None]
    real: np.dtype[Any]
    floats: np.ndarray
    doubles: np.ndarray
    ints: np.ndarray  # int64
    tables: dict[str, np.ndarray]  # argument -> (n_times, n_columns)

    @cached_property
    def reads(self) -> frozenset[Ref]:
        """The variables whose first values rows bring with them."""
        unstepped = {ref for part in self.program.unstepped for ref in part.held}
        brought = {*self.source.arrays, *self.source.lists, *self.program.scalars}
        return frozenset((brought - self.program.begins.keys()) | unstepped)


def compile_program(
    program: Program, *, record: Sequence[str], sample: Sequence[Ref], precision: str, lead: bool = False
) -> Kernel:
    """Compile a program, or take it from the cache.

    Parameters are those of `spiking.engines.fused.source.write_source`. Circuits that differ only in numbers share
    their compiled code.
    """
    source = write_source(program, record=record, sample=sample, precision=precision, lead=lead)
    return Kernel(
        program=program,
        source=source,
        run=_module(source.text).kernel,
        real=np.dtype(precision),
        floats=np.array(source.floats, dtype=precision),
        doubles=np.array(source.doubles, dtype=np.float64),
        ints=np.array(source.ints, dtype=np.int64),
        tables={
            f"table__{name}": np.ascontiguousarray(table.values, dtype=precision)
            for name, table in program.tables.items()
        },
    )


@cache
def _module(text: str) -> ModuleType:
    """The kernel as a module; numba keeps its machine code in the same folder."""
    parts = "".join(_source_of(module) for module in _IMPORTED.findall(text))
    digest = hashlib.sha256((text + parts + numba.__version__).encode()).hexdigest()[:16]
    path = _folder() / f"circuit_{digest}.py"
    if not path.exists():  # written whole or not at all: several processes may come here at once
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    spec = importlib.util.spec_from_file_location(f"fortyhertz_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where numba looks for it when it loads machine code
    spec.loader.exec_module(module)
    return module


@cache
def _source_of(module: str) -> str:
    """The text of a module that kernels import: numba does not see when it changes."""
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).read_text(encoding="utf-8")


@cache
def _folder() -> Path:
    """The user's cache, or a temporary folder where that cannot be written."""
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache_home) / "fortyhertz" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="fortyhertz-kernels-"))
