"""Renewal cells with one threshold, as a part of a program: how often each has fired (`renewal`)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spiking.batch import Batch, Own
from spiking.engines.events.trains import Trains
from spiking.engines.fused.text import Lines
from spiking.refs import Ref

__all__ = ["CellTrains", "KeyTrains"]

MOST = 2**30  # spikes of a train that are counted without care for the size of integers


@dataclass(frozen=True, kw_only=True)
class _Periodic(Trains):
    """Trains of equal intervals on the clock. Each has a rate and a phase; spikes are counted for many at once."""

    quantum: float  # of the clock between spikes

    def write_kernel(self, writer: Lines) -> None:
        super().write_kernel(writer)
        g = self.group
        for name in ("rate", "phase", "near_rate", "near_phase", "number", "begun"):
            writer.line(1, f"{name}_{g} = np.empty(trains_{g}, F)")

    def write_gather(self, writer: Lines, depth: int, low: str) -> None:
        g = self.group
        of_all = f"rate_{g}, phase_{g}, {self.n_trains}, {low}, horizon_{g}"
        of_near = f"near_{g}, near_rate_{g}, near_phase_{g}, number_{g}, begun_{g}, n_near_{g}"
        writer.line(depth, f"n_near_{g} = gather_periodic({of_all}, {of_near}, flag_{g}, words_{g})")

    def write_pace(self, writer: Lines) -> None:
        """Write how fast the row's trains are."""
        g = self.group
        writer.line(2, f"total_{g}, fastest_{g} = pace(rate_{g}, {self.n_trains})")

    def write_row(self, writer: Lines) -> None:
        super().write_row(writer)
        g = self.group
        writer.line(2, f"stood_{g}, had_{g}, late_{g} = F(0), I(0), False")

    def write_step(self, writer: Lines, *, record: bool, listed: bool) -> None:
        """Where a step holds all spikes that are due, trains need no memory: spikes are a difference of sums."""
        g = self.group
        self.write_clock(writer)
        writer.line(3, f"if step64 == since_{g}:")
        writer.line(4, self._stock)
        writer.line(4, f"for k in range(n_near_{g}):")
        writer.line(5, f"begun_{g}[k] = number_{g}[k]")
        asked = "True" if listed else f"events_{g}.shape[0] > 0" if record else "False"
        moved = f"(at - stood_{g}) * fastest_{g} > F({self.cells} - 1)"
        now = f"stood_{g}, at, near_rate_{g}, near_phase_{g}, n_near_{g}, {self.cells}, late_{g}, number_{g}"
        writer.line(3, f"if {asked}:")
        writer.line(4, f"spikes_{g}, late_{g} = in_turn({now}, near_{g}, fired_{g})")
        writer.line(4, f"had_{g} = I(had_{g} + spikes_{g})")
        writer.line(3, f"elif late_{g} or {moved} or at * fastest_{g} > F({MOST}):")
        writer.line(4, f"spikes_{g}, late_{g} = advance({now})")
        writer.line(4, f"had_{g} = I(had_{g} + spikes_{g})")
        writer.line(3, "else:")
        writer.line(4, "has = I(0)")
        writer.line(4, f"for k in range((n_near_{g} + VECTOR - 1) // VECTOR * VECTOR):")
        writer.line(5, f"has = I(has + I(fma(at, near_rate_{g}[k], near_phase_{g}[k])))")
        writer.line(4, f"spikes_{g} = I(has - had_{g})")
        writer.line(4, f"had_{g} = has")
        writer.line(3, f"stood_{g} = at")
        if record:
            self.write_record(writer, 3)

    def write_end(self, writer: Lines) -> None:
        """Count by key."""
        g = self.group
        writer.line(2, f"if step64 >= since_{g}:")
        writer.line(3, self._stock)
        writer.line(3, f"for k in range(n_near_{g}):")
        key = f"near_{g}[k] * {self.cells} // unit_{g}"
        writer.line(4, f"count_{g}[{key}] += np.int64(number_{g}[k] - begun_{g}[k])")

    @property
    def _stock(self) -> str:
        g = self.group
        return f"take_stock(stood_{g}, near_rate_{g}, near_phase_{g}, n_near_{g}, late_{g}, number_{g})"

    @property
    @abstractmethod
    def n_trains(self) -> str:
        """Trains of the row."""

    @property
    @abstractmethod
    def cells(self) -> str:
        """Cells of a train."""


@dataclass(frozen=True, kw_only=True)
class KeyTrains(_Periodic):
    """Cells of a key that are evenly spread over their cycle, with one phase: they fire in turn."""

    site: int  # of the phase's draw in the start

    @property
    def most(self) -> str:
        return f"whole_keys_{self.group}"

    @property
    def n_trains(self) -> str:
        return f"keys_{self.group}"

    @property
    def cells(self) -> str:
        return f"unit_{self.group}"

    def write_first(self, writer: Lines) -> None:
        g, quantum = self.group, writer.expressions.double(self.quantum)
        writer.line(2, f"key_phases(key, {writer.expressions.whole(self.site)}, keys_{g}, phase_{g})")
        writer.line(2, f"of_weight = F(unit_{g} / {quantum})")
        writer.line(2, f"for j in range(keys_{g}):")
        writer.line(3, f"rate_{g}[j] = weight_{g}[j] * of_weight")
        self.write_pace(writer)


@dataclass(frozen=True, kw_only=True)
class CellTrains(_Periodic):
    """Cells that each have their own phase."""

    @property
    def most(self) -> str:
        return f"most_{self.group}"

    @property
    def n_trains(self) -> str:
        return f"n_{self.group}"

    @property
    def cells(self) -> str:
        return "1"

    @property
    def held(self) -> tuple[Ref, ...]:
        """What each cell begins with."""
        return (self.intensity.hazard,)

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, f"all_{self.intensity.hazard.identifier}")

    def arrays(self, batch: Batch, rows: range, own: Own, real: np.dtype[Any]) -> Mapping[str, np.ndarray]:
        hazard = self.intensity.hazard
        begins = {f"all_{hazard.identifier}": batch.values(hazard, rows, own).astype(real)}
        return {**super().arrays(batch, rows, own, real), **begins}

    def write_first(self, writer: Lines) -> None:
        g, quantum = self.group, writer.expressions.double(self.quantum)
        writer.line(2, f"of_weight = F(1 / {quantum})")
        writer.line(2, f"for i in range(n_{g}):")
        writer.line(3, f"rate_{g}[i] = weight_{g}[i // unit_{g}] * of_weight")
        writer.line(3, f"phase_{g}[i] = all_{self.intensity.hazard.identifier}[first_{g} + i] * of_weight")
        self.write_pace(writer)
