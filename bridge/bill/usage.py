"""What a spiking head did in a run: rows, spikes, cell updates, and the operations that they took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace

import numpy as np

from bridge.bill.counts import Counts, repeated
from bridge.bill.operations import CircuitOperations, circuit_operations
from spiking import RowCircuit, Selection
from spiking.circuit import row_program
from spiking.template import template_of

__all__ = [
    "Usage",
    "Work",
    "is_heard",
    "is_paused",
    "listening",
    "off_the_bill",
    "report",
    "report_work",
]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a spiking head did, summed over its calls; `Usage()` is nothing yet, and `+` adds.

    Two machines could have done it, and each has its own operations. A digital one computes what the engine that
    ran computes: it updates every cell at every step, or where cells are not stepped draws their spikes:
    `simulated`. Neuromorphic hardware updates all its cells, whichever engine stands in for it, but a synapse
    costs something only when a spike passes: `events`, with synaptic operations, spikes times fan-out. In the
    gamma circuit an E spike goes to every I cell of its row, an I spike to every E cell. What counted spikes do to
    the values is not in either: the counter (`bridge.count`) sees the read-out itself, and takes `spikes` for its
    events.

    Spikes are those of the measured window. Those of the settling time are not recorded; in `simulated` and
    `events` they are taken at the rate of the window, row by row.
    """

    calls: int = 0
    rows: int = 0
    keys: int = 0  # keys that took part, summed over the rows
    silent_rows: int = 0  # rows without a counted spike
    spikes: int = 0  # of the cells that stand for keys
    other_spikes: int = 0  # of all other cells
    updates: int = 0  # cells times steps, settling included, whether they were stepped here or not
    fired: int = 0  # spikes of all cells, those of the settling time estimated
    dense_synops: int = 0  # what `events` would hold if every cell spiked at every step
    graded_synops: int = 0  # synapses times steps, of those that hand on a number at every step
    simulated_ms: float = 0.0  # biological time, settling included, summed over the rows
    unknown_rows: int = 0  # of a circuit whose operations are not known: they are in neither of the next two
    simulated: Counts = field(default_factory=Counts)
    events: Counts = field(default_factory=Counts)

    @classmethod
    def of(cls, selection: Selection, circuit: object, *, precision: str = "float32") -> Usage:
        """Count one call from the circuit's own record.

        Parameters
        ----------
        selection : Selection
            What `circuit.attend` returned.
        circuit : RowCircuit
            Of another object, and of a circuit that only Brian2 simulates, the operations are not known.
        precision : {"float32", "float64"}
            What the simulation computed in; sets the bytes.
        """
        n_rows, per_row = len(selection.counts), selection.n_spikes
        other = sum(int(n.sum()) for n in selection.other_counts.values())
        seen = cls(
            calls=1,
            rows=n_rows,
            keys=int(np.count_nonzero(selection.mask)),
            silent_rows=int(selection.silent.sum()),
            spikes=int(per_row.sum()),
            other_spikes=other,
        )
        if not _is_known(circuit, precision):
            return replace(seen, unknown_rows=n_rows)
        assert isinstance(circuit, RowCircuit)
        return seen + _work(selection, per_row, circuit, precision)

    @classmethod
    def drawn(cls, counts: np.ndarray, mask: np.ndarray | None = None) -> Usage:
        """Rows whose spikes were drawn from a law instead of simulated: one random number a spike.

        Parameters
        ----------
        counts : (n_rows, n_keys) array
            Spikes per key.
        mask : (n_rows, n_keys) bool array, optional
            True where a key takes part.
        """
        per_row = counts.sum(axis=1)
        drawn = Counts(random_draws=int(per_row.sum()))
        return cls(
            calls=1,
            rows=len(counts),
            keys=counts.size if mask is None else int(np.count_nonzero(mask)),
            silent_rows=int((per_row == 0).sum()),
            spikes=int(per_row.sum()),
            simulated=drawn,
            events=drawn,
        )

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


def _is_known(circuit: object, precision: str) -> bool:
    """Whether the operations of a circuit can be counted."""
    if not isinstance(circuit, RowCircuit):
        return False
    try:
        circuit_operations(circuit, precision)
    except (ValueError, TypeError):  # what the fused engine does not cover, or fields without a hash
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """What the rows of a selection did, settling included."""

    steps: np.ndarray  # (n_rows,)
    cells: Mapping[str, np.ndarray]  # group -> (n_rows,)
    fired: Mapping[str, np.ndarray]  # spiking group -> (n_rows,) spikes, those of the settling time estimated
    counted: str
    unit: int  # cells of each key
    early: np.ndarray  # (n_rows,) bool: ended before their time

    @classmethod
    def of(cls, selection: Selection, spikes: np.ndarray, circuit: RowCircuit) -> _Rows:
        template, dt_ms = template_of(circuit), row_program(circuit).dt_ms
        settle = round(template.wiring.settle_ms / dt_ms)
        steps = settle + np.round(selection.row_ms / dt_ms).astype(np.int64)
        stretch = steps / (steps - settle)  # spikes of the settling time, at the rate of the window
        seen = {template.wiring.counts: spikes, **selection.other_counts}
        return cls(
            steps=steps,
            cells=selection.n_cells,
            fired={group: n * stretch for group, n in seen.items()},
            counted=template.wiring.counts,
            unit=template.unit,
            early=selection.row_ms < selection.duration_ms,
        )

    def passed(self, operations: CircuitOperations, pathway: str) -> int:
        """Synapses of a pathway that spikes passed."""
        source, fan_out = operations.pathways[pathway][0], operations.fan_out(pathway, self.cells)
        if (fan_out == fan_out[0]).all():
            return _whole(fan_out[0] * _whole(self.fired[source].sum()))
        return _whole((self.fired[source] * fan_out).sum())

    def dense(self, operations: CircuitOperations, pathway: str) -> int:
        """The same if every cell spiked at every step."""
        source, fan_out = operations.pathways[pathway][0], operations.fan_out(pathway, self.cells)
        return _whole((self.cells[source] * self.steps * fan_out).sum())


def _work(selection: Selection, spikes: np.ndarray, circuit: RowCircuit, precision: str) -> Usage:
    """The operations that a selection took; `spikes` (n_rows,) are its counted ones."""
    rows, cells = _Rows.of(selection, spikes, circuit), circuit_operations(circuit, precision)
    updates = sum(
        int((rows.cells[group] * rows.steps).sum()) for group, cost in cells.step.items() if cost != Counts()
    )
    stepped = repeated(_simulated(rows, cells))
    here = stepped
    if not selection.stepped:
        here = repeated(_simulated(rows, circuit_operations(circuit, precision, stepped=False)))
    return Usage(
        updates=updates,
        fired=sum(_whole(n.sum()) for n in rows.fired.values()),
        dense_synops=sum(rows.dense(cells, pathway) for pathway in cells.pathways),
        graded_synops=sum(
            int((rows.cells[source] * rows.cells[target] * rows.steps).sum())
            for source, target, _ in cells.summed.values()
        ),
        simulated_ms=float(rows.steps.sum() * row_program(circuit).dt_ms),
        simulated=here,
        events=Counts(
            synops=sum(rows.passed(cells, pathway) for pathway in cells.pathways),
            neuron_updates=updates,
            random_draws=stepped.random_draws,
        ),
    )


def _simulated(rows: _Rows, operations: CircuitOperations) -> Iterator[tuple[Counts, int]]:
    """What a digital machine does, and how often."""
    yield operations.row_step, int(rows.steps.sum())
    for group, cost in operations.step.items():
        n_cells = rows.cells[group]
        yield cost, int((n_cells * rows.steps).sum())
        yield operations.begin[group], int(n_cells.sum())
    for group, cost in operations.reset.items():
        yield cost, _whole(rows.fired[group].sum())
    for pathway, cost in operations.arrival.items():
        if cost != Counts():
            yield cost, rows.passed(operations, pathway)
    for source, target, cost in operations.summed.values():
        yield cost, int((rows.cells[source] * rows.cells[target] * rows.steps).sum())
    for group, by_events in operations.by_events.items():
        yield from by_events.of(rows.cells[group], rows.unit, rows.steps, rows.fired[group], rows.early)


def _whole(number: float) -> int:
    return round(float(number))


@dataclass(frozen=True, kw_only=True)
class Work:
    """Operations of a head that no kernel of PyTorch shows."""

    part: str  # of `bridge.bill.energy.PARTS`
    simulated: Counts  # on a digital machine
    events: Counts  # on neuromorphic hardware

    @classmethod
    def on_scores(cls, n_scores: int, itemsize: int) -> Work:
        """Scores that are checked, masked and handed to a circuit, counts that become shares."""
        each = Counts(acs=2, divisions=1, bytes_tensor=3 * itemsize + 1 + 8)
        return cls(part="score map", simulated=each * n_scores, events=each * n_scores)

    @classmethod
    def by_spikes(cls, *, rows: int, spikes: int, dim: int, bytes_tensor: int) -> Work:
        """Values that are read out by spikes: a vector is added for each, and the sum divided once a row.

        A key that spiked several times counts as so many additions, although one multiply-accumulate does the same.

        Parameters
        ----------
        rows, spikes : int
        dim : int
            Of a value.
        bytes_tensor : int
            Value vectors that were touched, each once, spike counts and output.
        """
        added = Counts(acs=spikes * dim, multiplies=rows * dim, bytes_tensor=bytes_tensor)
        return cls(part="read-out", simulated=added, events=Counts(synops=spikes * dim))


Listener = Callable[[Usage | Work], None]
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())
_paused: ContextVar[bool] = ContextVar("paused", default=False)


def report(usage: Usage) -> Usage:
    """Tell every open counter what a head has just done; a head calls this once a call. Returns its argument."""
    _tell(usage)
    return usage


def report_work(work: Work) -> None:
    """Tell every open counter of work besides the simulation."""
    _tell(work)


def is_heard() -> bool:
    """Whether a counter is open, so that what only it asks for need not be computed otherwise."""
    return bool(_listeners.get())


def _tell(done: Usage | Work) -> None:
    for listener in _listeners.get():
        listener(done)


@contextmanager
def off_the_bill() -> Iterator[None]:
    """What runs inside the block is no part of the model's work (a check made once), and is not counted."""
    token = _paused.set(True)
    try:
        yield
    finally:
        _paused.reset(token)


def is_paused() -> bool:
    """Whether a block `off_the_bill` is open."""
    return _paused.get()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hear every `report` inside the block."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)
