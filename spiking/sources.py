"""Which Brian2 objects hold cells, and whose cells synapses join."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import brian2 as b2
from brian2.groups.subgroup import Subgroup

__all__ = ["CELLS", "Cells", "cells_of", "first_cell", "groups_of", "is_cells"]

Cells = Any  # one of these; Brian2 has no type hints
CELLS = (b2.NeuronGroup, b2.PoissonGroup, b2.SpikeGeneratorGroup)


def is_cells(o: object) -> bool:
    """Whether an object is a group of cells: neurons, Poisson processes, or given spikes."""
    return isinstance(o, CELLS)


def groups_of(objects: Iterable[Any]) -> dict[str, Cells]:
    """The groups of cells among objects, by name."""
    return {o.name: o for o in objects if is_cells(o)}


def cells_of(end: Any) -> Any:
    """The group whose cells one end of synapses names; of a subgroup the whole group."""
    return end.source if isinstance(end, Subgroup) else end


def first_cell(end: Any) -> int:
    """Number of an end's first cell in its group; 0 but for subgroups."""
    return int(end.start) if isinstance(end, Subgroup) else 0
