"""Accuracy against cost: the points of one task, and those that nothing cheaper matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from scenarios.workbench.cost import DIGITAL, HARDWARE
from scenarios.workbench.statistics import Estimate, mean_over_seeds, sign

__all__ = ["IN_SPIKES", "Point", "front", "points_of"]

IN_SPIKES = ("simulated", "swapped")  # kinds that a machine with cells in hardware could run


@dataclass(frozen=True, kw_only=True)
class Point:
    """One design on one machine."""

    design: str
    kind: str
    spikes: int
    table: str
    cost: float  # J
    scores: np.ndarray  # (n_seeds, n_windows) accuracies, the same windows for every design

    @property
    def accuracy(self) -> Estimate:
        return mean_over_seeds(self.scores)

    def above(self, other: Point) -> Estimate:
        """How much more accurate, on the same windows."""
        return mean_over_seeds(self.scores - other.scores)

    @property
    def in_spikes(self) -> bool:
        return self.kind in IN_SPIKES


def points_of(task: xr.Dataset, phase: str) -> list[Point]:
    """Every design on every machine that can run it.

    Parameters
    ----------
    task : Dataset
        One task of `bill_dataset`.
    phase : {"training", "inference"}
        Whose joules are the cost.
    """
    points = []
    for place, design in enumerate(task.design.values):
        here = task.isel(design=place)
        about: dict[str, Any] = {
            "design": str(design),
            "kind": str(here.kind.values),
            "spikes": int(here.spikes),
        }
        cells = about["kind"] == "simulated" or (about["kind"] == "swapped" and phase == "inference")
        for table in (DIGITAL, HARDWARE) if cells else (DIGITAL,):
            cost = float(here[f"{phase}_joules"].sel(table=table).mean("seed"))
            points.append(Point(table=table, cost=cost, scores=here.accuracy.values, **about))
    return points


def front(points: Sequence[Point]) -> list[Point]:
    """The cheapest, and those clearly more accurate than all of the front that costs no more, by rising cost."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.accuracy.value)):
        if not kept or sign(point.above(kept[-1])) > 0:
            kept.append(point)
    return kept
