"""Integrate-and-fire cells with noise in the membrane or in the synaptic current: leaky, and AdEx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spiking.cells.model import DrivenCell, check_fields
from spiking.checks import known

__all__ = ["NOISES", "AdEx", "SynapticLIF"]

NOISES = ("membrane", "synaptic")
_SYNAPTIC = "dx/dt = -x / tau_noise + sqrt(2 / tau_noise) * xi : 1"  # of standard deviation 1


@dataclass(frozen=True, kw_only=True)
class SynapticLIF(DrivenCell):
    """`DiffusiveLIF` with coloured noise: an Ornstein-Uhlenbeck current of correlation time `tau_noise_ms`.

    As of background synapses (Destexhe, Rudolph, Fellous and Sejnowski 2001); the free membrane has the standard
    deviation sigma all the same, since the current's is sigma sqrt((tau_e + tau_noise) / tau_noise).
    """

    tau_ms: float = 10.0  # membrane time constant
    tau_noise_ms: float = 3.0  # of excitatory background input
    drive: float = 10.0  # tonic input, in scores: at threshold, so that noise decides
    theta: float = 10.0  # threshold
    v_reset: float = 0.0
    sigma: float = 2.0  # standard deviation of the free membrane, in scores

    name: ClassVar[str] = "lif-synaptic"
    equations: ClassVar[str] = f"""
        dv/dt = (drive + u - inh - v + sigma * sqrt(1 + tau_e / tau_noise) * x) / tau_e : 1
        {_SYNAPTIC}
    """
    threshold: ClassVar[str] = "v > theta"
    reset: ClassVar[str] = "v = v_reset"
    method: ClassVar[str] = "euler"
    start: ClassVar = {"v": "v_reset + (theta - v_reset) * rand()", "x": "randn()"}

    def __post_init__(self) -> None:
        check_fields(self, "drive", "theta", "v_reset")


@dataclass(frozen=True, kw_only=True)
class AdEx(DrivenCell):
    """Adaptive exponential integrate-and-fire cell (Brette and Gerstner 2005, J. Neurophysiol. 94:3637).

    One score is 2 mV above the leak's reversal: their C = 281 pF, g_L = 30 nS, E_L = -70.6 mV, V_T = -50.4 mV,
    Delta_T = 2 mV, tau_w = 144 ms, a = 4 nS and b = 80.5 pA become the numbers below.
    """

    tau_ms: float = 9.37  # C / g_L
    drive: float = 10.0  # tonic input, in scores
    theta: float = 10.1  # (V_T - E_L) / 2 mV
    slope: float = 1.0  # Delta_T / 2 mV
    adapt_by: float = 1.34  # b / g_L / 2 mV
    adapt: float = 0.133  # a / g_L
    tau_w_ms: float = 144.0
    sigma: float = 2.0  # standard deviation of the free passive membrane, in scores
    noise: str = "membrane"  # or "synaptic"
    tau_noise_ms: float = 3.0  # of synaptic noise

    name: ClassVar[str] = "adex"
    threshold: ClassVar[str] = "v > theta + 5 * slope"  # the upswing takes less than a step from there
    reset: ClassVar[str] = "v = 0; w += adapt_by"
    method: ClassVar[str] = "euler"

    def __post_init__(self) -> None:
        known("AdEx.noise", self.noise, NOISES)
        check_fields(self, "drive", "theta")

    @property
    def equations(self) -> str:
        """Voltage, adaptation and the noise of either kind."""
        synaptic = self.noise == "synaptic"
        current = " + sigma * sqrt(1 + tau_e / tau_noise) * x" if synaptic else ""
        membrane = "" if synaptic else " + sigma * sqrt(2 / tau_e) * xi"
        upswing = "slope * exp((v - theta) / slope)"
        return f"""
            dv/dt = (drive + u - inh - v + {upswing} - w{current}) / tau_e{membrane} : 1
            dw/dt = (adapt * v - w) / tau_w : 1
            {_SYNAPTIC if synaptic else ""}
        """

    @property
    def start(self) -> dict[str, str]:
        """Voltages spread below threshold."""
        return {"v": "theta * rand()"} | ({"x": "randn()"} if self.noise == "synaptic" else {})
