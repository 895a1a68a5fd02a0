"""What a circuit asks of its E cells, and where their initial states come from.

Every model measures voltage in units of one score. It receives a tonic `drive`, the score's own input `u` and
the row's inhibition `inh`, subtracted as a current.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar, Protocol

import numpy as np
from brian2 import Quantity

from spiking.checks import positive

__all__ = ["CellModel", "Noise", "check_fields"]


class Noise(Protocol):
    """Where initial states come from: a `numpy.random.Generator`, or what stands for one."""

    def uniform(self, low: float, high: float, size: int, /) -> np.ndarray: ...
    def exponential(self, *, size: int) -> np.ndarray: ...


class CellModel(Protocol):
    """What a circuit asks of its E cells."""

    name: ClassVar[str]
    equations: ClassVar[str]  # Brian2 model; reads u and inh, which the circuit declares
    threshold: ClassVar[str]
    reset: ClassVar[str]
    method: ClassVar[str]

    @property
    def tau_ms(self) -> float: ...
    @property
    def drive(self) -> float: ...
    @property
    def theta(self) -> float: ...
    def with_drive(self, drive: float) -> CellModel: ...
    def namespace(self) -> dict[str, Quantity | float]: ...
    def initial(self, n: int, noise: Noise) -> dict[str, np.ndarray]: ...


def check_fields(cell: Any, *signed: str) -> None:
    """Every field is positive but those named, which only have to be finite."""
    for field in fields(cell):
        value = getattr(cell, field.name)
        if field.name not in signed:
            positive(type(cell).__name__, field.name, value)
        elif not np.isfinite(value):
            raise ValueError(f"{type(cell).__name__}.{field.name} must be finite, got {value}; use a number.")
