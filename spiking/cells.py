"""The E cells: two models of a noisy neuron behind one interface.

Both measure voltage in units of one score. Both receive a tonic `drive`, the score's own input `u`
and the row's inhibition `inh`, subtracted as a current. They differ in where the noise sits: in the
threshold (escape rate) or in the membrane (diffusion).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol

import numpy as np
from brian2 import Quantity, ms

from spiking.checks import positive

__all__ = ["CELLS", "CellModel", "DiffusiveLIF", "EscapeRate", "Noise"]


class Noise(Protocol):
    """Where initial states come from: a `numpy.random.Generator`, or what stands for one."""

    def uniform(self, low: float, high: float, size: int, /) -> np.ndarray: ...
    def exponential(self, *, size: int) -> np.ndarray: ...


class CellModel(Protocol):
    """What a circuit asks of its E cells."""

    name: ClassVar[str]
    equations: ClassVar[str]  # Brian2 model; reads u and inh, which the circuit declares
    threshold: ClassVar[str]
    reset: ClassVar[str]
    method: ClassVar[str]

    @property
    def tau_ms(self) -> float: ...
    @property
    def drive(self) -> float: ...
    @property
    def theta(self) -> float: ...
    def with_drive(self, drive: float) -> CellModel: ...
    def namespace(self) -> dict[str, Quantity | float]: ...
    def initial(self, n: int, noise: Noise) -> dict[str, np.ndarray]: ...


def _check(cell: Any, *signed: str) -> None:
    """Every field is positive but those named, which only have to be finite."""
    for field in fields(cell):
        value = getattr(cell, field.name)
        if field.name not in signed:
            positive(type(cell).__name__, field.name, value)
        elif not np.isfinite(value):
            raise ValueError(f"{type(cell).__name__}.{field.name} must be finite, got {value}; use a number.")


@dataclass(frozen=True, kw_only=True)
class EscapeRate:
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

    def __post_init__(self) -> None:
        _check(self, "drive", "theta")

    def with_drive(self, drive: float) -> EscapeRate:
        """The same cell under another tonic input."""
        return replace(self, drive=drive)

    def namespace(self) -> dict[str, Quantity | float]:
        """The constants of the equations, with their dimensions."""
        return {
            "tau_e": self.tau_ms * ms,
            "drive": self.drive,
            "theta": self.theta,
            "rho_0": self.rho_0_per_ms / ms,
            "reset_by": self.reset_by,
        }

    def initial(self, n: int, noise: Noise) -> dict[str, np.ndarray]:
        """State at the start of the settling time, each array (n,): voltages spread below threshold."""
        return {"v": noise.uniform(0, self.theta / 2, n), "h": np.zeros(n), "q": noise.exponential(size=n)}


@dataclass(frozen=True, kw_only=True)
class DiffusiveLIF:
    """Leaky integrate-and-fire cell with white noise on its membrane (an Ornstein-Uhlenbeck voltage).

    Standard model (Gerstner et al. 2014, eq. 8.11), free membrane of standard deviation sigma. Its rate
    is only roughly exponential in the input, so the selection law is no longer exactly softmax: fit it.
    """

    tau_ms: float = 10.0  # membrane time constant
    drive: float = 10.0  # tonic input, in scores: at threshold, so that noise decides
    theta: float = 10.0  # threshold
    v_reset: float = 0.0
    sigma: float = 2.0  # standard deviation of the free membrane, in scores

    name: ClassVar[str] = "lif"
    equations: ClassVar[str] = """
        dv/dt = (drive + u - inh - v) / tau_e + sigma * sqrt(2 / tau_e) * xi : 1
    """
    threshold: ClassVar[str] = "v > theta"
    reset: ClassVar[str] = "v = v_reset"
    method: ClassVar[str] = "euler"

    def __post_init__(self) -> None:
        _check(self, "drive", "theta", "v_reset")
        if self.v_reset >= self.theta:
            raise ValueError(
                f"DiffusiveLIF.v_reset must be < theta = {self.theta}, got {self.v_reset}; lower it."
            )

    def with_drive(self, drive: float) -> DiffusiveLIF:
        """The same cell under another tonic input."""
        return replace(self, drive=drive)

    def namespace(self) -> dict[str, Quantity | float]:
        """The constants of the equations, with their dimensions."""
        return {
            "tau_e": self.tau_ms * ms,
            "drive": self.drive,
            "theta": self.theta,
            "v_reset": self.v_reset,
            "sigma": self.sigma,
        }

    def initial(self, n: int, noise: Noise) -> dict[str, np.ndarray]:
        """State at the start of the settling time, each array (n,): voltages spread below threshold."""
        return {"v": noise.uniform(self.v_reset, self.theta, n)}


CELLS: dict[str, type[EscapeRate] | type[DiffusiveLIF]] = {c.name: c for c in (EscapeRate, DiffusiveLIF)}
