"""Renewal cells as a part of a program: their spikes in closed form (`renewal`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spiking.batch import Batch, Own
from spiking.engines.events.clock import OnClock
from spiking.engines.fused.text import Lines
from spiking.refs import Ref

__all__ = ["CellTrains", "KeyTrains"]

MARGIN = 1.5  # trains are looked at up to so many times the clock that the budget's spikes should take


@dataclass(frozen=True, kw_only=True)
class _Trains(OnClock, ABC):
    """Renewal cells: trains of spikes whose times on the clock are known beforehand."""

    quantum: float  # of the clock between spikes, in the mean

    def write_kernel(self, writer: Lines) -> None:
        super().write_kernel(writer)
        g = self.group
        writer.line(1, f"trains_{g} = {self.most} + LANES")
        writer.line(1, f"first_due_{g} = np.empty(trains_{g}, F)")
        writer.line(1, f"near_{g} = np.empty(trains_{g}, np.int32)")
        writer.line(1, f"due_{g} = np.empty(trains_{g}, F)")
        writer.line(1, f"flag_{g} = np.zeros((trains_{g} + 7) // 8 * 8, np.uint8)")
        writer.line(1, f"words_{g} = flag_{g}.view(U)")

    def write_row(self, writer: Lines) -> None:
        super().write_row(writer)
        g, quantum = self.group, writer.expressions.double(self.quantum)
        self.write_first(writer)
        writer.line(2, f"horizon_{g} = np.inf")
        writer.line(2, "if n_spikes < NO_LIMIT:")
        expected = f"n_spikes * {quantum} / (unit_{g} * total_{g})"
        writer.line(3, f"horizon_{g} = np.float64(F({MARGIN} * {expected}))")
        writer.line(2, f"clock_{g} = 0.0")
        writer.line(2, f"n_near_{g} = 0")
        self.write_gather(writer, 2, "-np.inf")

    def write_gather(self, writer: Lines, depth: int, low: str) -> None:
        """Look at the trains that are due next."""
        g = self.group
        trains = f"first_due_{g}, {self.n_trains}, {low}, horizon_{g}, near_{g}, due_{g}, n_near_{g}"
        writer.line(depth, f"n_before = n_near_{g}")
        writer.line(depth, f"n_near_{g} = gather({trains}, flag_{g}, words_{g})")
        self.write_begun(writer, depth)

    def write_step(self, writer: Lines, *, record: bool) -> None:
        """Search the trains that are due, eight marks at a time, as the fused engine searches cells."""
        g = self.group
        writer.line(3, f"clock_{g} += np.float64({self.intensity.hazard.identifier})")
        writer.line(3, f"spikes_{g} = 0")
        writer.line(3, f"if clock_{g} > horizon_{g}:")
        writer.line(4, f"before = horizon_{g}")
        writer.line(4, f"horizon_{g} = np.float64(F(2 * clock_{g}))")
        self.write_gather(writer, 4, "before")
        writer.line(3, f"at = F(clock_{g})")
        writer.line(3, f"if mark(due_{g}, n_near_{g}, at, flag_{g}) > 0:")
        writer.line(4, f"for word in range((n_near_{g} + 7) // 8):")
        writer.line(5, f"marked = words_{g}[word]")
        writer.line(5, "while marked != U(0):")
        writer.line(6, "k = 8 * word + (lowest_bit(marked) >> 3)")
        writer.line(6, "marked &= marked - U(1)")
        self.write_fire(writer, 6, record=record)

    @property
    @abstractmethod
    def most(self) -> str:
        """Trains of the largest row."""

    @property
    @abstractmethod
    def n_trains(self) -> str:
        """Trains of the row."""

    @abstractmethod
    def write_first(self, writer: Lines) -> None:
        """Write when each train has its first spike."""

    def write_begun(self, writer: Lines, depth: int) -> None:
        """Write what the trains from `n_before` on begin with."""

    @abstractmethod
    def write_fire(self, writer: Lines, depth: int, *, record: bool) -> None:
        """Write which cells of train k fire, and when its next spike is due."""


@dataclass(frozen=True, kw_only=True)
class KeyTrains(_Trains):
    """Cells of a key that are evenly spread over their cycle, behind one phase: they fire in turn."""

    site: int  # of the phase's draw in the start

    @property
    def most(self) -> str:
        return f"whole_keys_{self.group}"

    @property
    def n_trains(self) -> str:
        return f"keys_{self.group}"

    def write_kernel(self, writer: Lines) -> None:
        super().write_kernel(writer)
        g = self.group
        writer.line(1, f"gap_{g} = np.empty(whole_keys_{g}, F)")
        writer.line(1, f"number_{g} = np.empty(whole_keys_{g}, np.int32)")
        writer.line(1, f"turn_{g} = np.empty(whole_keys_{g}, np.int32)")

    def write_first(self, writer: Lines) -> None:
        g = self.group
        site, quantum = writer.expressions.whole(self.site), writer.expressions.double(self.quantum)
        of_keys = f"weight_{g}, keys_{g}, unit_{g}, first_due_{g}, gap_{g}"
        writer.line(2, f"key_trains(key, {site}, {quantum}, {of_keys})")

    def write_begun(self, writer: Lines, depth: int) -> None:
        g = self.group
        writer.line(depth, f"for k in range(n_before, n_near_{g}):")
        writer.line(depth + 1, f"number_{g}[k], turn_{g}[k] = 0, unit_{g} - 1")

    def write_fire(self, writer: Lines, depth: int, *, record: bool) -> None:
        g = self.group
        writer.line(depth, f"j, m, turn = near_{g}[k], number_{g}[k], turn_{g}[k]")
        writer.line(depth, f"next_due, until = due_{g}[k], m + unit_{g}")
        writer.line(depth, "while next_due < at and m < until:")
        writer.line(depth + 1, f"i = j * unit_{g} + turn")
        writer.line(depth + 1, f"fired_{g}[spikes_{g}] = i")
        writer.line(depth + 1, f"spikes_{g} += 1")
        self.write_spike(writer, depth + 1, "i", "j", record=record)
        writer.line(depth + 1, "m += 1")
        writer.line(depth + 1, f"turn = (turn if turn > 0 else unit_{g}) - 1")
        writer.line(depth + 1, f"next_due = F(first_due_{g}[j] + F(m) * gap_{g}[j])")
        writer.line(depth, f"number_{g}[k], turn_{g}[k], due_{g}[k] = m, turn, next_due")


@dataclass(frozen=True, kw_only=True)
class CellTrains(_Trains):
    """Cells that each have their own phase, or draw their thresholds."""

    threshold: Ref | float

    @property
    def most(self) -> str:
        return f"most_{self.group}"

    @property
    def n_trains(self) -> str:
        return f"n_{self.group}"

    @property
    def held(self) -> tuple[Ref, ...]:
        """What each cell begins with."""
        threshold = (self.threshold,) if isinstance(self.threshold, Ref) else ()
        return (self.intensity.hazard, *threshold)

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, *(f"all_{ref.identifier}" for ref in self.held))

    def arrays(self, batch: Batch, rows: range, own: Own, real: np.dtype[Any]) -> Mapping[str, np.ndarray]:
        held = {f"all_{ref.identifier}": batch.values(ref, rows, own).astype(real) for ref in self.held}
        return {**super().arrays(batch, rows, own, real), **held}

    def write_first(self, writer: Lines) -> None:
        g, hazard = self.group, self.intensity.hazard.identifier
        at = f"[first_{g} + i]"
        threshold = (
            f"all_{self.threshold.identifier}{at}"
            if isinstance(self.threshold, Ref)
            else writer.expressions.real(self.threshold)
        )
        writer.line(2, f"for i in range(n_{g}):")
        writer.line(3, f"first_due_{g}[i] = ({threshold} - all_{hazard}{at}) / weight_{g}[i // unit_{g}]")

    def write_fire(self, writer: Lines, depth: int, *, record: bool) -> None:
        g = self.group
        writer.line(depth, f"i = near_{g}[k]")
        writer.line(depth, f"j = i // unit_{g}")
        for a in self.intensity.redraw:
            writer.assign(depth, a, rare=True)
        drawn = writer.expressions.real(self.quantum)
        if self.intensity.redraw:
            assert isinstance(self.threshold, Ref)
            drawn = self.threshold.identifier
        writer.line(depth, f"fired_{g}[spikes_{g}] = i")
        writer.line(depth, f"spikes_{g} += 1")
        self.write_spike(writer, depth, "i", "j", record=record)
        writer.line(depth, f"due_{g}[k] = F(due_{g}[k] + {drawn} / weight_{g}[j])")
