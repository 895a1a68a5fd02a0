"""What a spiking head did in a run: rows, spikes, cell updates, and the operations behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields

import numpy as np

from bridge.bill.operations import Counts, circuit_operations
from spiking import GammaParams, Selection

__all__ = ["Usage", "is_paused", "listening", "off_the_bill", "report"]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a spiking head did, summed over its calls; `Usage()` is nothing yet, and `+` adds.

    Two machines could have done it, and each has its own operations. A digital one updates every cell at
    every step: `simulated`. Neuromorphic hardware also updates its cells, but a synapse costs something only
    when a spike passes: `events`, with synaptic operations, spikes times fan-out. An E spike goes to every I
    cell of its row, an I spike to every E cell. What E spikes do to the values is not in either: the counter
    (`bridge.count`) sees the read-out itself, and takes `exc_spikes` for its events.

    Spikes are those of the measured window. Those of the settling time are not recorded; in `simulated` and
    `events` they are taken at the rate of the window, row by row.
    """

    calls: int = 0
    rows: int = 0
    keys: int = 0  # keys that took part, summed over the rows
    silent_rows: int = 0  # rows without an E spike
    exc_spikes: int = 0
    inh_spikes: int = 0
    exc_updates: int = 0  # E cells times steps, settling included
    inh_updates: int = 0  # I cells times steps
    simulated_ms: float = 0.0  # biological time, settling included, summed over the rows
    unknown_rows: int = 0  # of a circuit whose operations are not known: they are in neither of the next two
    simulated: Counts = field(default_factory=Counts)
    events: Counts = field(default_factory=Counts)

    @classmethod
    def of(
        cls,
        selection: Selection,
        params: GammaParams,
        *,
        precision: str = "float32",
    ) -> Usage:
        """Count one call from the circuit's own record.

        Parameters
        ----------
        selection : Selection
            What `GammaCircuit.attend` returned.
        params : GammaParams
            Of that circuit.
        precision : {"float32", "float64"}
            What the simulation computed in; sets the bytes.
        """
        n_rows = len(selection.counts)
        settle = round(params.settle_ms / params.dt_ms)
        steps = settle + np.round(selection.row_ms / params.dt_ms).astype(np.int64)
        keys = selection.mask.sum(axis=1)
        exc, inh = selection.counts.sum(axis=1), selection.inh_counts
        cells = keys * params.n_cells
        stretch = steps / (steps - settle)  # spikes of the settling time, at the rate of the window
        done = {
            "row_steps": int(steps.sum()),
            "exc_steps": int((cells * steps).sum()),
            "inh_steps": int(params.n_inh * steps.sum()),
            "exc_resets": round(float((exc * stretch).sum())),
            "inh_resets": round(float((inh * stretch).sum())),
            "exc_cells": int(cells.sum()),
            "inh_cells": params.n_inh * n_rows,
        }
        passed = params.n_inh * done["exc_resets"] + round(float((inh * stretch * cells).sum()))
        updates = done["exc_steps"] + done["inh_steps"]
        simulated = circuit_operations(params, precision).total(**done)
        return cls(
            calls=1,
            rows=n_rows,
            keys=int(keys.sum()),
            silent_rows=int(selection.silent.sum()),
            exc_spikes=int(exc.sum()),
            inh_spikes=int(inh.sum()),
            exc_updates=done["exc_steps"],
            inh_updates=done["inh_steps"],
            simulated_ms=float(steps.sum() * params.dt_ms),
            simulated=simulated,
            events=Counts(synops=passed, neuron_updates=updates, random_draws=simulated.random_draws),
        )

    @classmethod
    def unknown(cls, selection: Selection) -> Usage:
        """A call of a circuit of another kind: what its spikes tell, and that its operations are not known."""
        n_rows = len(selection.counts)
        return cls(
            calls=1,
            rows=n_rows,
            keys=int(selection.mask.sum()),
            silent_rows=int(selection.silent.sum()),
            exc_spikes=int(selection.counts.sum()),
            inh_spikes=int(selection.inh_counts.sum()),
            unknown_rows=n_rows,
        )

    @classmethod
    def drawn(cls, counts: np.ndarray, mask: np.ndarray) -> Usage:
        """Rows whose spikes were drawn from a law instead of simulated: one random number a spike.

        Parameters
        ----------
        counts, mask : (n_rows, n_keys) arrays
            Spikes per key, and True where a key takes part.
        """
        drawn = Counts(random_draws=int(counts.sum()))
        return cls(
            calls=1,
            rows=len(counts),
            keys=int(mask.sum()),
            silent_rows=int((counts.sum(axis=1) == 0).sum()),
            exc_spikes=int(counts.sum()),
            simulated=drawn,
            events=drawn,
        )

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


Listener = Callable[[Usage], None]
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())
_paused: ContextVar[bool] = ContextVar("paused", default=False)


def report(usage: Usage) -> Usage:
    """Tell every open counter what a head has just done; a head calls this once a call. Returns its argument."""
    for listener in _listeners.get():
        listener(usage)
    return usage


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
