"""A translated kernel on the GPU: arrays go there, threads run the rows, what they counted comes back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numba import config, cuda

from spiking.engines.cuda.device import on_device
from spiking.engines.cuda.translate import Translation, translate

__all__ = ["SIMULATED", "Launch", "is_there", "lent"]

SIMULATED = bool(config.ENABLE_CUDASIM)  # type: ignore[attr-defined]  # numba's simulator of a GPU
THREADS = 64  # of a block
BLOCKS = 4  # for each multiprocessor: more rows at once do not run faster (measured on an H100)
SHARE = 0.25  # of the free memory that threads may take for their arrays
SMALL = 2**14  # bytes of a constant that stays there
_KEPT = 64
_OUT = ("counts_", "all_events_", "n_events_", "all_samples_", "n_run")  # what a kernel writes


def is_there() -> bool:
    """Whether numba sees a GPU, or simulates one."""
    return SIMULATED or bool(cuda.is_available())


def lent(array: Any) -> Any:
    """An array on the device as numba takes it, without a copy."""
    return (
        cuda.as_cuda_array(array) if hasattr(array, "__cuda_array_interface__") and not SIMULATED else array
    )


class Launch:
    """A kernel that is called as the processor's, with NumPy's arrays or with arrays on the device."""

    def __init__(self, text: str) -> None:
        self.translation, self.module, self.kernel = _compiled(text)
        self.constants: dict[
            tuple[object, ...], Any
        ] = {}  # small arrays that went there before, by their bytes
        self.pools: dict[str, Any] = {}  # the last ones

    def __call__(self, **given: Any) -> None:
        n_rows = len(given["n_run"])
        if not n_rows:
            return
        known = {"n_scratch": len(given.pop("scratch")), **vars(self.module), **self.module.host(**given)}
        pools, places, n_blocks, n_threads = self._room(known, n_rows)
        there = {name: self._sent(name, value) for name, value in given.items()}
        others = {**known, **pools, "places": places}
        arguments = [there[n] if n in there else self._sent(n, others[n]) for n in self.translation.arguments]
        with np.errstate(over="ignore"):  # the simulator multiplies 64 bits in NumPy
            self.kernel[n_blocks, n_threads](*arguments)
        for name, value in given.items():
            if name.startswith(_OUT) and isinstance(value, np.ndarray) and value.size:
                there[name].copy_to_host(value)

    def _sent(self, name: str, value: Any) -> Any:
        """An argument as the kernel takes it; a small constant goes to the device once."""
        if not isinstance(value, np.ndarray):
            return value
        if value.nbytes > SMALL or name.startswith(_OUT):
            return cuda.to_device(np.ascontiguousarray(value))
        key = (value.dtype, value.shape, value.tobytes())
        if key not in self.constants:
            while len(self.constants) >= _KEPT:
                del self.constants[next(iter(self.constants))]
            self.constants[key] = cuda.to_device(np.ascontiguousarray(value))
        return self.constants[key]

    def _room(self, known: Mapping[str, Any], n_rows: int) -> tuple[dict[str, Any], np.ndarray, int, int]:
        """The pools, where in them each array lies, and blocks and threads for so many rows."""
        rooms, scope = self.translation.rooms, dict(known)
        ends = {room.pool: 0 for room in rooms}
        dtypes = {room.pool: np.dtype(eval(room.dtype, scope)) for room in rooms}
        places = np.empty((len(rooms), 2), dtype=np.int64)
        for n, room in enumerate(rooms):
            first = ends[room.pool]
            ends[room.pool] += int(eval(room.size, scope))
            places[n] = first, ends[room.pool]
        n_blocks, n_threads = _grid(n_rows, sum(dtypes[pool].itemsize * end for pool, end in ends.items()))
        for pool, end in ends.items():
            shape = max(1, end), n_blocks * n_threads
            if pool not in self.pools or self.pools[pool].shape != shape:
                self.pools.pop(pool, None)
                self.pools[pool] = cuda.device_array(shape, dtype=dtypes[pool])
        return dict(self.pools), places, n_blocks, n_threads


def _grid(n_rows: int, bytes_each: int) -> tuple[int, int]:
    """Blocks, and threads of each."""
    if SIMULATED:
        return min(n_rows, 4), 1
    free, _ = cuda.current_context().get_memory_info()
    most = min(
        BLOCKS * cuda.get_current_device().MULTIPROCESSOR_COUNT, int(SHARE * free) // (THREADS * bytes_each)
    )
    return max(1, min(most, -(-n_rows // THREADS))), THREADS


@cache
def _compiled(text: str) -> tuple[Translation, ModuleType, Any]:
    """A kernel's translation; the functions that it calls are compiled for the device, too."""
    translation = translate(text)
    module = ModuleType("spiking.engines.cuda.translated")
    exec(compile(translation.text, f"<{module.__name__}>", "exec"), module.__dict__)
    return translation, module, cuda.jit(on_device(module.kernel))
