"""A PING circuit that receives: E cells in bins, each bin with its input, and I cells, shared or of each bin.

Exponential integrate-and-fire cells with feed-forward and feedback inhibition, after the filter network of Akam and
Kullmann (2010, Neuron 67:308): 100 pF, membrane 10 ms, thresholds spread by 2 mV. Their network without recurrent
excitation passes an oscillating input and not an asynchronous one.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import ms, mV, nS, pF

from spiking.checks import positive_int, positive_within, within
from spiking.networks import Network

__all__ = ["Receiver"]

CELL = """
    dv/dt = (g_leak * (e_leak - v + slope * exp((v - v_t) / slope)) + g_e * (0*mV - v) + g_f * (0*mV - v)
             + (g_i + g_tonic) * (-80*mV - v)) / capacity : volt (unless refractory)
    dg_f/dt = (each * sent_{name}(t, i) / ms - g_f) / tau_f : siemens
    dg_e/dt = -g_e / tau_e : siemens
    dg_i/dt = -g_i / tau_i : siemens
    v_t : volt (constant)
"""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A recipe for many receivers at once, which share nothing."""

    n_exc: int = 10  # of each bin
    n_inh: int = 20  # of a pool
    local: bool = False  # an I pool for each bin, which its input alone drives; one for all bins if not
    g_exc_nS: float = 0.2  # mean conductance of an input of one spike a ms, E cells
    g_inh_nS: float = 0.03  # the same, I cells; of the mean over bins where they are shared
    g_ei_nS: float = 60.0  # received when all E cells of the pool's bins fire
    g_ie_nS: float = 60.0  # received when all I cells of the pool fire
    g_tonic_nS: float = 0.0  # constant inhibition of the E cells
    tau_f_ms: float = 2.0  # input
    tau_e_ms: float = 2.0  # E to I
    tau_i_ms: float = 5.0  # I to E
    spread_mV: float = 2.0  # of the thresholds (Akam and Kullmann 2010)
    dt_ms: float = 0.1

    def __post_init__(self) -> None:
        for name in ("n_exc", "n_inh"):
            positive_int("Receiver", name, getattr(self, name), 10_000)
        for name in ("g_exc_nS", "g_inh_nS", "g_ei_nS", "g_ie_nS", "g_tonic_nS"):
            within("Receiver", name, getattr(self, name), 0.0, 1e3)
        for name in ("tau_f_ms", "tau_e_ms", "tau_i_ms"):
            positive_within("Receiver", name, getattr(self, name), 0.1, 1e3)
        within("Receiver", "spread_mV", self.spread_mV, 0.0, 20.0)
        positive_within("Receiver", "dt_ms", self.dt_ms, 1e-3, 0.2)

    def build(
        self, sent: np.ndarray, step_ms: float, rng: np.random.Generator, pacing: np.ndarray | None = None
    ) -> Network:
        """Make receivers.

        Parameters
        ----------
        sent : (n_receivers, n_steps, n_bins) array
            Spikes sent to each bin in each step.
        step_ms : float
        rng : numpy.random.Generator
            Thresholds and voltages at the start.
        pacing : (n_receivers, n_steps) array, optional
            Spikes sent to the I cells of each receiver; if not given, what its E cells are sent.
        """
        n = len(sent)
        rate = sent.transpose(1, 0, 2) / step_ms  # (n_steps, n_receivers, n_bins)
        to_exc = np.repeat(rate, self.n_exc, axis=2).reshape(len(rate), -1)
        to_pools = rate if self.local else rate.mean(axis=2, keepdims=True)
        if pacing is not None:
            to_pools = np.repeat(pacing.T[:, :, None] / step_ms, to_pools.shape[2], axis=2)
        to_inh = np.repeat(to_pools, self.n_inh, axis=2).reshape(len(rate), -1)
        clock = b2.Clock(self.dt_ms * ms, name="receiver_clock")
        exc = self._cells("exc", to_exc, self.g_exc_nS, self.g_tonic_nS, step_ms, clock, rng)
        inh = self._cells("inh", to_inh, self.g_inh_nS, 0.0, step_ms, clock, rng)
        n_pools = n * to_pools.shape[2]
        n_exc = len(exc) // n_pools
        joined = [
            self._synapses(exc, inh, "g_e", self.g_ei_nS / n_exc, n_pools, clock),
            self._synapses(inh, exc, "g_i", self.g_ie_nS / self.n_inh, n_pools, clock),
        ]
        return Network([exc, inh, *joined])

    def _cells(
        self,
        name: str,
        rate: np.ndarray,
        g_nS: float,
        tonic_nS: float,
        step_ms: float,
        clock: b2.Clock,
        rng: np.random.Generator,
    ) -> b2.NeuronGroup:
        group = b2.NeuronGroup(
            rate.shape[1], CELL.replace("{name}", name), threshold="v > -30*mV", reset="v = -65*mV",
            refractory=1 * ms, method="euler", clock=clock, name=name,
            namespace={
                f"sent_{name}": b2.TimedArray(rate, dt=step_ms * ms, name=f"sent_to_{name}"),
                "each": g_nS * nS * ms, "g_tonic": tonic_nS * nS, "g_leak": 10 * nS, "e_leak": -60 * mV,
                "slope": 2 * mV, "capacity": 100 * pF, "tau_f": self.tau_f_ms * ms,
                "tau_e": self.tau_e_ms * ms, "tau_i": self.tau_i_ms * ms,
            },
        )  # fmt: skip
        group.v = rng.uniform(-65, -55, len(group)) * mV
        group.v_t = (-50 + self.spread_mV * rng.standard_normal(len(group))) * mV
        return group

    def _synapses(
        self,
        source: b2.NeuronGroup,
        target: b2.NeuronGroup,
        gate: str,
        each_nS: float,
        n_pools: int,
        clock: b2.Clock,
    ) -> b2.Synapses:
        synapses = b2.Synapses(
            source, target, on_pre=f"{gate}_post += each", clock=clock, name=f"{source.name}_to_{target.name}",
            namespace={"each": each_nS * nS},
        )  # fmt: skip
        of, to = (np.arange(len(group)).reshape(n_pools, -1) for group in (source, target))
        i, j = np.broadcast_arrays(of[:, :, None], to[:, None, :])
        synapses.connect(i=i.ravel(), j=j.ravel())
        return synapses
