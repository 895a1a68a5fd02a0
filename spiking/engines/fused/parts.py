"""What a program consists of: groups of cells, lists of synapses, and the steps of one time step in their order.

A program says what one row does, whatever its numbers of cells. In its expressions a variable is called by the
identifier of its `Ref`. What a row holds only once (a synaptic sum, a value that all cells share) is a scalar of
the row, everything else an array over the row's cells, or over its synapses.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from spiking.engines.fused.fold import draws, names
from spiking.engines.fused.names import Assignment, Table
from spiking.engines.fused.text import Lines
from spiking.refs import Ref

if TYPE_CHECKING:
    from spiking.batch import Batch, Own

__all__ = [
    *("Bundle", "Cells", "Code", "Given", "Pathway", "Program", "Reset", "SynapseCode"),
    *("Step", "Summed", "Threshold", "Transmission", "Unstepped", "channel"),
]


def channel(group: str, event: str) -> str:
    """What an event of a group is called in the kernel: spikes by the group alone."""
    return group if event == "spike" else f"{group}__{event}"


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A group of the circuit."""

    name: str
    arrays: tuple[Ref, ...]  # variables with one value per cell
    kinds: Mapping[str, str]  # "float", "bool" or "int" of every variable
    links: Mapping[Ref, Ref]  # linked variables with an index -> what they read
    spikes: bool
    refractory: bool
    stepped: bool = True  # otherwise an `Unstepped` part of the program makes its spikes


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Synapses that are kept one by one, ordered by their source cell."""

    name: str
    source: str
    target: str
    complete: bool  # every pair of cells once, in order: the targets need no list
    arrays: tuple[Ref, ...]  # the synapses' own variables
    sources: bool = False  # whether the source cell of each synapse is listed as well


@dataclass(frozen=True, kw_only=True)
class Code:
    """Statements for every cell of a group, or for the row when they touch only scalars."""

    group: str
    body: tuple[Assignment, ...]
    every: int = 1  # steps of the program from one time to the next


@dataclass(frozen=True, kw_only=True)
class _Event:
    """What concerns one event of a group."""

    group: str
    event: str = "spike"
    every: int = 1

    @property
    def channel(self) -> str:
        return channel(self.group, self.event)


@dataclass(frozen=True, kw_only=True)
class Threshold(_Event):
    """Where the event happens."""

    condition: ast.expr


@dataclass(frozen=True, kw_only=True)
class Given:
    """Spikes that are known beforehand."""

    group: str
    every: int = 1

    @property
    def channel(self) -> str:
        return self.group


@dataclass(frozen=True, kw_only=True)
class Reset(_Event):
    """Statements for the cells that spiked, or in which another event happened."""

    body: tuple[Assignment, ...]


@dataclass(frozen=True, kw_only=True)
class Pathway:
    """Spikes of `source`, which after `delay` steps add to cells of `target` (or to the row).

    Each statement's expression is what one spike adds, by one synapse of `bundle`; without a bundle, to
    every cell of the target.
    """

    name: str
    source: str
    target: str
    delay: int
    body: tuple[Assignment, ...]
    bundle: str | None
    event: str = "spike"
    every: int = 1

    @property
    def channel(self) -> str:
        return channel(self.source, self.event)


@dataclass(frozen=True, kw_only=True)
class Transmission:
    """Spikes that run statements at synapses, one by one: any that Brian2 allows, in the order of Brian2's queue.

    The spikes are those of the source, or if they travel `backward`, for on_post, those of the target. `route` says
    that the synapses of a firing cell are listed in the order in which a spike reaches them.
    """

    name: str
    source: str
    target: str
    backward: bool
    delay: int | None  # None where synapses differ in their delays
    body: tuple[Assignment, ...]
    bundle: str
    route: bool
    event: str = "spike"
    every: int = 1

    @property
    def firing(self) -> str:
        """The group whose spikes they are."""
        return self.target if self.backward else self.source

    @property
    def channel(self) -> str:
        return channel(self.firing, self.event)


@dataclass(frozen=True, kw_only=True)
class SynapseCode:
    """Statements for every synapse, at every step."""

    name: str
    source: str
    target: str
    body: tuple[Assignment, ...]
    bundle: str
    every: int = 1


@dataclass(frozen=True, kw_only=True)
class Summed:
    """A variable of `target`, or for one that goes `backward` of `source`, that is a sum over synapses.

    Without a bundle the sum goes over all cells of `source` and is the same for every target.
    """

    name: str
    source: str
    target: str
    body: tuple[Assignment, ...]  # one: what each synapse adds
    bundle: str | None
    backward: bool = False
    within: tuple[int, int] | None = None  # of a subgroup: its cells in the group
    every: int = 1

    @property
    def summing(self) -> str:
        """The group of the variable."""
        return self.source if self.backward else self.target


class Unstepped(ABC):
    """What makes the spikes of a group whose cells are not stepped, in the place of its threshold."""

    @property
    @abstractmethod
    def group(self) -> str: ...

    @property
    @abstractmethod
    def imports(self) -> tuple[str, ...]:
        """Lines that the kernel's module needs at its head."""

    @property
    @abstractmethod
    def arguments(self) -> tuple[str, ...]:
        """Names of the kernel's arguments that it reads."""

    @property
    def held(self) -> tuple[Ref, ...]:
        """The variables of cells whose first values it reads."""
        return ()

    @abstractmethod
    def arrays(self, batch: Batch, rows: range, own: Own, real: np.dtype[Any]) -> Mapping[str, np.ndarray]:
        """These arguments, for some rows."""

    @abstractmethod
    def write_kernel(self, writer: Lines) -> None:
        """Write what comes before all rows."""

    @abstractmethod
    def write_row(self, writer: Lines) -> None:
        """Write how a row begins."""

    @abstractmethod
    def write_step(self, writer: Lines, *, record: bool, listed: bool) -> None:
        """Write how many cells fire in a step, `spikes_group`, and if they are listed which, `fired_group`."""

    def write_end(self, writer: Lines) -> None:  # noqa: B027  # nothing, unless spikes are counted at the end
        """Write what comes after a row's last step."""


Step = Code | Threshold | Given | Reset | Pathway | Transmission | SynapseCode | Summed | Unstepped


@dataclass(frozen=True, kw_only=True)
class Program:
    """One row's circuit, ready to be put into a kernel."""

    dt_ms: float
    cells: Mapping[str, Cells]
    bundles: Mapping[str, Bundle]
    steps: tuple[Step, ...]  # in the order of Brian2's schedule
    scalars: tuple[Ref, ...]
    tables: Mapping[str, Table]  # timed arrays by name
    begins: Mapping[Ref, float] = field(default_factory=dict)  # scalars that begin alike in every row

    @property
    def unstepped(self) -> tuple[Unstepped, ...]:
        """What makes the spikes of cells that are not stepped."""
        return tuple(step for step in self.steps if isinstance(step, Unstepped))

    @cached_property
    def arrays(self) -> dict[str, Ref]:
        """Variables with one value per cell, by identifier."""
        return {ref.identifier: ref for cells in self.cells.values() for ref in cells.arrays}

    @cached_property
    def links(self) -> dict[str, tuple[Ref, Ref]]:
        """Linked variables with an index, by identifier, and what they read."""
        return {ref.identifier: (ref, at) for cells in self.cells.values() for ref, at in cells.links.items()}

    @cached_property
    def reads(self) -> set[str]:
        """All names in expressions."""
        expressions = [a.value for step in self.steps for a in getattr(step, "body", ())]
        expressions += [step.condition for step in self.steps if isinstance(step, Threshold)]
        return set().union(*map(names, expressions))

    @property
    def reads_time(self) -> bool:
        """Whether any expression reads the time t."""
        return "t" in self.reads

    @cached_property
    def synaptic(self) -> dict[str, Ref]:
        """Variables with one value per synapse, by identifier."""
        return {ref.identifier: ref for bundle in self.bundles.values() for ref in bundle.arrays}

    @cached_property
    def listing(self) -> tuple[Transmission | Given, ...]:
        """Steps that bring lists of their own: the orders of synapses, given spikes."""
        return tuple(
            s for s in self.steps if isinstance(s, Given) or (isinstance(s, Transmission) and s.route)
        )

    @cached_property
    def drawing(self) -> set[str]:
        """Synapses whose statements draw random numbers."""
        at_synapses = [step for step in self.steps if isinstance(step, (Transmission, SynapseCode))]
        return {step.bundle for step in at_synapses if any(draws(a.value) for a in step.body)}

    @cached_property
    def plastic(self) -> tuple[Ref, ...]:
        """Of these, those that change."""
        written = {a.target for step in self.steps for a in getattr(step, "body", ())}
        return tuple(ref for name, ref in self.synaptic.items() if name in written)
