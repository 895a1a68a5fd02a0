"""What the gamma circuit asks of its E cells.

Every model measures voltage in units of one score. It receives a tonic `drive`, the score's own input `u` and
the row's inhibition `inh`, subtracted as a current.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from numbers import Real
from typing import Any, Protocol, Self

from brian2 import Quantity, ms

from spiking.checks import positive_within, within

__all__ = ["CellModel", "DrivenCell", "check_fields", "start_without_input"]

UNITS = {"_per_ms": 1 / ms, "_ms": ms}  # by the ending of a field


class CellModel(Protocol):
    """What a circuit asks of its E cells."""

    @property
    def name(self) -> str: ...
    @property
    def threshold(self) -> str: ...
    @property
    def method(self) -> str: ...
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


class DrivenCell:
    """A dataclass whose equations name its fields without their units: `rho_0_per_ms` is rho_0, `tau_ms` tau_e."""

    def with_drive(self, drive: float) -> Self:
        """The same cell under another tonic input."""
        changes: Any = {"drive": drive}
        return replace(self, **changes)  # type: ignore[type-var]

    def namespace(self) -> dict[str, Quantity | float]:
        """The constants of the equations, with their dimensions."""
        constants: dict[str, Quantity | float] = {}
        for field in fields(self):  # type: ignore[arg-type]
            name, value = field.name, getattr(self, field.name)
            ending = next((ending for ending in UNITS if name.endswith(ending)), "")
            if isinstance(value, Real):
                name = "tau_e" if name == "tau_ms" else name.removesuffix(ending)
                constants[name] = value * UNITS[ending] if ending else value
        return constants


def start_without_input(cell: CellModel) -> dict[str, str]:
    """How a cell begins whose input `u` is 0 then, though it will change."""
    return {name: re.sub(r"\bu\b", "0", expression) for name, expression in cell.start.items()}


def check_fields(cell: Any, *signed: str) -> None:
    """Every number is positive but those named; all are of a size that no exponential of a row overflows."""
    for field in fields(cell):
        value = getattr(cell, field.name)
        if isinstance(value, str):
            continue
        if field.name not in signed:
            positive_within(type(cell).__name__, field.name, value, 1e-6, 1e6)
        else:
            within(type(cell).__name__, field.name, value, -1e6, 1e6)
