"""Retrieval in several hops within one theta cycle: what one gamma cycle reads is the query of the next.

Slots as in `spiking.circuits.slots`. Scores come in from outside in the first slot only. Each spike sends the value
of its key on, as scores of all keys; what a slot sends is held until the next one begins, and drives it. The loop
holds the spikes of a slot, so that their sum is nearly a mean without a division.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import brian2 as b2
import numpy as np

from spiking.batch import Own
from spiking.budget import Budget
from spiking.cells.model import start_without_input
from spiking.cells.variant import GATE, CellVariant
from spiking.checks import check_kind, check_mask, check_scores, positive_int, positive_within, within
from spiking.circuit import RowCircuit
from spiking.circuits.gamma import gamma_row
from spiking.circuits.slots import Slotted, SlottedCircuit
from spiking.engines import Engine, Fused
from spiking.measures.selection import select
from spiking.params import GammaParams
from spiking.refs import Ref
from spiking.rows import Layout
from spiking.running import run_batch
from spiking.streams import Streams
from spiking.template import template_of
from spiking.wiring import Row, Wiring

__all__ = ["Hops", "two_slots"]

THETA = """
    before = slot
    slot = int(t / slot_time) % n_slots
    fresh = int(slot != before)
    gate = int(t % slot_time < open_time)
"""
HOLD = """
    held = coming * fresh + held * (1 - fresh)
    coming = coming * (1 - fresh)
"""
INPUT = """
    u = first * int(slot == 0) + held * int(slot > 0) : 1
    first : 1 (constant)
    coming : 1
    held : 1
    slot : 1 (linked)
    fresh : 1 (linked)
"""
FIRST, VALUE = Ref("exc", "first"), Ref("send", "value")


def two_slots() -> SlottedCircuit:
    """Slots of 40 Hz whose volleys are of one size whatever the slot before: GABA of 5 ms is over by then."""
    return SlottedCircuit(
        params=GammaParams.brief(gain=1.0, tau_gaba_ms=5.0), n_slots=2, slot_ms=25.0, open_ms=20.0
    )


@dataclass(frozen=True, kw_only=True)
class Hops(RowCircuit):
    """A circuit whose slots, two or more, are the hops of one retrieval."""

    slotted: SlottedCircuit = field(default_factory=two_slots)
    spikes: float = 25.0  # of a slot: a spike hands on its key's value over this number
    inhibition: float = 0.8  # of all cells by each spike, over the largest score that it hands on

    def __post_init__(self) -> None:
        check_kind("Hops.slotted", self.slotted, SlottedCircuit, "use two_slots()")
        positive_within("Hops", "spikes", self.spikes, 1e-3, 1e6)
        within("Hops", "inhibition", self.inhibition, 0.0, 10.0)
        if self.slotted.n_slots < 2 or self.slotted.tau_nmda_ms:
            raise ValueError(
                f"Hops.slotted must have two slots or more and no NMDA, got {self.slotted.n_slots} slots and "
                f"{self.slotted.tau_nmda_ms:g} ms; use two_slots()."
            )

    def build(self, row: Row) -> Wiring:
        """Make one row: each spike tells every E cell what its key's value, as a query, makes of that cell's key.

        It also inhibits all of them alike, so that their drive hardly depends on the size of the scores.
        """
        slotted = self.slotted
        params = replace(slotted.params, cell=CellVariant(cell=slotted.params.cell, gated=True))
        core = gamma_row(params, row.n_keys, score=INPUT + GATE)
        exc, clock = core["exc"], core["exc"].clock
        theta = b2.NeuronGroup(1, "before : 1\nslot : 1\nfresh : 1\ngate : 1", clock=clock, name="theta")
        theta.run_regularly(THETA, when="start", name="theta_clock")
        for name in ("slot", "fresh", "gate"):
            setattr(exc, name, b2.linked_var(theta, name))
        exc.run_regularly(HOLD, when="start", order=1, name="exc_hold")
        send = b2.Synapses(
            exc, exc, "value : 1 (constant)", on_pre="coming_post += value", clock=clock, name="send"
        )
        send.connect()
        start = {f"exc.{name}": e for name, e in start_without_input(params.cell).items()}
        return Wiring(
            [*core.values(), theta, send],
            scores=None,
            counts="exc",
            field="row.exc",
            namespace={
                **params.namespace(),
                "slot_time": slotted.slot_ms * b2.ms,
                "open_time": slotted.open_ms * b2.ms,
                "n_slots": slotted.n_slots,
            },
            start={**start, "inh.v": "0.5 * rand()"},
            settle_ms=slotted.n_slots * slotted.slot_ms,
        )

    def attend(  # type: ignore[override]
        self,
        first: np.ndarray,
        onward: np.ndarray,
        *,
        rng: np.random.Generator | Streams,
        periods: int = 1,
        engine: Engine = Fused(),
        progress: Callable[[float], None] | None = None,
    ) -> Slotted:
        """Retrieve: the first slot by scores, each other slot by what the one before has read.

        Parameters
        ----------
        first : (n_rows, n_keys) array
            Scores of the first slot.
        onward : (n_rows, n_keys, n_keys) array
            Scores that the value of each key, taken as a query, gives to every key.
        rng : numpy.random.Generator or Streams
        periods : int
            Theta periods that are measured; one before them settles.
        engine : Engine
        progress : callable, optional

        Returns
        -------
        Slotted

        Raises
        ------
        ValueError, TypeError
            For scores of other shapes, and what `RowCircuit.attend` refuses.
        """
        first, onward = check_scores(first), np.asarray(onward, dtype=float)
        if onward.shape != (*first.shape, first.shape[1]) or not np.isfinite(onward).all():
            raise ValueError(
                f"onward must be finite and {(*first.shape, first.shape[1])}, a score from each key to each, got "
                f"shape {onward.shape}; give every row its matrix."
            )
        positive_int("Hops.attend", "periods", periods)
        present = check_mask(first, None)
        template = template_of(self)
        layout = Layout.of(present, template.unit)
        n_cells = template.unit

        def inputs(rows: range) -> Own:
            here = slice(rows.start, rows.stop)
            relative = first[here] - first[here].max(axis=1, keepdims=True)
            sent = (
                onward[here] - self.inhibition * onward[here].max(axis=(1, 2), keepdims=True)
            ) / self.spikes
            return {
                FIRST: np.repeat(relative.ravel(), n_cells),
                VALUE: np.repeat(np.repeat(sent, n_cells, axis=1), n_cells, axis=2).ravel(),
            }

        batch = self.batch(layout, Streams.of(rng), frozenset({FIRST, VALUE}), inputs)
        slots, slot_ms = self.slotted.n_slots, self.slotted.slot_ms
        budget = Budget(duration_ms=periods * slots * slot_ms)
        recorded = run_batch(template, batch, budget, "spikes", engine, rng, progress)
        selection = select(recorded, layout, present, budget, counted="exc", field=template.wiring.field_ref)
        return Slotted.of(selection, slots, slot_ms)
