"""The filter network of Akam and Kullmann: feed-forward inhibition that lets a rhythm pass and not a mean rate.

Akam and Kullmann (2010, Neuron 67:308): 400 E and 400 I cells, exponential integrate-and-fire, receive from the
same 800 Poisson cells whose rate is DC + AC cos(2 pi f t). E cells excite neither one another nor the I cells.
Conductances are alpha functions, given by their peaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV, nS, pA, pF

from spiking.checks import positive_int, positive_within, within
from spiking.networks import Network

__all__ = ["FilterNetwork"]

N_EXC = N_INH = 400
N_INPUTS = 800
PEAKS_nS = {"input_exc": 0.1, "input_inh": 0.3, "inh_inh": 0.1}  # and of I to E, a field of the recipe
TAUS_ms = {"input_exc": 4.0, "input_inh": 4.0, "inh_exc": 4.0, "inh_inh": 8.0}
N_PRE = {"input_exc": 600, "input_inh": 110, "inh_exc": 200, "inh_inh": 200}  # presynaptic cells of a cell
SENDERS = """
    rate = dc + ac * cos(2 * pi * f * t) : Hz
    dc : Hz (constant, shared)
    ac : Hz (constant, shared)
    f : Hz (constant, shared)
"""
CELL = """
    dv/dt = (g_leak * (-60*mV - v + slope * exp((v - v_t) / slope)) + g_e * (0*mV - v)
             + (g_i + g_steady) * (-80*mV - v) + tonic) / capacity : volt (unless refractory)
    dg_e/dt = (exp(1) * x_e - g_e) / tau_e : siemens
    dx_e/dt = -x_e / tau_e : siemens
    dg_i/dt = (exp(1) * x_i - g_i) / tau_i : siemens
    dx_i/dt = -x_i / tau_i : siemens
    v_t : volt (constant)
    tonic : amp (constant)
    g_steady : siemens (constant, shared)
"""


@dataclass(frozen=True, kw_only=True)
class FilterNetwork:
    """A recipe for networks; `scale` thins all cells and keeps what each one receives."""

    dc_Hz: float = 10.0
    ac_Hz: float = 10.0  # at most dc_Hz
    f_Hz: float = 40.0
    g_ie_nS: float = 0.75  # peak
    g_steady_nS: float = 0.0  # constant inhibition of the E cells
    scale: int = 1
    dt_ms: float = 0.1

    def __post_init__(self) -> None:
        positive_within("FilterNetwork", "dc_Hz", self.dc_Hz, 1e-3, 1e3)
        within("FilterNetwork", "ac_Hz", self.ac_Hz, 0.0, self.dc_Hz)
        positive_within("FilterNetwork", "f_Hz", self.f_Hz, 0.1, 500.0)
        for name in ("g_ie_nS", "g_steady_nS"):
            within("FilterNetwork", name, getattr(self, name), 0.0, 1e4)
        positive_int("FilterNetwork", "scale", self.scale, 50)
        positive_within("FilterNetwork", "dt_ms", self.dt_ms, 1e-3, 0.2)

    def build(self, rng: np.random.Generator) -> Network:
        """Make one network; connections, thresholds, tonic currents and initial voltages are drawn."""
        clock = b2.Clock(self.dt_ms * ms, name="filter_clock")
        senders = b2.NeuronGroup(
            N_INPUTS // self.scale, SENDERS, threshold="rand() < rate * dt", clock=clock, name="input"
        )
        senders.dc, senders.ac, senders.f = self.dc_Hz * Hz, self.ac_Hz * Hz, self.f_Hz * Hz
        groups = {"input": senders}
        for name, n, mean_pA, spread_pA in (("exc", N_EXC, 0.0, 0.0), ("inh", N_INH, 30.0, 20.0)):
            groups[name] = self._cells(name, n // self.scale, mean_pA, spread_pA, clock, rng)
        groups["exc"].g_steady = self.g_steady_nS * nS
        joined = []
        for path, peak_nS in (PEAKS_nS | {"inh_exc": self.g_ie_nS}).items():
            source, target = (groups[end] for end in path.split("_"))
            joined.append(self._synapses(source, target, peak_nS, N_PRE[path], clock, rng))
        return Network([*groups.values(), *joined])

    def _cells(
        self, name: str, n: int, mean_pA: float, spread_pA: float, clock: b2.Clock, rng: np.random.Generator
    ) -> b2.NeuronGroup:
        group = b2.NeuronGroup(
            n, CELL, threshold="v > -30*mV", reset="v = -65*mV", refractory=1 * ms, method="euler", clock=clock,
            name=name,
            namespace={
                "g_leak": 10 * nS, "slope": 2 * mV, "capacity": 100 * pF,
                "tau_e": TAUS_ms[f"input_{name}"] * ms, "tau_i": TAUS_ms[f"inh_{name}"] * ms,
            },
        )  # fmt: skip
        group.v = (-60 + 10 * rng.standard_normal(n)) * mV
        group.v_t = (-50 + 2 * rng.standard_normal(n)) * mV
        group.tonic = (mean_pA + spread_pA * rng.standard_normal(n)) * pA
        return group

    def _synapses(
        self,
        source: b2.NeuronGroup,
        target: b2.NeuronGroup,
        peak_nS: float,
        n_pre: int,
        clock: b2.Clock,
        rng: np.random.Generator,
    ) -> b2.Synapses:
        """From `n_pre` different cells to each, drawn at random."""
        gate = "x_i" if source.name == "inh" else "x_e"
        synapses = b2.Synapses(
            source, target, on_pre=f"{gate}_post += peak", delay=0.5 * ms, clock=clock,
            name=f"{source.name}_to_{target.name}", namespace={"peak": peak_nS * self.scale * nS},
        )  # fmt: skip
        pre = rng.random((len(target), len(source))).argsort(axis=1)[:, : n_pre // self.scale]
        synapses.connect(i=pre.ravel(), j=np.repeat(np.arange(len(target)), pre.shape[1]))
        return synapses
