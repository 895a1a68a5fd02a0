"""Rows side by side: a batch for an engine.

Code comes from the objects of a single row; what differs between rows are numbers of cells, values, and who is
connected with whom. Both engines take the same batch.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import brian2 as b2
import numpy as np

from spiking.budget import Budget
from spiking.kinds import GivenSpikes, Kinds, RowArrays, Traits
from spiking.refs import Ref
from spiking.sources import Cells, groups_of
from spiking.streams import Streams

__all__ = ["FIELD_DT_MS", "Batch", "Begins", "Own", "Wanted"]

FIELD_DT_MS = 1.0  # between samples of a row's field
Own = Mapping[Ref, np.ndarray]  # values of variables, one row after another


class Begins(Protocol):
    """How rows begin (`spiking.engines.start.Start`), as engines read it."""

    @property
    def expressions(self) -> Mapping[Ref, ast.expr]: ...
    def site_of_key_phase(self, ref: Ref) -> int | None: ...


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked of an engine besides counts."""

    budget: Budget
    settle_ms: float
    spikes: tuple[str, ...] = ()  # groups whose spikes are recorded
    samples: tuple[Ref, ...] = ()  # variables that are recorded every `sample_ms` at the start of a step
    sample_ms: float = FIELD_DT_MS
    counted_whole: tuple[str, ...] = ()  # groups whose spikes before the window are counted, too
    likely_Hz: float = 20.0  # of a recorded cell: room for its spikes; a row with more of them is run again


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows of one circuit, or networks of one kind."""

    objects: Sequence[b2.BrianObject]  # of one row
    namespace: Mapping[str, object]
    kinds: Kinds  # the distinct rows
    kind_of: np.ndarray  # (n_rows,) int: which of them each row is
    streams: Streams
    counted: str | None = None  # the group whose spikes are counted by unit and end a row
    unit: int = 1  # cells of the counted group that are counted together
    varied: frozenset[Ref] = frozenset()  # variables that rows bring with them
    own: Callable[[range, Collection[Ref] | None], Own] = field(
        default=lambda rows, only: {}
    )  # their values, of all or only some
    score: Ref | None = None  # of them the one that receives each key's input
    at_keys: Callable[[range], Any] | None = None  # that input, by population; here or on a GPU
    start: Begins | None = None  # how the others begin
    rebuild: Callable[[int], Sequence[b2.BrianObject]]  # a row's objects, made anew

    @property
    def n_rows(self) -> int:
        return len(self.kind_of)

    def row(self, number: int, streams: Streams) -> Batch:
        """One of the rows as a batch."""
        values = self.own(range(number, number + 1), None)
        return replace(
            self,
            kinds=Kinds([self.kinds[self.kind_of[number]]]),
            kind_of=np.zeros(1, dtype=np.int64),
            own=lambda rows, only: values,
            rebuild=lambda row: self.rebuild(number),
            streams=streams,
        )

    @cached_property
    def groups(self) -> dict[str, Cells]:
        return groups_of(self.objects)

    @property
    def traits(self) -> Traits:
        """What holds for all rows."""
        return self.kinds.traits

    def n_cells(self, group: str) -> np.ndarray:
        """Cells of a group in each row, or synapses, (n_rows,) int64."""
        if group not in self._sizes:
            self._sizes[group] = self.kinds.sizes_of(group)[self.kind_of]
        return self._sizes[group]

    @cached_property
    def _sizes(self) -> dict[str, np.ndarray]:
        return {}

    def values(self, ref: Ref, rows: range, own: Own) -> np.ndarray:
        """A variable of the rows, one after another: their own, or what their objects hold."""
        if ref in own:
            return own[ref]
        return self._joined(rows, ref, lambda kind: kind.values[ref])

    def first_values(self, ref: Ref, rows: range) -> np.ndarray:
        """What the first cell of each row holds of a variable, (n_rows,)."""
        return self.kinds.first(ref)[self.kind_of[rows.start : rows.stop]]

    def links(self, ref: Ref, rows: range) -> np.ndarray:
        """The cells, within their row, that a linked variable reads."""
        if ref not in self.kinds[0].links:  # read through a subexpression: it has the link's own index
            ref = Ref(ref.group, self.groups[ref.group].variables.indices[ref.variable])
        return self._joined(rows, ("links", ref), lambda kind: kind.links[ref])

    def ends(self, synapses: str, end: str, rows: range) -> np.ndarray:
        """The "source" or "target" cells of synapses, within their row."""
        return self._joined(rows, None, lambda kind: getattr(kind.synapses[synapses], end))

    def first_synapses(self, synapses: str, rows: range) -> np.ndarray:
        """Where the synapses of each source cell begin within the row, one more than its cells."""
        return self._joined(rows, None, lambda kind: kind.first_synapses(synapses))

    def weights(self, ref: Ref, rows: range, own: Own) -> np.ndarray:
        """A variable of the synapses."""
        if ref in own:
            return own[ref]
        return self._joined(rows, None, lambda kind: kind.synapses[ref.group].each(ref.variable))

    def delays_s(self, synapses: str, pathway: str, rows: range) -> np.ndarray:
        """The delays of a pathway."""
        return self._joined(rows, None, lambda kind: kind.synapses[synapses].delays_s[pathway])

    def route(self, synapses: str, pathway: str, rows: range, *, backward: bool) -> list[np.ndarray]:
        """The orders in which spikes reach synapses (`SynapseArrays.route`), one row after another."""

        def part(n: int) -> Callable[[RowArrays], np.ndarray]:
            return lambda kind: kind.route(synapses, pathway, backward=backward)[n]

        return [self._joined(rows, ("route", synapses, pathway, n), part(n)) for n in range(3)]

    def given_spikes(self, group: str, rows: range) -> list[GivenSpikes]:
        """The given spikes of each row."""
        return [self.kinds[kind].spikes[group] for kind in self.kind_of[rows.start : rows.stop]]

    def _joined(
        self, rows: range, what: Hashable | None, part: Callable[[RowArrays], np.ndarray]
    ) -> np.ndarray:
        return self.kinds.joined(self.kind_of[rows.start : rows.stop], what, part)
