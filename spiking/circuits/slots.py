"""Several heads in one gamma circuit: each has the circuit for one gamma cycle of a theta period.

Lisman and Idiart (1995, Science 267:1512) let several memories share a network, one in each gamma cycle nested in a
theta cycle. Here each of H score vectors has a slot: while it lasts, its scores drive the E cells; then the drive
pauses, so that every slot has one volley, and the next head's scores come in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import brian2 as b2
import numpy as np
from brian2 import ms

from spiking.batch import Own
from spiking.budget import Budget
from spiking.calibration import effective_gain
from spiking.cells.model import start_without_input
from spiking.cells.variant import GATE, CellVariant
from spiking.checks import check_mask, check_scores, positive_int, positive_within, within
from spiking.circuit import RowCircuit
from spiking.circuits.gamma import gamma_row
from spiking.engines import Engine, Fused
from spiking.measures.selection import select
from spiking.params import GammaParams
from spiking.record import Selection
from spiking.refs import Ref
from spiking.relative import relative_scores
from spiking.rows import Layout
from spiking.running import run_batch
from spiking.streams import Streams
from spiking.template import template_of
from spiking.wiring import Row, Wiring

__all__ = ["Slotted", "SlottedCircuit"]

MOST_SLOTS = 64
THETA = """
    slot = int(t / slot_time) % n_slots
    gate = int(t % slot_time < open_time)
"""


@dataclass(frozen=True, kw_only=True)
class Slotted:
    """What the slots of each row selected."""

    counts: np.ndarray  # (n_rows, n_slots, n_keys) int64, over all theta periods
    selection: Selection  # of the whole time, spikes included

    @classmethod
    def of(cls, selection: Selection, n_slots: int, slot_ms: float) -> Slotted:
        """Sort the spikes of theta periods into their slots."""
        spikes = selection.spikes
        counts = np.zeros((len(selection.counts), n_slots, selection.counts.shape[1]), dtype=np.int64)
        slot = (spikes.time_ms / slot_ms).astype(np.int64) % n_slots
        np.add.at(counts, (spikes.row, slot, spikes.key), 1)
        return cls(counts=counts, selection=selection)

    @property
    def weights(self) -> np.ndarray:
        """Spike shares, (n_rows, n_slots, n_keys), 0 in a silent slot."""
        return self.counts / np.maximum(self.counts.sum(axis=2, keepdims=True), 1)


@dataclass(frozen=True, kw_only=True)
class SlottedCircuit(RowCircuit):
    """A gamma circuit that `n_slots` heads share in turn.

    What a slot hears of the one before is what its cells keep over a cycle: membranes exp(-slot / tau), an NMDA
    synapse that scores pass through exp(-slot / tau_nmda).
    """

    params: GammaParams = field(default_factory=GammaParams.brief)
    n_slots: int = 4
    slot_ms: float = 25.0  # 40 Hz
    open_ms: float = 15.0  # the part of a slot in which its scores and the drive come in
    tau_nmda_ms: float = 0.0  # of a synapse that scores pass through; 0: none

    def __post_init__(self) -> None:
        positive_int("SlottedCircuit", "n_slots", self.n_slots, MOST_SLOTS)
        object.__setattr__(self, "n_slots", int(self.n_slots))
        positive_within("SlottedCircuit", "slot_ms", self.slot_ms, 4 * self.params.dt_ms, 1e3)
        positive_within("SlottedCircuit", "open_ms", self.open_ms, self.params.dt_ms, self.slot_ms)
        within("SlottedCircuit", "tau_nmda_ms", self.tau_nmda_ms, 0.0, 1e4)

    def build(self, row: Row) -> Wiring:
        """Make one row; a cell's score in slot h is s_h."""
        params = replace(self.params, cell=CellVariant(cell=self.params.cell, gated=True))
        slots = range(self.n_slots)
        now = " + ".join(f"s_{h} * int(slot == {h})" for h in slots)
        heard = f"du/dt = ({now} - u) / tau_nmda : 1" if self.tau_nmda_ms else f"u = {now} : 1"
        given = "\n".join(f"s_{h} : 1 (constant)" for h in slots)
        core = gamma_row(params, row.n_keys, score=f"{heard}\n{given}\nslot : 1 (linked)\n{GATE}")
        theta = b2.NeuronGroup(1, "slot : 1\ngate : 1", clock=core["exc"].clock, name="theta")
        theta.run_regularly(THETA, when="start", name="theta_clock")
        for name in ("slot", "gate"):
            setattr(core["exc"], name, b2.linked_var(theta, name))
        start = {f"exc.{name}": e for name, e in start_without_input(params.cell).items()}
        return Wiring(
            [*core.values(), theta],
            scores=None,
            counts="exc",
            field="row.exc",
            namespace={
                **params.namespace(),
                "slot_time": self.slot_ms * ms,
                "open_time": self.open_ms * ms,
                "n_slots": self.n_slots,
                **({"tau_nmda": self.tau_nmda_ms * ms} if self.tau_nmda_ms else {}),
            },
            start={**start, "inh.v": "0.5 * rand()"},
            settle_ms=self.n_slots * self.slot_ms,
        )

    def attend(  # type: ignore[override]
        self,
        scores: np.ndarray,
        *,
        rng: np.random.Generator | Streams,
        periods: int = 1,
        mask: np.ndarray | None = None,
        engine: Engine = Fused(),
        progress: Callable[[float], None] | None = None,
    ) -> Slotted:
        """Let the keys of each row compete, for every head in its slot.

        Parameters
        ----------
        scores : (n_rows, n_slots, n_keys) array
        rng : numpy.random.Generator or Streams
        periods : int
            Theta periods that are measured; one before them settles.
        mask : (n_rows, n_keys) bool array, optional
            True where a key takes part, in all slots.
        engine : Engine
        progress : callable, optional

        Returns
        -------
        Slotted

        Raises
        ------
        ValueError, TypeError
            For scores of other slots than the circuit has, and what `RowCircuit.attend` refuses.
        """
        scores = np.asarray(scores, dtype=float)
        if scores.ndim != 3 or scores.shape[1] != self.n_slots:
            raise ValueError(
                f"scores must be (n_rows, {self.n_slots} slots, n_keys), got shape {scores.shape}; give each slot "
                "its scores."
            )
        positive_int("SlottedCircuit.attend", "periods", periods)
        present = check_mask(check_scores(scores[:, 0]), mask)
        template = template_of(self)
        layout = Layout.of(present, template.unit)
        factor = effective_gain(self.params) / self.params.temperature
        slots = [relative_scores(check_scores(s), present, factor, "max") for s in scores.swapaxes(0, 1)]

        def inputs(rows: range) -> Own:
            here = slice(rows.start, rows.stop)
            return {
                Ref("exc", f"s_{h}"): np.repeat(layout.at_populations(slot[here], rows), template.unit)
                for h, slot in enumerate(slots)
            }

        batch = self.batch(layout, Streams.of(rng), frozenset(inputs(range(1))), inputs)
        budget = Budget(duration_ms=periods * self.n_slots * self.slot_ms)
        recorded = run_batch(template, batch, budget, "spikes", engine, rng, progress)
        selection = select(recorded, layout, present, budget, counted="exc", field=template.wiring.field_ref)
        return Slotted.of(selection, self.n_slots, self.slot_ms)
