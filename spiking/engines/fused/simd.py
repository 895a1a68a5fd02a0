"""What kernels ask of the compiler and the processor beyond Python and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic

__all__ = ["floor", "fma", "lowest_bit", "prefer_wide_vectors"]

_HINT = '"prefer-vector-width"="512"'


@intrinsic
def prefer_wide_vectors(typing_context: Any) -> Any:
    """A hint about the width of SIMD; call it in a compiled function, for which it holds.

    On processors with AVX-512 LLVM keeps to vectors of 256 bits, since wide ones once slowed the clock for all
    that ran on the same core. The kernels are nothing but such arithmetic: 160 cells a row take 65 ns a step with
    512 bits and 78 with 256 (measured). Elsewhere the hint does nothing.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # llvmlite's own `add` knows LLVM's keyword attributes only, and this one is a string
        set.add(builder.function.attributes, _HINT)
        return context.get_dummy_value()

    return types.none(), generate


@intrinsic
def lowest_bit(typing_context: Any, word: Any) -> Any:
    """Place of the lowest bit that is set in a uint64 other than 0, as int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def _fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c for floats of one width, rounded once: the same bits wherever it stands."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, a, a), generate


fma: Any = _fma  # without the context, which numba fills in


@njit
def floor(x: Any) -> Any:
    """The largest whole number up to x, as a float of its width."""
    return np.floor(x)
