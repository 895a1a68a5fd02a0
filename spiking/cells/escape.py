"""The escape-rate cell: noise in the threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from spiking.cells.model import DrivenCell, check_fields

__all__ = ["EscapeRate"]


@dataclass(frozen=True, kw_only=True)
class EscapeRate(DrivenCell):
    """Leaky integrator that fires with rate rho_0 exp(v - theta), and loses `reset_by` at each spike.

    The rate is exponential in voltage (Gerstner, Kistler, Naud and Paninski 2014, Neuronal Dynamics,
    eq. 9.5; fitted to cortical cells by Jolivet, Rauch, Luescher and Gerstner 2006). With it the next
    spike of a row falls to key j with probability softmax(u)_j, whatever the common time course. The
    spike is drawn by time rescaling: it comes when the integrated hazard h passes q ~ Exp(1)
    (Brown, Barbieri, Ventura, Kass and Frank 2002), so no random number is needed per step.

    The reset is what bends the law: a population that has just won is depleted until its cells recover.
    """

    tau_ms: float = 10.0  # membrane time constant; 10 ms, cortical pyramidal cell in vivo
    drive: float = 13.0  # tonic input, in scores; measured: 39 Hz and about 12 spikes a cycle
    theta: float = 10.0  # voltage at which the rate is rho_0
    rho_0_per_ms: float = 1.0  # escape rate at theta
    reset_by: float = 1.0  # weak: 4 takes the uncalibrated beta from .985 to .966 (measured, 40 cells)

    name: ClassVar[str] = "escape"
    equations: ClassVar[str] = """
        dv/dt = (drive + u - inh - v) / tau_e : 1
        dh/dt = rho_0 * exp(v - theta) : 1
        q : 1
    """
    threshold: ClassVar[str] = "h > q"
    reset: ClassVar[str] = """
        v -= reset_by
        h = 0
        q = -log(rand())
    """
    method: ClassVar[str] = "euler"
    start: ClassVar[Mapping[str, str]] = {  # one voltage below threshold, with the score in it
        "v": "theta / 4 + u",
        "h": "0",
        "q": "-log(rand())",
    }

    def __post_init__(self) -> None:
        check_fields(self, "drive", "theta")
