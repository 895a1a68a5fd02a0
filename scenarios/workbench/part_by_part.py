"""An array that a long measurement fills part by part, kept after each part so that the same run resumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from pragmatic.checkpoint import read_tensors, write_tensors
from scenarios.workbench.outcome import RunContext

__all__ = ["fill_by_parts"]


def fill_by_parts(
    fill: Callable[[np.ndarray, int], tuple[float, str]],
    shape: tuple[int, ...],
    n_parts: int,
    about: Mapping[str, Any],
    ctx: RunContext,
    name: str,
) -> np.ndarray:
    """Call `fill(values, part)` for every part that no earlier, interrupted run has left behind.

    Parameters
    ----------
    fill : callable
        Writes its part into the array, nan before; returns how far the whole is then, and words for it.
    shape : tuple of int
    n_parts : int
    about : mapping
        What JSON can hold, that makes the measurement what it is: what was kept of another one is not used.
    ctx : RunContext
    name : str
        Of the file; each measurement of a run has its own.

    Returns
    -------
    ndarray, float64
    """
    values, first, kept = np.full(shape, np.nan), 0, ctx.checkpoint(name)
    if kept is not None and kept.exists():
        tensors, found = read_tensors(
            kept, {**{key: type(value) for key, value in about.items()}, "done": int}
        )
        if {key: found[key] for key in about} == about:
            values, first = tensors["values"].numpy().copy(), found["done"]
    for part in range(first, n_parts):
        far, said = fill(values, part)
        if kept is not None:
            write_tensors(kept, {"values": torch.from_numpy(values)}, {**about, "done": part + 1})
        ctx.progress(far, said)
    return values
