"""What the fused engine refuses before it reads anything."""

from __future__ import annotations

from collections.abc import Sequence

import brian2 as b2

from spiking.engines.fused.names import refuse
from spiking.sources import cells_of, is_cells

__all__ = ["check"]

_KINDS = (b2.NeuronGroup, b2.PoissonGroup, b2.SpikeGeneratorGroup, b2.Synapses, b2.PoissonInput)
_WHOLE = 1e-6  # by how much a clock's step may miss a whole number of the shortest steps, relative


def check(objects: Sequence[b2.BrianObject]) -> float:
    """The shortest time step of the objects, in seconds.

    Raises
    ------
    ValueError
        For objects of other kinds, and for clocks whose steps are no whole number of the shortest.
    """
    for o in objects:
        if type(o) not in _KINDS:
            raise refuse(type(o).__name__, o.name)
        if "__" in o.name:
            raise refuse("names with two underscores", o.name)
        if isinstance(o, b2.Synapses) and not all(is_cells(cells_of(end)) for end in (o.source, o.target)):
            raise refuse("synapses of synapses and of other sources", o.name)
    clocks = {part.clock for o in objects for part in (o, *o.contained_objects)}
    shortest = min(clock.dt_ for clock in clocks)
    for clock in clocks:
        if abs(clock.dt_ / shortest - round(clock.dt_ / shortest)) > _WHOLE * clock.dt_ / shortest:
            raise refuse("clocks whose steps are no multiple of the shortest", clock.name)
    return float(shortest)
