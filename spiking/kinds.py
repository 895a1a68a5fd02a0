"""The distinct rows of a batch: what the Brian2 objects of each hold, seen together once for all batches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from typing import Any, overload

import numpy as np

from spiking.refs import Ref

__all__ = ["GivenSpikes", "Kinds", "RowArrays", "SynapseArrays", "Traits"]


@dataclass(frozen=True, kw_only=True)
class SynapseArrays:
    """The synapses of one row, one by one, those of each source cell together."""

    source: np.ndarray  # (n_synapses,) int64, cell of the source group, ascending
    target: np.ndarray  # (n_synapses,) int64
    values: Mapping[str, np.ndarray]  # their own variables, (n_synapses,) or (1,) where shared
    delays_s: Mapping[str, np.ndarray]  # pathway -> (n_synapses,) or (1,)
    made: np.ndarray | None = None  # (n_synapses,) their numbers in Brian2's own order

    def is_full(self, n_source: int, n_target: int) -> bool:
        """Whether each pair of cells is connected once."""
        if len(self.source) != n_source * n_target:
            return False
        pairs = np.sort(self.source * n_target + self.target)
        return bool((pairs == np.arange(len(pairs))).all())

    def each(self, variable: str) -> np.ndarray:
        """A variable of every synapse."""
        return np.broadcast_to(self.values[variable], self.source.shape)

    def route(
        self, pathway: str, *, backward: bool, n_cells: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The order in which the spikes of a pathway reach its synapses.

        Parameters
        ----------
        pathway : str
        backward : bool
            Whether target cells send the spikes.
        n_cells : int
            Cells that may send.

        Returns
        -------
        order : (n_synapses,) array
            Synapses by sending cell and delay, equal ones as Brian2's queue has them.
        first : (n_cells + 1,) array
            Where those of each cell begin.
        delays_s : (n_synapses,) array
            In that order.
        """
        cell = self.target if backward else self.source
        delays = np.broadcast_to(self.delays_s[pathway], cell.shape)
        made = np.arange(len(cell)) if self.made is None else self.made
        order = np.lexsort((made, delays, cell))
        return order, np.searchsorted(cell[order], np.arange(n_cells + 1)), delays[order]

    @property
    def places(self) -> np.ndarray:
        """Where the synapses of Brian2's own order are here, (n_synapses,)."""
        return np.arange(len(self.source)) if self.made is None else np.argsort(self.made)

    @cached_property
    def is_ordered(self) -> bool:
        """Whether those of one source cell are listed by target."""
        return bool(((np.diff(self.source) > 0) | (np.diff(self.target) > 0)).all())


@dataclass(frozen=True, kw_only=True)
class GivenSpikes:
    """The spikes of a SpikeGeneratorGroup, in steps of its clock."""

    steps: np.ndarray  # (n_spikes,) int64, ascending
    cells: np.ndarray  # (n_spikes,) int64
    period: int  # 0 where they come once


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
    spikes: Mapping[str, GivenSpikes] = field(default_factory=dict)  # of groups whose spikes are given

    def first_synapses(self, name: str) -> np.ndarray:
        """Where the synapses of each source cell begin, one more than its cells."""
        source, _ = self.ends[name]
        return np.searchsorted(self.synapses[name].source, np.arange(self.sizes[source] + 1))

    def route(self, name: str, pathway: str, *, backward: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The order in which spikes reach synapses (`SynapseArrays.route`)."""
        n_cells = self.sizes[self.ends[name][backward]]
        return self.synapses[name].route(pathway, backward=backward, n_cells=n_cells)

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
            delays_s=frozenset(
                (name, pathway, float(held[0]) if (held == held[0]).all() else None)
                for name in self.ends
                for pathway, held in self.synapses[name].delays_s.items()
                if len(held)
            ),
        )


@dataclass(frozen=True)
class Traits:
    """What holds for the values and connections of some rows, whatever their sizes."""

    spread: frozenset[Ref]  # variables that differ between the cells of some row
    full: frozenset[str]  # synapses that connect each pair of cells once, in every row
    ordered: frozenset[str]  # of these, those that are listed by source and target
    # (synapses, pathway, delay), None where delays differ within a row; several where they differ between rows
    delays_s: frozenset[tuple[str, str, float | None]] = frozenset()

    def __or__(self, other: Traits) -> Traits:
        """What holds for the rows of both."""
        return Traits(
            self.spread | other.spread,
            self.full & other.full,
            self.ordered & other.ordered,
            self.delays_s | other.delays_s,
        )


class Kinds(Sequence[RowArrays]):
    """Distinct rows, and what is worked out from all of them.

    Parameters
    ----------
    rows : sequence of RowArrays
        At least one.
    """

    def __init__(self, rows: Sequence[RowArrays]) -> None:
        self._rows = tuple(rows)
        self._parts: dict[Hashable, _Parts] = {}
        self._first: dict[Ref, np.ndarray] = {}

    @overload
    def __getitem__(self, at: int) -> RowArrays: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[RowArrays]: ...
    def __getitem__(self, at: int | slice) -> RowArrays | Sequence[RowArrays]:
        return self._rows[at]

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def traits(self) -> Traits:
        """What holds for all of them."""
        different = {id(row.traits): row.traits for row in self._rows}
        return reduce(or_, different.values())

    @cached_property
    def sizes(self) -> Mapping[str, np.ndarray]:
        """Cells of each group, (n_kinds,) int64."""
        return {
            group: np.array([row.sizes[group] for row in self._rows], dtype=np.int64)
            for group in self._rows[0].sizes
        }

    def sizes_of(self, name: str) -> np.ndarray:
        """Cells of a group, or synapses of that name, (n_kinds,) int64."""
        if name in self.sizes:
            return self.sizes[name]
        return np.array([len(row.synapses[name].source) for row in self._rows], dtype=np.int64)

    def first(self, ref: Ref) -> np.ndarray:
        """What the first cell of each kind holds of a variable, (n_kinds,)."""
        if ref not in self._first:
            self._first[ref] = np.array([row.values[ref][0] for row in self._rows])
        return self._first[ref]

    def joined(
        self, kind_of: np.ndarray, what: Hashable | None, part: Callable[[RowArrays], np.ndarray]
    ) -> np.ndarray:
        """One array of each row, one after another.

        Parameters
        ----------
        kind_of : (n_rows,) array of int
            The kind of each row.
        what : hashable or None
            Names the array, so that what it has alike in all kinds is seen once; None for large ones.
        part : callable
            A kind's array.
        """
        parts = self._parts.get(what) or _Parts.of([part(row) for row in self._rows])
        if what is not None:
            self._parts[what] = parts
        return parts.joined(kind_of)


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """One array of each kind of row."""

    arrays: Sequence[np.ndarray]
    sizes: np.ndarray  # of the arrays
    are_same: bool
    value: Any  # the one that all hold, None where they hold several

    @classmethod
    def of(cls, arrays: Sequence[np.ndarray]) -> _Parts:
        first = arrays[0]
        others = [a for a in arrays if a is not first]
        return cls(
            arrays=arrays,
            sizes=np.array([len(a) for a in arrays]),
            are_same=all(np.array_equal(a, first) for a in others),
            value=first[0] if len(first) and all((a == first[0]).all() for a in (first, *others)) else None,
        )

    def joined(self, kind_of: np.ndarray) -> np.ndarray:
        """Those of some rows, one after another."""
        if self.value is not None:
            return np.full(self.sizes[kind_of].sum(), self.value, dtype=self.arrays[0].dtype)
        if self.are_same:
            return np.tile(self.arrays[0], len(kind_of))
        return np.concatenate([self.arrays[k] for k in kind_of])
