"""Threshold phasor memory in spikes: resonate-and-fire units that store patterns of phases.

Frady and Sommer (2019, PNAS 116:18050) store sparse patterns of phases in complex synapses, and let a complex
synapse be a delay. Here a unit is a damped oscillator that a spike kicks in both of its coordinates (Izhikevich
2001, Neural Netw. 14:883), which is a complex synapse without a delay: in the frame that turns with the units the
coordinates of a unit add up J_ij times the phase at which unit j fired. One shared inhibitory variable, which
follows how many units fire, sets what a unit has to reach; it does the normalisation of their model.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import ms

from spiking.checks import positive_within, within
from spiking.networks import Network
from spiking.record import Spikes

__all__ = ["PhasorUnits"]

UNITS = """
    dx/dt = -x / tau - omega * y : 1
    dy/dt = -y / tau + omega * x : 1
    active : 1 (linked)
"""
SHARED = "dactive/dt = -active / tau : 1"
THRESHOLD = "x*x + y*y > level * (active + least) and x > 0 and y > 0"  # once a cycle, as its phase passes 0


@dataclass(frozen=True, kw_only=True)
class PhasorUnits:
    """A recipe for networks of units whose synapses hold patterns.

    A unit at rest that receives every spike of a pattern reaches 1 in units of what one stored pattern makes of
    itself; it fires above `threshold` times the square root of the share of units that fire.
    """

    cycle_ms: float = 25.0  # 40 Hz
    tau_ms: float = 50.0  # decay of a unit's oscillation, and of the shared inhibition
    threshold: float = 0.6  # of the normalised sums
    dt_ms: float = 0.25

    def __post_init__(self) -> None:
        for name in ("cycle_ms", "tau_ms"):
            positive_within("PhasorUnits", name, getattr(self, name), 1.0, 1e4)
        positive_within("PhasorUnits", "dt_ms", self.dt_ms, 1e-3, 0.1 * self.cycle_ms)
        within("PhasorUnits", "threshold", self.threshold, 0.0, 1.0)

    def build(self, synapses: np.ndarray, start: np.ndarray, n_active: int) -> Network:
        """Make one network.

        Parameters
        ----------
        synapses : (n_units, n_units) complex array
            J, scaled so that a whole stored pattern of n active units of modulus 1 gives each of them a sum of 1.
        start : (n_units,) complex array
            Phases and moduli (0 or 1) of the cue.
        n_active : int
            Units of a pattern.
        """
        clock = b2.Clock(self.dt_ms * ms, name="phasor_clock")
        summed = self.tau_ms / self.cycle_ms  # what a sum of 1 a cycle, decaying, comes to on average
        constants = {
            "tau": self.tau_ms * ms,
            "omega": 2 * np.pi / (self.cycle_ms * ms),
            "level": (self.threshold * summed) ** 2,
            "least": 0.05,  # of the units, so that a silent network does not fire at anything
        }
        units = b2.NeuronGroup(
            len(start), UNITS, threshold=THRESHOLD, refractory=0.6 * self.cycle_ms * ms, method="rk4",
            clock=clock, name="units", namespace=constants,
        )  # fmt: skip
        shared = b2.NeuronGroup(1, SHARED, method="exact", clock=clock, name="shared", namespace=constants)
        units.active = b2.linked_var(shared, "active")
        units.x, units.y = summed * start.real, summed * start.imag
        shared.active = np.count_nonzero(start) / n_active
        to, of = np.nonzero(synapses)
        kicks = b2.Synapses(
            units, units, "w_x : 1 (constant)\nw_y : 1 (constant)", on_pre="x_post += w_x; y_post += w_y",
            clock=clock, name="kicks",
        )  # fmt: skip
        kicks.connect(i=of, j=to)
        kicks.w_x, kicks.w_y = synapses[to, of].real, synapses[to, of].imag
        count = b2.Synapses(
            units, shared, on_pre="active_post += each", clock=clock, name="count",
            namespace={"each": 1 / (n_active * summed)},
        )  # fmt: skip
        count.connect()
        return Network([units, shared, kicks, count])

    def state(self, spikes: Spikes, network: int, n_units: int, at_ms: float) -> np.ndarray:
        """The phasor that each unit last fired at within a cycle and a quarter before a time, (n_units,) complex.

        0 for units that did not. A unit whose phase lies at the cycle's edge fires on either side of it.
        """
        before_ms = at_ms - spikes.time_ms
        here = (spikes.row == network) & (before_ms >= 0) & (before_ms < 1.25 * self.cycle_ms)
        state = np.zeros(n_units, dtype=complex)
        state[spikes.cell[here]] = np.exp(-2j * np.pi * spikes.time_ms[here] / self.cycle_ms)
        return state
