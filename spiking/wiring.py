"""One row of a circuit: what its author is given, and what the author returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

import brian2 as b2
import numpy as np

from spiking.refs import Ref

__all__ = ["Builds", "Row", "Wiring"]


@dataclass(frozen=True)
class Row:
    """The row that `RowCircuit.build` is to make.

    `rng` is for what differs from row to row in the wiring itself, such as random connections. A circuit that
    draws from it (or lets Brian2 draw, with rand() in an assignment) is built anew for every row; one that
    leaves all randomness to `Wiring.start` and to its equations is built once for all rows.
    """

    n_keys: int
    rng: np.random.Generator
    sizes: Mapping[str, int] = dataclasses.field(
        default_factory=dict
    )  # of inputs other than scores, such as dimensions


@dataclass(frozen=True)
class Wiring:
    """The Brian2 objects of one row, and what they mean.

    Parameters
    ----------
    objects : sequence of Brian2 objects
        Neuron groups and synapses, each with a name.
    counts : str
        The group whose spikes are counted. Its cells stand for the keys in order: the first n cells for key 0,
        the next n for key 1, and so on.
    scores : str or None
        "group.variable": a dimensionless parameter that receives each key's input, in every cell that stands
        for the key. None where keys come in otherwise (`RowCircuit.inputs`).
    field : str, optional
        "group.variable" that is taken for the row's field potential, such as a synaptic sum, from which its
        rhythm is read; of a variable per cell the mean.
    namespace : mapping, optional
        Constants of the equations with their dimensions, as for `brian2.Network.run`.
    start : mapping, optional
        "group.variable" -> expression in Brian2's language, with rand() and randn(), or a number: the value of
        each cell at the start of the settling time, drawn anew for every row. An expression may read the
        group's other variables, in the order given, the scores' among them, and i, the cell's number in its row.
        rand_row() is one uniform number for all cells of the row. In groups whose cells stand for keys (the
        counted group, and the one that receives scores) rand_key() is one for all cells of a key, and n_cells
        their number: "(rand_key() + i % n_cells) / n_cells" spreads the cells of each key evenly.
    settle_ms : float
        Time before the measured window.
    sample : sequence of str
        Further variables, "group.variable", that are recorded every millisecond.
    counted_whole : sequence of str
        Groups whose spikes before the measured window are counted as well.
    """

    objects: Sequence[b2.BrianObject]
    _: KW_ONLY
    counts: str
    scores: str | None
    field: str | None = None
    namespace: Mapping[str, object] = dataclasses.field(default_factory=dict)
    start: Mapping[str, str | float] = dataclasses.field(default_factory=dict)
    settle_ms: float = 0.0
    sample: Sequence[str] = ()
    counted_whole: Sequence[str] = ()

    @property
    def score_ref(self) -> Ref | None:
        """Where scores go in."""
        return None if self.scores is None else Ref.read(self.scores)

    @property
    def field_ref(self) -> Ref | None:
        """The field."""
        return None if self.field is None else Ref.read(self.field)

    @property
    def start_refs(self) -> dict[Ref, str]:
        """The expressions of the start, by variable."""
        return {Ref.read(name): str(expression) for name, expression in self.start.items()}

    @property
    def sampled(self) -> tuple[Ref, ...]:
        """What is recorded besides spikes: the field first."""
        return tuple(Ref.read(name) for name in ((self.field,) if self.field else ()) + tuple(self.sample))


class Builds(Protocol):
    """What makes rows: a `RowCircuit`, as those see it who read its rows."""

    def build(self, row: Row) -> Wiring: ...
    def template_key(self) -> object: ...
