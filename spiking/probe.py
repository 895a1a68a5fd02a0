"""A short look at how a circuit spikes, before anybody relies on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spiking.budget import Budget
from spiking.record import Selection
from spiking.template import Template
from spiking.wiring_check import refuse_circuit

__all__ = ["probe"]

DURATION_MS = 300.0
SCORES = np.array([[0.0, 0.0, -1.0, -2.0], [0.0, -0.5, -1.0, -1.5]])
REPEATED = (
    0.5  # share of a cell's spikes that follow the one before within a step: more is one event counted often
)


def probe(circuit: object, template: Template, attended: Callable[[np.ndarray, Budget], Selection]) -> None:
    """Raise if the counted cells never spike, or count one action potential in step after step.

    A circuit that the fused engine does not cover is not looked at.

    Parameters
    ----------
    circuit : object
        Whose class the message names.
    template : Template
    attended : callable
        Scores, budget -> what the circuit selects on the fused engine.
    """
    dt_ms = float(
        next(o for o in template.wiring.objects if o.name == template.wiring.counts).clock.dt_ * 1000
    )
    try:
        selection = attended(SCORES, Budget(duration_ms=DURATION_MS))
    except ValueError as error:
        if "fused engine" in str(error):
            return
        raise
    spikes = selection.spikes
    if len(spikes) == 0:
        refuse_circuit(
            circuit,
            f"must spike within {template.wiring.settle_ms + DURATION_MS:.0f} ms of a probe",
            f"no spike of {template.wiring.counts!r}",
            "raise its drive, or lower its threshold",
        )
    order = np.lexsort((spikes.time_ms, spikes.cell, spikes.key, spikes.row))
    same = np.ones(len(order) - 1, dtype=bool)
    for name in ("row", "key", "cell"):
        same &= np.diff(getattr(spikes, name)[order]) == 0
    again = same & (np.diff(spikes.time_ms[order]) < 1.5 * dt_ms)
    if again.sum() > REPEATED * len(spikes):
        refuse_circuit(
            circuit,
            "must count an action potential once",
            f"{again.sum() / len(spikes):.0%} of the spikes of {template.wiring.counts!r} in the step after one",
            'let the threshold be passed once, with a reset or refractory="v > ..."',
        )
