"""Renewal cells that draw thresholds, as a part of a program, and what all renewal cells share (`renewal`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spiking.batch import Batch, Own
from spiking.engines.events.clock import OnClock
from spiking.engines.fused.text import Lines, write_search
from spiking.refs import Ref

__all__ = ["DrawnTrains", "Trains"]

MARGIN = 1.5  # trains are looked at up to so many times the clock that the budget's spikes should take


@dataclass(frozen=True, kw_only=True)
class Trains(OnClock, ABC):
    """Renewal cells: trains of spikes whose times on the clock are known beforehand, those due soon at hand."""

    def write_kernel(self, writer: Lines) -> None:
        super().write_kernel(writer)
        g = self.group
        writer.line(1, f"trains_{g} = {self.most} + LANES")
        writer.line(1, f"near_{g} = np.empty(trains_{g}, np.int32)")
        writer.line(1, f"flag_{g} = np.zeros((trains_{g} + 7) // 8 * 8, np.uint8)")
        writer.line(1, f"words_{g} = flag_{g}.view(U)")

    def write_row(self, writer: Lines) -> None:
        super().write_row(writer)
        g = self.group
        self.write_first(writer)
        writer.line(2, f"horizon_{g} = np.inf")
        writer.line(2, "if n_spikes < NO_LIMIT:")
        writer.line(3, f"horizon_{g} = np.float64(F({MARGIN} * n_spikes / total_{g}))")
        writer.line(2, f"clock_{g} = 0.0")
        writer.line(2, f"n_near_{g} = 0")
        self.write_gather(writer, 2, "-np.inf")

    def write_clock(self, writer: Lines) -> None:
        """Write how the clock moves, and how further trains come near."""
        g = self.group
        writer.line(3, f"clock_{g} += np.float64({self.intensity.hazard.identifier})")
        writer.line(3, f"if clock_{g} > horizon_{g}:")
        writer.line(4, f"before = horizon_{g}")
        writer.line(4, f"horizon_{g} = np.float64(F(2 * clock_{g}))")
        self.write_gather(writer, 4, "before")
        writer.line(3, f"at = F(clock_{g})")

    @property
    @abstractmethod
    def most(self) -> str:
        """Trains of the largest row."""

    @abstractmethod
    def write_first(self, writer: Lines) -> None:
        """Write when trains fire, and `total_group`, their spikes for each unit of the clock."""

    @abstractmethod
    def write_gather(self, writer: Lines, depth: int, low: str) -> None:
        """Write how the trains with a first spike between `low` and the horizon are put with those at hand."""


@dataclass(frozen=True, kw_only=True)
class DrawnTrains(Trains):
    """Cells that draw a threshold for each spike."""

    threshold: Ref

    @property
    def most(self) -> str:
        return f"most_{self.group}"

    @property
    def held(self) -> tuple[Ref, ...]:
        """What each cell begins with."""
        return (self.intensity.hazard, self.threshold)

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, *(f"all_{ref.identifier}" for ref in self.held))

    def arrays(self, batch: Batch, rows: range, own: Own, real: np.dtype[Any]) -> Mapping[str, np.ndarray]:
        held = {f"all_{ref.identifier}": batch.values(ref, rows, own).astype(real) for ref in self.held}
        return {**super().arrays(batch, rows, own, real), **held}

    def write_kernel(self, writer: Lines) -> None:
        super().write_kernel(writer)
        g = self.group
        writer.line(1, f"first_due_{g} = np.empty(trains_{g}, F)")
        writer.line(1, f"due_{g} = np.empty(trains_{g}, F)")

    def write_first(self, writer: Lines) -> None:
        g, at = self.group, f"[first_{self.group} + i]"
        left = f"(all_{self.threshold.identifier}{at} - all_{self.intensity.hazard.identifier}{at})"
        writer.line(2, f"for i in range(n_{g}):")
        writer.line(3, f"first_due_{g}[i] = {left} / weight_{g}[i // unit_{g}]")
        writer.line(2, f"total_{g}, fastest_{g} = pace(weight_{g}, keys_{g})")
        writer.line(2, f"total_{g} *= unit_{g}")

    def write_gather(self, writer: Lines, depth: int, low: str) -> None:
        g = self.group
        trains = f"first_due_{g}, n_{g}, {low}, horizon_{g}, near_{g}, due_{g}, n_near_{g}"
        writer.line(depth, f"n_near_{g} = gather({trains}, flag_{g}, words_{g})")

    def write_step(self, writer: Lines, *, record: bool, listed: bool) -> None:
        """Search the trains that are due, eight marks at a time, as the fused engine searches cells."""
        g = self.group
        self.write_clock(writer)
        writer.line(3, f"spikes_{g} = 0")
        writer.line(3, f"if mark(due_{g}, n_near_{g}, at, flag_{g}) > 0:")
        write_search(writer, f"words_{g}", f"(n_near_{g} + 7) // 8", "k")
        writer.line(6, f"i = near_{g}[k]")
        writer.line(6, f"j = i // unit_{g}")
        for a in self.intensity.redraw:
            writer.assign(6, a, rare=True)
        writer.line(6, f"fired_{g}[spikes_{g}] = i")
        writer.line(6, f"spikes_{g} += 1")
        writer.line(6, f"due_{g}[k] = F(due_{g}[k] + {self.threshold.identifier} / weight_{g}[j])")
        self.write_counts(writer, 4)
        if record:
            self.write_record(writer, 4)
