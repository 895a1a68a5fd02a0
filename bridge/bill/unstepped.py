"""What cells that are not stepped take of a digital machine: by key, by spike, and by step.

Their formulas stand in `spiking.engines.events`: a weight exp(gain x input) for each key, then proposals
(`thinning`) or the number of spikes in closed form (`renewal`). The row's clock, which all its cells share, is part
of the program and counted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bridge.bill.counts import Counts, arithmetic
from spiking.engines.events.clock import OnClock
from spiking.engines.events.thinning import AHEAD, LANES
from spiking.engines.events.trains import MARGIN
from spiking.engines.fused.parts import Unstepped
from spiking.refs import Ref

__all__ = ["ByEvents", "by_events"]

NOTHING = Counts()


@dataclass(frozen=True, kw_only=True)
class ByEvents:
    """The operations of a row's cells."""

    key: Counts  # of each key, as the row begins
    cell: Counts = NOTHING  # of each cell, as the row begins
    proposed: Counts = NOTHING  # of each proposal that is drawn
    spike: Counts = NOTHING  # of each spike
    looked_at: Counts = NOTHING  # of each train of spikes that is looked at, at each step
    cells_in_train: int = 0  # 0 where there are no trains

    def of(
        self, n_cells: np.ndarray, unit: int, steps: np.ndarray, spikes: np.ndarray, early: np.ndarray
    ) -> Iterator[tuple[Counts, int]]:
        """How often some rows take each of these.

        Proposals are drawn `AHEAD` at a time. How many a cell with a past has declined is not recorded, and left
        out. Trains that are not due before the budget's end are not looked at: in the mean over rows that end
        early, at most `MARGIN` times as many are as there are spikes.

        Parameters
        ----------
        n_cells, steps, spikes : (n_rows,) arrays
        unit : int
            Cells of each key.
        early : (n_rows,) bool array
            Which rows ended before their time.
        """
        yield self.key, int(n_cells.sum() // unit)
        if self.cell is not NOTHING:
            yield self.cell, int(n_cells.sum())
        if self.spike is not NOTHING:
            yield self.spike, round(float(spikes.sum()))
        if self.proposed is not NOTHING:
            yield self.proposed, int((AHEAD * (spikes // AHEAD + 1)).sum())
        if self.cells_in_train:
            trains = n_cells / self.cells_in_train
            looked_at = np.where(early, np.minimum(trains, MARGIN * spikes), trains)
            yield self.looked_at, round(float((looked_at * steps).sum()))


def by_events(part: Unstepped, draws: Mapping[Ref, float], unit: int, itemsize: int) -> ByEvents:
    """The operations of a group's cells.

    Parameters
    ----------
    part : Unstepped
        What makes their spikes.
    draws : mapping
        Variable -> random numbers that a cell's start draws for it.
    unit : int
        Cells of each key.
    itemsize : int
        Bytes of a number.
    """
    assert isinstance(part, OnClock)

    def held(n: int) -> Counts:
        return Counts(bytes_state=n * itemsize)

    weight = Counts(multiplies=1, exponentials=1) + held(2)  # exp(gain x input)
    intensity = part.intensity
    if intensity.memoryless:
        return ByEvents(
            key=weight + Counts(acs=1) + held(2),  # the weights, cumulated
            # when: a logarithm over the rate; where: among the weights of a block; which cell; for the decision
            proposed=Counts(random_draws=2, exponentials=1, divisions=1, multiplies=2, acs=2 + LANES)
            + held(6 + LANES),
            # due, and a number against exp(-trace); then the trace that the spike leaves
            spike=Counts(exponentials=1, multiplies=1, macs=1, acs=3) + held(5),
        )
    begin = Counts(random_draws=sum(draws.get(ref, 0.0) for ref in {intensity.hazard, *part.held}))
    if intensity.redraw:
        redrawn = sum((arithmetic(a.value) for a in intensity.redraw), start=Counts())
        return ByEvents(
            key=weight,
            cell=begin + Counts(acs=3, divisions=1) + held(5),  # (q - h) / weight, in a range or not
            spike=redrawn + Counts(acs=1, divisions=1) + held(4),  # due + q / weight
            looked_at=Counts(acs=1) + held(1),  # due < clock
            cells_in_train=1,
        )
    train = Counts(multiplies=1, macs=2, acs=2) + held(5)  # a rate; first spike in a range or not
    looked_at = Counts(macs=1, acs=1) + held(2)  # floor(phase + rate x clock)
    if part.held:  # each cell has its own phase
        return ByEvents(key=weight, cell=begin + train, looked_at=looked_at, cells_in_train=1)
    return ByEvents(key=weight + train + begin * unit, looked_at=looked_at, cells_in_train=unit)
