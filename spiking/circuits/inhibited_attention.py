"""Attention as less drive to the I cells: the network of Boergers, Epstein and Kopell (2008).

C. Boergers, S. Epstein and N. J. Kopell, Gamma oscillations mediate stimulus competition and attentional selection
in a cortical network model, PNAS 105:18023 (2008): 160 Traub-Miles E cells, 40 of them to a stimulus, and a pool of
40 Wang-Buzsaki I cells. Driven I cells fire out of step and hold the E cells down. Attention inhibits them, so that
they wait for the E cells; in the rhythm that follows the assembly that fires first brings inhibition on the others.
Here a key is an assembly, and its score the drive of its cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
from brian2 import cm, ms, uA

from spiking.cells.conductance import ACTION_POTENTIAL, MEMBRANES, gate_sum, spread_start
from spiking.checks import positive_int, positive_within, within
from spiking.circuit import RowCircuit
from spiking.params import MOST_CELLS
from spiking.wiring import Row, Wiring

__all__ = ["InhibitedAttention"]

SYNAPSES = """
    ds/dt = 0.5 * (1 + tanh(v / (10*mV))) * (1 - s) / tau_r - s / tau_d : 1
    i_syn = g_e * (0*mV - v) + g_inh * (-80*mV - v) : amp/meter**2
    g_e : siemens/meter**2  # sums over the gates of the presynaptic cells
    g_i : siemens/meter**2
    dx/dt = -x / tau_noise + sqrt(2 / tau_noise) * xi : 1
    z : 1 (constant)  # how a cell's drive differs from its group's mean, in standard deviations
"""
INHIBITION = {
    "volleys": "g_inh = g_i : siemens/meter**2\n",
    "smooth": "dg_inh/dt = (g_i - g_inh) / tau_smooth : siemens/meter**2\n",
}
CURRENT = {
    "exc": """
        i_app = (i_exc + u * i_score) * (1 + spread_exc * z) + noise_exc * x : amp/meter**2
        u : 1 (constant)
    """,
    "inh": "i_app = i_inh * (1 + spread_inh * z) + noise_inh * x - bath : amp/meter**2",
}
TAU_R_ms = {"exc": 0.2, "inh": 0.5}
TAU_D_ms = {"exc": 2.0, "inh": 10.0}


@dataclass(frozen=True, kw_only=True)
class InhibitedAttention(RowCircuit):
    """One row: an assembly of `n_cells` E cells per key, and I cells for all of them, all to all.

    Conductances, time constants, drives and their spreads are those of the paper, at second hand. Tuned are the
    strength of E to I and the noise: 0.8 uA/cm2 on the I cells keeps them out of step as long as they are driven,
    and 0.2 on the E cells lets an attended assembly make a rhythm. The paper has stochastic pulses in place of the
    noise. An assembly at rest has a score so low that its drive is 0.
    """

    n_cells: int = 40
    temperature: float = 1.0
    gain: float = 1.0
    n_inh: int = 40
    drive_exc_uA_cm2: float = 1.5  # of the key with the highest score
    score_uA_cm2: float = 0.5  # drive of one unit of score
    spread_exc: float = 0.1  # standard deviation of the drives of a key's cells over their mean
    drive_inh_uA_cm2: float = 0.8
    spread_inh: float = 0.1
    noise_exc_uA_cm2: float = 0.2  # standard deviation of a current of each cell's own
    noise_inh_uA_cm2: float = 0.8
    tau_noise_ms: float = 3.0  # of excitatory background input
    bath_uA_cm2: float = 0.0  # inhibition of the I cells; 0.7 is attention
    g_ei_mS_cm2: float = 0.8  # received when the gates of all E cells of four assemblies are open
    g_ie_mS_cm2: float = 0.6
    g_ii_mS_cm2: float = 0.2
    tau_smooth_ms: float = 0.0  # low-pass filter of I to E, which takes the rhythm out of it; 0: none
    dt_ms: float = 0.025

    def __post_init__(self) -> None:
        for name in ("n_cells", "n_inh"):
            positive_int("InhibitedAttention", name, getattr(self, name), MOST_CELLS)
            object.__setattr__(self, name, int(getattr(self, name)))
        for name in ("drive_exc", "score", "drive_inh", "bath", "noise_exc", "noise_inh"):
            within("InhibitedAttention", f"{name}_uA_cm2", getattr(self, f"{name}_uA_cm2"), 0.0, 1e3)
        for name in ("g_ei", "g_ie", "g_ii"):
            within("InhibitedAttention", f"{name}_mS_cm2", getattr(self, f"{name}_mS_cm2"), 0.0, 1e3)
        for name in ("spread_exc", "spread_inh"):
            within("InhibitedAttention", name, getattr(self, name), 0.0, 1.0)
        within("InhibitedAttention", "tau_smooth_ms", self.tau_smooth_ms, 0.0, 1e4)
        positive_within("InhibitedAttention", "tau_noise_ms", self.tau_noise_ms, 1e-2, 1e5)
        positive_within("InhibitedAttention", "dt_ms", self.dt_ms, 1e-3, 0.03)
        super().__post_init__()

    def build(self, row: Row) -> Wiring:
        """Make one row."""
        unit = uA / cm**2
        heard = {
            "exc": INHIBITION["smooth" if self.tau_smooth_ms else "volleys"],
            "inh": INHIBITION["volleys"],
        }
        exc, inh = (
            b2.NeuronGroup(
                n,
                MEMBRANES[kind] + SYNAPSES + heard[kind] + CURRENT[kind],
                **ACTION_POTENTIAL,
                method="heun",
                dt=self.dt_ms * ms,
                name=kind,
                namespace={"tau_r": TAU_R_ms[kind] * ms, "tau_d": TAU_D_ms[kind] * ms},
            )
            for kind, n in (("exc", row.n_keys * self.n_cells), ("inh", self.n_inh))
        )
        # an assembly excites the I cells alike, however many others there are: the paper has four
        joined = [
            gate_sum(exc, inh, self.g_ei_mS_cm2 / (4 * self.n_cells)),
            gate_sum(inh, exc, self.g_ie_mS_cm2 / self.n_inh),
            gate_sum(inh, inh, self.g_ii_mS_cm2 / self.n_inh),
        ]
        for synapses in joined:
            synapses.connect()
        return Wiring(
            [exc, inh, *joined],
            scores="exc.u",
            counts="exc",
            field="exc.v",
            namespace={
                "i_exc": self.drive_exc_uA_cm2 * unit,
                "i_score": self.score_uA_cm2 * unit,
                "i_inh": self.drive_inh_uA_cm2 * unit,
                "bath": self.bath_uA_cm2 * unit,
                "spread_exc": self.spread_exc,
                "spread_inh": self.spread_inh,
                "noise_exc": self.noise_exc_uA_cm2 * unit,
                "noise_inh": self.noise_inh_uA_cm2 * unit,
                "tau_noise": self.tau_noise_ms * ms,
                **({"tau_smooth": self.tau_smooth_ms * ms} if self.tau_smooth_ms else {}),
            },
            start={
                **spread_start(),
                **{f"{kind}.{x}": "randn()" for kind in MEMBRANES for x in "xz"},
            },
            settle_ms=200.0,
        )
