"""What the gamma circuit asks of its E cells.

Every model measures voltage in units of one score. It receives a tonic `drive`, the score's own input `u` and
the row's inhibition `inh`, subtracted as a current.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, Protocol

from brian2 import Quantity

from spiking.checks import positive_within, within

__all__ = ["CellModel", "check_fields", "start_without_input"]


class CellModel(Protocol):
    """What a circuit asks of its E cells."""

    name: ClassVar[str]
    threshold: ClassVar[str]
    method: ClassVar[str]

    @property
    def equations(self) -> str: ...  # Brian2 model; reads u and inh, which the circuit declares
    @property
    def reset(self) -> str: ...
    @property
    def start(self) -> Mapping[str, str]: ...  # variable -> how it begins: as `Wiring.start` takes it
    @property
    def tau_ms(self) -> float: ...
    @property
    def drive(self) -> float: ...
    @property
    def theta(self) -> float: ...
    def with_drive(self, drive: float) -> CellModel: ...
    def namespace(self) -> dict[str, Quantity | float]: ...


def start_without_input(cell: CellModel) -> dict[str, str]:
    """How a cell begins whose input `u` is 0 then, though it will change."""
    return {name: re.sub(r"\bu\b", "0", expression) for name, expression in cell.start.items()}


def check_fields(cell: Any, *signed: str) -> None:
    """Every field is positive but those named; all are of a size that no exponential of a row overflows."""
    for field in fields(cell):
        value = getattr(cell, field.name)
        if field.name not in signed:
            positive_within(type(cell).__name__, field.name, value, 1e-6, 1e6)
        else:
            within(type(cell).__name__, field.name, value, -1e6, 1e6)
