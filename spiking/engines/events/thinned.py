"""Memoryless cells as a part of a program: their spikes by proposals (`thinning`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spiking.engines.events.clock import OnClock
from spiking.engines.fused.text import Lines

__all__ = ["Thinned"]

FORGOTTEN = 1e-7  # of a trace


@dataclass(frozen=True, kw_only=True)
class Thinned(OnClock):
    """Memoryless cells, by proposals."""

    def write_kernel(self, writer: Lines) -> None:
        super().write_kernel(writer)
        g = self.group
        writer.line(1, f"within_{g} = np.empty(whole_keys_{g}, np.float32)")
        writer.line(1, f"block_{g} = np.empty(whole_keys_{g} // LANES)")
        writer.line(1, f"proposed_due_{g} = np.empty(AHEAD)")
        writer.line(1, f"proposed_{g} = np.empty(AHEAD, np.int32)")
        writer.line(1, f"chance_{g} = np.empty(AHEAD, np.float32)")
        writer.line(1, f"stamp_{g} = np.full(most_{g}, -(2**62))")
        writer.line(1, f"trace_{g} = np.zeros(most_{g}, np.float32)")
        writer.line(1, f"powers_{g} = np.empty({writer.expressions.whole(self.remembered)}, np.float32)")
        writer.line(1, f"decay_{g} = np.float32({writer.expressions.double(self.intensity.decay)})")
        writer.line(1, f"reset_by_{g} = np.float32({writer.expressions.double(self.intensity.reset_by)})")
        writer.line(1, f"powers_of(decay_{g}, powers_{g})")

    def write_row(self, writer: Lines) -> None:
        super().write_row(writer)
        g = self.group
        writer.line(2, f"total_{g} = cumulate(weight_{g}, keys_{g}, within_{g}, block_{g})")
        writer.line(2, f"clock_{g} = 0.0")
        writer.line(2, f"number_{g} = 0")
        self._propose(writer, 2, "0.0")

    def _propose(self, writer: Lines, depth: int, since: str) -> None:
        g = self.group
        of_row = f"weight_{g}, within_{g}, block_{g}, keys_{g}, unit_{g}, total_{g}"
        into = f"proposed_due_{g}, proposed_{g}, chance_{g}"
        writer.line(depth, f"propose(key, number_{g}, {since}, {of_row}, {into})")
        writer.line(depth, f"number_{g} += AHEAD")
        writer.line(depth, f"next_{g} = 0")

    def write_step(self, writer: Lines, *, record: bool, listed: bool) -> None:
        g, moved = self.group, f"np.float64({self.intensity.hazard.identifier})"
        memory = f"reset_by_{g}, decay_{g}, powers_{g}, stamp_{g}, trace_{g}"
        writer.line(3, f"clock_{g} += {moved}")
        writer.line(3, f"spikes_{g} = 0")
        writer.line(3, f"if proposed_due_{g}[next_{g}] < clock_{g}:")
        writer.line(4, "now = (r << 32) + step64")
        writer.line(4, f"if {moved} * (unit_{g} * total_{g}) > CROWDED * n_{g}:")
        of_row = f"weight_{g}, n_{g}, unit_{g}"
        writer.line(5, f"spikes_{g} = ask_all(key, number_{g}, now, {moved}, {of_row}, {memory}, fired_{g})")
        writer.line(5, f"number_{g} += n_{g}")
        self._propose(writer, 5, f"clock_{g}")
        writer.line(4, f"while proposed_due_{g}[next_{g}] < clock_{g}:")
        writer.line(5, f"fired_{g}[spikes_{g}] = proposed_{g}[next_{g}]")
        writer.line(5, f"spikes_{g} += accept(next_{g}, now, proposed_{g}, chance_{g}, {memory})")
        writer.line(5, f"next_{g} += 1")
        writer.line(5, f"if next_{g} == AHEAD:")
        self._propose(writer, 6, f"proposed_due_{g}[AHEAD - 1]")
        self.write_counts(writer, 4)
        if record:
            self.write_record(writer, 4)

    @property
    def remembered(self) -> int:
        """Steps after which nothing is left of a trace."""
        decay = self.intensity.decay
        return 3 if decay == 0 else min(2**16, 2 + int(np.ceil(np.log(FORGOTTEN) / np.log(decay))))
