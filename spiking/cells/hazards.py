"""Escape-rate cells whose rate is not exponential: it saturates, or it is a power of the voltage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spiking.cells.escape import EscapeRate
from spiking.cells.model import DrivenCell, check_fields

__all__ = ["PowerEscape", "SigmoidEscape"]


@dataclass(frozen=True, kw_only=True)
class SigmoidEscape(DrivenCell):
    """As `EscapeRate`, with the rate rho_max / (1 + exp(theta - v)): exponential far below theta, then saturated.

    The logistic escape rate of the Boltzmann machine's units in continuous time (Gerstner, Kistler, Naud and
    Paninski 2014, Neuronal Dynamics, section 9.1, lists such alternatives).
    """

    tau_ms: float = 10.0  # membrane time constant
    drive: float = 13.0  # tonic input, in scores
    theta: float = 7.0  # voltage at half the highest rate: a key that wins alone reaches it in the gamma loop
    rho_max_per_ms: float = 0.1
    reset_by: float = 1.0

    name: ClassVar[str] = "sigmoid"
    equations: ClassVar[str] = """
        dv/dt = (drive + u - inh - v) / tau_e : 1
        dh/dt = rho_max / (1 + exp(theta - v)) : 1
        q : 1
    """
    threshold: ClassVar[str] = EscapeRate.threshold
    reset: ClassVar[str] = EscapeRate.reset
    method: ClassVar[str] = "euler"
    start: ClassVar = {"v": "theta / 4 + u", "h": "0", "q": "-log(rand())"}

    def __post_init__(self) -> None:
        check_fields(self, "drive", "theta")


@dataclass(frozen=True, kw_only=True)
class PowerEscape(DrivenCell):
    """As `EscapeRate`, with the rate rho_0 (v - theta)^exponent above theta and none below.

    Rates of cells in visual cortex rise as a power of about 3 of their mean voltage (Priebe and Ferster 2008,
    Neuron 57:482).
    """

    tau_ms: float = 10.0  # membrane time constant
    drive: float = 13.0  # tonic input, in scores
    theta: float = 5.0  # voltage below which no cell fires
    rho_0_per_ms: float = 0.002  # rate one score above it
    exponent: float = 3.0
    reset_by: float = 1.0

    name: ClassVar[str] = "power"
    equations: ClassVar[str] = """
        dv/dt = (drive + u - inh - v) / tau_e : 1
        dh/dt = rho_0 * clip(v - theta, 0, inf) ** exponent : 1
        q : 1
    """
    threshold: ClassVar[str] = EscapeRate.threshold
    reset: ClassVar[str] = EscapeRate.reset
    method: ClassVar[str] = "euler"
    start: ClassVar = {"v": "theta / 4 + u", "h": "0", "q": "-log(rand())"}

    def __post_init__(self) -> None:
        check_fields(self, "drive", "theta")
