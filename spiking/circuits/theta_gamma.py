"""The buffer of Lisman and Idiart: one memory in each gamma cycle of a theta period, kept in order.

Lisman and Idiart (1995, Science 267:1512): a unit that has fired is more excitable for some hundred milliseconds, a
theta oscillation brings the units to threshold one after another, the most excitable first, and a shared
inhibition after each spike keeps the next one back for a gamma cycle. Their inhibition is replaced by an
exponential one: with an alpha function of 5 ms units fire together.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import Hz, ms

from spiking.checks import positive_int, positive_within, within
from spiking.networks import Network

__all__ = ["Buffer"]

UNITS = """
    v = -60 + theta_mV * sin(2 * pi * f_theta * t - pi / 2) + adp + ahp - inh + noise * x : 1
    adp = adp_mV * since / tau_adp * exp(1 - since / tau_adp) : 1
    ahp = -ahp_mV * since / tau_ahp * exp(1 - since / tau_ahp) : 1
    since = t - last : second
    dx/dt = -x / tau_x + sqrt(2 / tau_x) * xi : 1
    inh : 1 (linked)
    last : second
"""


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """A recipe for buffers; voltages in mV, threshold -50."""

    n_items: int = 7
    f_theta_Hz: float = 6.0
    theta_mV: float = 5.0
    adp_mV: float = 10.0  # afterdepolarisation, an alpha function
    tau_adp_ms: float = 200.0
    ahp_mV: float = 4.0
    tau_ahp_ms: float = 5.0
    inhibition_mV: float = 6.0  # that a spike adds for all units
    tau_inh_ms: float = 10.0
    noise_mV: float = 0.0  # standard deviation, of a correlation time of 5 ms
    dt_ms: float = 0.1

    def __post_init__(self) -> None:
        positive_int("Buffer", "n_items", self.n_items, 1000)
        for name in ("f_theta_Hz", "tau_adp_ms", "tau_ahp_ms", "tau_inh_ms"):
            positive_within("Buffer", name, getattr(self, name), 0.1, 1e4)
        for name in ("theta_mV", "adp_mV", "ahp_mV", "inhibition_mV", "noise_mV"):
            within("Buffer", name, getattr(self, name), 0.0, 1e3)
        positive_within("Buffer", "dt_ms", self.dt_ms, 1e-3, 1.0)

    @property
    def period_ms(self) -> float:
        """Of theta."""
        return 1e3 / self.f_theta_Hz

    def build(self, rng: np.random.Generator) -> Network:
        """Make one buffer whose items were loaded in order, a gamma cycle apart, in the theta cycle before."""
        clock = b2.Clock(self.dt_ms * ms, name="buffer_clock")
        constants = {
            "f_theta": self.f_theta_Hz * Hz,
            "tau_x": 5 * ms,
            "noise": self.noise_mV,
            **{name: getattr(self, name) for name in ("theta_mV", "adp_mV", "ahp_mV")},
            **{f"tau_{name}": getattr(self, f"tau_{name}_ms") * ms for name in ("adp", "ahp", "inh")},
        }
        units = b2.NeuronGroup(
            self.n_items, UNITS, threshold="v > -50", reset="last = t", refractory=3 * ms, method="euler",
            clock=clock, name="units", namespace=constants,
        )  # fmt: skip
        pool = b2.NeuronGroup(
            1, "dinh/dt = -inh / tau_inh : 1", method="exact", clock=clock, name="pool", namespace=constants
        )
        units.inh = b2.linked_var(pool, "inh")
        place = np.arange(self.n_items) - (self.n_items - 1) / 2
        units.last = (-0.5 * self.period_ms + place * self.tau_inh_ms) * ms
        inhibit = b2.Synapses(
            units, pool, on_pre="inh_post += each", clock=clock, name="inhibit",
            namespace={"each": self.inhibition_mV},
        )  # fmt: skip
        inhibit.connect()
        return Network([units, pool, inhibit])
