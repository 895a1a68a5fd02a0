"""Attention from conductance-based cells: PING whose E cells race under noisy currents.

Traub-Miles E cells, Wang-Buzsaki I cells and synapses with gates as in Boergers (2017, chapters 5, 20 and 30); a
key's score is a current, and each E cell receives noise of its own (an Ornstein-Uhlenbeck current: Destexhe,
Rudolph, Fellous and Sejnowski 2001). Nothing here makes the rate exponential in the score: fit the law.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
from brian2 import cm, ms, uA

from spiking.cells.conductance import (
    ACTION_POTENTIAL,
    CELLS,
    SYNAPTIC_CURRENT,
    gate_constants,
    gate_sum,
    spread_start,
)
from spiking.checks import positive_int, positive_within, within
from spiking.circuit import RowCircuit
from spiking.params import MOST_CELLS
from spiking.wiring import Row, Wiring

__all__ = ["PingAttention"]

CURRENT = {
    "exc": """
        i_app = i_0 + u * i_score + i_noise * x : amp/meter**2
        dx/dt = -x / tau_noise + sqrt(2 / tau_noise) * xi : 1
        u : 1 (constant)
    """,
    "inh": "i_app = 0*amp/meter**2 : amp/meter**2",
}


@dataclass(frozen=True, kw_only=True)
class PingAttention(RowCircuit):
    """One row: `n_cells` Traub-Miles cells per key, `n_inh` Wang-Buzsaki cells for all keys."""

    n_cells: int = 4
    temperature: float = 1.0
    gain: float = 1.121  # bridge.calibrate with 8 rows each, 600 ms, default_rng(40): +- .013
    n_inh: int = 2
    drive_uA_cm2: float = 4.0  # of the key with the highest score
    score_uA_cm2: float = 0.5  # current of one unit of score
    noise_uA_cm2: float = 1.0  # standard deviation
    tau_noise_ms: float = 3.0  # of excitatory background input
    g_ei_mS_cm2: float = 1.0  # received when all presynaptic gates are open
    g_ie_mS_cm2: float = 2.0
    dt_ms: float = 0.02

    def __post_init__(self) -> None:
        for name in ("n_cells", "n_inh"):
            positive_int("PingAttention", name, getattr(self, name), MOST_CELLS)
            object.__setattr__(self, name, int(getattr(self, name)))
        for name in ("drive_uA_cm2", "score_uA_cm2", "noise_uA_cm2", "g_ei_mS_cm2", "g_ie_mS_cm2"):
            within("PingAttention", name, getattr(self, name), 0.0, 1e3)
        positive_within("PingAttention", "tau_noise_ms", self.tau_noise_ms, 1e-2, 1e5)
        positive_within("PingAttention", "dt_ms", self.dt_ms, 1e-3, 0.1)
        super().__post_init__()

    def build(self, row: Row) -> Wiring:
        """Make one row."""
        exc, inh = (
            b2.NeuronGroup(
                n,
                CELLS[kind] + SYNAPTIC_CURRENT + CURRENT[kind],
                **ACTION_POTENTIAL,
                method="heun",
                dt=self.dt_ms * ms,
                name=kind,
                namespace=gate_constants(kind),
            )
            for kind, n in (("exc", row.n_keys * self.n_cells), ("inh", self.n_inh))
        )
        # each key's cells excite the I cells alike, so that the strength goes by the cells of a key
        joined = [
            gate_sum(exc, inh, self.g_ei_mS_cm2 / (2 * self.n_cells)),
            gate_sum(inh, exc, self.g_ie_mS_cm2 / self.n_inh),
        ]
        for synapses in joined:
            synapses.connect()
        unit = uA / cm**2
        return Wiring(
            [exc, inh, *joined],
            scores="exc.u",
            counts="exc",
            field="exc.v",
            namespace={
                "i_0": self.drive_uA_cm2 * unit,
                "i_score": self.score_uA_cm2 * unit,
                "i_noise": self.noise_uA_cm2 * unit,
                "tau_noise": self.tau_noise_ms * ms,
            },
            start={**spread_start(), "exc.x": "randn()"},
            settle_ms=50.0,
        )
