"""A program as compiled code: numba compiles the kernel's text once per machine."""

from __future__ import annotations

import hashlib
import linecache
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType
from typing import Any

import numpy as np

from spiking.engines.fused.frame import Source
from spiking.engines.fused.parts import Program
from spiking.engines.fused.source import write_source
from spiking.kept_code import keep
from spiking.refs import Ref

__all__ = ["Kernel", "compile_program"]


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
    program: Program,
    *,
    record: Sequence[str],
    sample: Sequence[Ref],
    precision: str,
    lead: bool = False,
    keep: bool = False,
) -> Kernel:
    """Compile a program, or take it from the cache.

    Parameters are those of `spiking.engines.fused.source.write_source`. Circuits that differ only in numbers share
    their compiled code.
    """
    source = write_source(program, record=record, sample=sample, precision=precision, lead=lead, keep=keep)
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
    """The kernel as a module, made from its text; its machine code is kept on disk."""
    name = f"fortyhertz_circuit_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    module = ModuleType(name)
    module.__file__ = f"<{name}>"
    linecache.cache[module.__file__] = len(text), None, text.splitlines(keepends=True), module.__file__
    sys.modules[name] = module  # where numba looks for it when it loads machine code
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    keep(module.kernel, text)
    return module
