"""A cell model with unequal drives, shunting inhibition, noise that a row shares, or input that pauses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from brian2 import Quantity

from spiking.cells.model import CellModel
from spiking.checks import within

__all__ = ["COMMON", "GATE", "CellVariant"]

INPUT = "drive + u"  # what every cell model's membrane receives
SUBTRACTED = re.compile(r"- inh\b(?! \*)")
COMMON = "common : 1 (linked)"  # declares the noise; the circuit that links it makes it
GATE = "gate : 1 (linked)"  # declares 1 or 0: whether drive and scores come in


@dataclass(frozen=True, kw_only=True)
class CellVariant:
    """Another cell model, one thing changed about what its membrane receives.

    Parameters
    ----------
    cell : CellModel
        Its membrane receives `drive + u - inh`; a variant may be varied once more.
    unequal : float
        Standard deviation over cells of their drive, as a fraction of theta.
    shunt_at : float
        Voltage, in scores above rest, at which inhibition acts as strongly as the subtracted current; it grows in
        proportion to the voltage, as a conductance whose reversal is rest does. 0: inhibition is subtracted.
    common : bool
        Whether the membrane also receives `common`, which the circuit declares (`COMMON`) and links.
    gated : bool
        Whether drive and scores come in only while `gate` is 1, which the circuit declares (`GATE`) and links.

    Raises
    ------
    ValueError
        For a model that receives anything else, a shunt of a shunt, and numbers out of range.
    """

    cell: CellModel
    unequal: float = 0.0
    shunt_at: float = 0.0
    common: bool = False
    gated: bool = False

    def __post_init__(self) -> None:
        within("CellVariant", "unequal", self.unequal, 0.0, 1.0)
        within("CellVariant", "shunt_at", self.shunt_at, 0.0, 1e3)
        equations = self.cell.equations
        if INPUT not in equations or (self.shunt_at and not SUBTRACTED.search(equations)):
            raise ValueError(
                f"CellVariant.cell must have a membrane that receives '{INPUT} - inh', got {self.cell.name!r}; "
                "write its equation so."
            )

    @property
    def equations(self) -> str:
        """The model's, with another current."""
        added = (" + own_drive" if self.unequal else "") + (" + common" if self.common else "")
        declared = "\nown_drive : 1 (constant)\n" if self.unequal else ""
        received = f"gate * ({INPUT})" if self.gated else INPUT
        equations = self.cell.equations.replace(INPUT, received + added) + declared
        return SUBTRACTED.sub(f"- inh * v / {self.shunt_at}", equations) if self.shunt_at else equations

    @property
    def start(self) -> Mapping[str, str]:
        """The model's, and each cell's own drive."""
        own = {"own_drive": f"{self.unequal * self.theta} * randn()"} if self.unequal else {}
        return {**self.cell.start, **own}

    @property
    def name(self) -> str:
        """The model's, as are those below."""
        return self.cell.name

    @property
    def threshold(self) -> str:
        return self.cell.threshold

    @property
    def reset(self) -> str:
        return self.cell.reset

    @property
    def method(self) -> str:
        return self.cell.method

    @property
    def tau_ms(self) -> float:
        return self.cell.tau_ms

    @property
    def drive(self) -> float:
        return self.cell.drive

    @property
    def theta(self) -> float:
        return self.cell.theta

    def with_drive(self, drive: float) -> CellVariant:
        """The same cell under another tonic input."""
        return replace(self, cell=self.cell.with_drive(drive))

    def namespace(self) -> dict[str, Quantity | float]:
        """The model's constants."""
        return self.cell.namespace()
