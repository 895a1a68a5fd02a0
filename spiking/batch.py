"""Rows side by side: what the Brian2 objects of one row hold, and a batch of such rows for an engine.

Code comes from the objects of a single row; what differs between rows are numbers of cells, values, and who is
connected with whom. Both engines take the same batch.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import or_
from typing import Any, Protocol

import brian2 as b2
import numpy as np

from spiking.budget import Budget
from spiking.refs import Ref
from spiking.streams import Streams

__all__ = ["FIELD_DT_MS", "Batch", "Begins", "RowArrays", "SynapseArrays", "Traits", "Wanted"]

FIELD_DT_MS = 1.0  # between samples of a row's field
Own = Mapping[Ref, np.ndarray]  # values of variables, one row after another


class Begins(Protocol):
    """How rows begin (`spiking.engines.start.Start`), as engines read it."""

    @property
    def expressions(self) -> Mapping[Ref, ast.expr]: ...
    def site_of_key_phase(self, ref: Ref) -> int | None: ...


@dataclass(frozen=True, kw_only=True)
class SynapseArrays:
    """The synapses of one row, one by one, those of each source cell together."""

    source: np.ndarray  # (n_synapses,) int64, cell of the source group, ascending
    target: np.ndarray  # (n_synapses,) int64
    values: Mapping[str, np.ndarray]  # their own variables, (n_synapses,) or (1,) where shared
    delays_s: Mapping[str, np.ndarray]  # pathway -> (n_synapses,) or (1,)

    def is_full(self, n_source: int, n_target: int) -> bool:
        """Whether each pair of cells is connected once."""
        if len(self.source) != n_source * n_target:
            return False
        pairs = np.sort(self.source * n_target + self.target)
        return bool((pairs == np.arange(len(pairs))).all())

    def each(self, variable: str) -> np.ndarray:
        """A variable of every synapse."""
        return np.broadcast_to(self.values[variable], self.source.shape)

    @cached_property
    def is_ordered(self) -> bool:
        """Whether those of one source cell are listed by target."""
        return bool(((np.diff(self.source) > 0) | (np.diff(self.target) > 0)).all())


@dataclass(frozen=True, kw_only=True)
class RowArrays:
    """What the Brian2 objects of one row hold."""

    sizes: Mapping[str, int]  # cells of each group
    values: Mapping[
        Ref, np.ndarray
    ]  # the groups' own state variables, in SI units: (n_cells,), shared ones (1,)
    links: Mapping[
        Ref, np.ndarray
    ]  # linked variable, or its index -> the source's cells it reads, (n_cells,)
    ends: Mapping[str, tuple[str, str]]  # synapses -> source and target group
    synapses: Mapping[str, SynapseArrays]
    given_traits: Traits | None = None

    @cached_property
    def traits(self) -> Traits:
        """What a compiler may count on."""
        if self.given_traits is not None:
            return self.given_traits
        full = {
            name
            for name, (source, target) in self.ends.items()
            if source in self.sizes
            and target in self.sizes  # no subgroups or other sources of spikes
            and self.synapses[name].is_full(self.sizes[source], self.sizes[target])
        }
        return Traits(
            spread=frozenset(ref for ref, v in self.values.items() if len(v) and not (v == v[0]).all()),
            full=frozenset(full),
            ordered=frozenset(name for name in full if self.synapses[name].is_ordered),
        )


@dataclass(frozen=True)
class Traits:
    """What holds for the values and connections of some rows, whatever their sizes."""

    spread: frozenset[Ref]  # variables that differ between the cells of some row
    full: frozenset[str]  # synapses that connect each pair of cells once, in every row
    ordered: frozenset[str]  # of these, those that are listed by source and target

    def __or__(self, other: Traits) -> Traits:
        """What holds for the rows of both."""
        return Traits(self.spread | other.spread, self.full & other.full, self.ordered & other.ordered)


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
    kinds: Sequence[RowArrays]  # the distinct rows
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
            kinds=(self.kinds[self.kind_of[number]],),
            kind_of=np.zeros(1, dtype=np.int64),
            own=lambda rows, only: values,
            rebuild=lambda row: self.rebuild(number),
            streams=streams,
        )

    @cached_property
    def groups(self) -> dict[str, b2.NeuronGroup]:
        return {o.name: o for o in self.objects if isinstance(o, b2.NeuronGroup)}

    @cached_property
    def traits(self) -> Traits:
        """What holds for all rows."""
        different = {id(kind.traits): kind.traits for kind in self.kinds}
        return reduce(or_, different.values())

    def n_cells(self, group: str) -> np.ndarray:
        """Cells of a group in each row, (n_rows,) int64."""
        return self._sizes[group]

    @cached_property
    def _sizes(self) -> Mapping[str, np.ndarray]:
        return {
            group: np.array([kind.sizes[group] for kind in self.kinds], dtype=np.int64)[self.kind_of]
            for group in self.kinds[0].sizes
        }

    def values(self, ref: Ref, rows: range, own: Own) -> np.ndarray:
        """A variable of the rows, one after another: their own, or what their objects hold."""
        if ref in own:
            return own[ref]
        return self.joined(rows, lambda kind: kind.values[ref])

    def links(self, ref: Ref, rows: range) -> np.ndarray:
        """The cells, within their row, that a linked variable reads."""
        if ref not in self.kinds[0].links:  # read through a subexpression: it has the link's own index
            ref = Ref(ref.group, self.groups[ref.group].variables.indices[ref.variable])
        return self.joined(rows, lambda kind: kind.links[ref])

    def ends(self, synapses: str, end: str, rows: range) -> np.ndarray:
        """The "source" or "target" cells of synapses, within their row."""
        return self.joined(rows, lambda kind: getattr(kind.synapses[synapses], end))

    def first_synapses(self, synapses: str, rows: range) -> np.ndarray:
        """Where the synapses of each source cell begin within the row, one more than its cells."""
        return self.joined(rows, lambda kind: _firsts(kind, synapses))

    def weights(self, ref: Ref, rows: range, own: Own) -> np.ndarray:
        """A variable of the synapses."""
        if ref in own:
            return own[ref]
        return self.joined(rows, lambda kind: kind.synapses[ref.group].each(ref.variable))

    def delays_s(self, synapses: str, pathway: str, rows: range) -> np.ndarray:
        """The delays of a pathway."""
        return self.joined(rows, lambda kind: kind.synapses[synapses].delays_s[pathway])

    def joined(self, rows: range, part: Callable[[RowArrays], np.ndarray]) -> np.ndarray:
        """One array of each row, one after another."""
        kind_of = self.kind_of[rows.start : rows.stop]
        parts = [part(kind) for kind in self.kinds]
        first = parts[0]
        if all(p is first or np.array_equal(p, first) for p in parts[1:]):
            if len(first) and (first == first[0]).all():
                return np.full(len(first) * len(kind_of), first[0])
            return np.tile(first, len(kind_of))
        if all((p == first[:1]).all() for p in parts):  # rows of different sizes, one value
            total = np.array([len(p) for p in parts])[kind_of].sum()
            return np.full(total, first[0])
        return np.concatenate([parts[k] for k in kind_of])


def _firsts(kind: RowArrays, synapses: str) -> np.ndarray:
    source, _ = kind.ends[synapses]
    return np.searchsorted(kind.synapses[synapses].source, np.arange(kind.sizes[source] + 1))
