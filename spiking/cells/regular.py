"""The regular cell: noise in the starting phase alone, or as much more as is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import ClassVar

from brian2 import Quantity, ms

from spiking.checks import known, positive_within, shown, within

__all__ = ["PHASES", "RegularCell"]

MAX_SHAPE = 100  # a product of so many uniform numbers is still a normal double
GOLDEN = (math.sqrt(5) - 1) / 2  # however many multiples of it, taken modulo 1, lie nearly evenly (Weyl 1916)
_DIRECTION = "(2 * int(rand_row() < 0.5) - 1)"  # of two alike keys either fires first
_PHASE = {
    "even": "(rand_key() + i % n_cells) / n_cells",
    "own": "rand()",
    "row": f"((rand_row() + {GOLDEN} * {_DIRECTION} * (i // n_cells)) % 1 + i % n_cells) / n_cells",
}
PHASES = tuple(_PHASE)


@dataclass(frozen=True, kw_only=True)
class RegularCell:
    """Leaky integrator that fires whenever the integral of its rate rho_0 exp(v - theta) has grown by q.

    With the membrane v = u_j + c(t), c common to the row, a key of n cells counts spikes at the rate
    n exp(u_j) on the clock H, the integral of rho_0 exp(c - theta). Where q = 1, a key's count is n exp(u_j) H
    rounded up or down, and only the starting phase decides which: at any given H the count is unbiased and its
    variance at most 1/4, where independent samples have N p (1 - p). Particle filters draw so (stratified and
    systematic resampling; Kitagawa 1996; Douc, Cappe and Moulines 2005). Spikes leave the voltage alone, so that
    no winner is depleted.

    Thresholds of finite `shape` k are gamma distributed with mean 1 and variance 1/k. Intervals on the clock H
    then have the coefficient of variation 1/sqrt(k): 1 for k = 1, an escape-rate cell whose spikes leave the
    voltage alone, and 0 for regular cells.

    Parameters
    ----------
    shape : float
        k: inf, or a whole number up to 100.
    phases : {"even", "own", "row"}
        How the cells of a row begin. "even": a key's cells are spread evenly over their cycle, and one random
        phase moves them all; they share their input, so they stay so, and n cells are as regular as one of n
        times the rate. "own": each cell at a random phase. "row": as "even", but one random phase moves the
        whole row, and each key is ahead of the one before by the golden ratio of a spacing, or lags as much.
    jitter : float
        Standard deviation of a cell's starting phase about its even place, in spacings between neighbours.
    rate_spread : float
        Standard deviation over cells of the logarithm of their rate, of mean 1.
    """

    tau_ms: float = 10.0  # membrane time constant; 10 ms, cortical pyramidal cell in vivo
    drive: float = 13.0  # tonic input, in scores
    theta: float = 10.0  # voltage at which the rate is rho_0
    rho_0_per_ms: float = 1.0  # rate at theta
    shape: float = math.inf
    phases: str = "even"
    jitter: float = 0.0
    rate_spread: float = 0.0
    v_start: float = 5.0  # of all cells, plus their score; first volley within 7 ms, as large as later ones

    name: ClassVar[str] = "regular"
    threshold: ClassVar[str] = "h > q"
    method: ClassVar[str] = "euler"

    def __post_init__(self) -> None:
        for field in ("tau_ms", "rho_0_per_ms"):
            positive_within("RegularCell", field, getattr(self, field), 1e-6, 1e6)
        for field in ("drive", "theta", "v_start"):
            within("RegularCell", field, getattr(self, field), -1e3, 1e3)
        within("RegularCell", "jitter", self.jitter, 0.0, 10.0)
        within("RegularCell", "rate_spread", self.rate_spread, 0.0, 2.0)
        known("RegularCell.phases", self.phases, PHASES)
        if (
            isinstance(self.shape, bool)
            or not isinstance(self.shape, Real)
            or self.shape not in (math.inf, *range(1, MAX_SHAPE + 1))
        ):
            raise ValueError(
                f"RegularCell.shape must be a whole number from 1 to {MAX_SHAPE} or inf, got {shown(self.shape)}; "
                "use 1 for random spikes, math.inf for regular ones."
            )

    @property
    def equations(self) -> str:
        """Cells have a threshold or a rate of their own only where these differ."""
        rate = "exp(v - theta + log_rate)" if self.rate_spread else "exp(v - theta)"
        lines = ["dv/dt = (drive + u - inh - v) / tau_e : 1", f"dh/dt = rho_0 * {rate} : 1"]
        lines.append("q = 1 : 1" if self.shape == math.inf else "q : 1")
        if self.rate_spread:
            lines.append("log_rate : 1 (constant)")
        return "".join(f"{line}\n" for line in lines)

    @property
    def reset(self) -> str:
        """What is over the threshold counts for the next spike; a new q is the sum of k exponentials, /k."""
        if self.shape == math.inf:
            return "h -= q"
        factors = ["q *= rand()"] * (int(self.shape) - 1)  # Brian2 has one rand() an expression
        return "\n".join(["h -= q", "q = rand()", *factors, f"q = -log(q) / {self.shape:g}"])

    @property
    def start(self) -> Mapping[str, str]:
        """A cell that has been firing for long: its threshold is length-biased, h anywhere below it (Cox 1962)."""
        phase, begun = _PHASE[self.phases], {"v": "v_start + u"}
        if self.jitter:
            phase = f"({phase} + {self.jitter} * randn() / n_cells) % 1"
        if self.rate_spread:
            begun["log_rate"] = f"{self.rate_spread} * randn() - {self.rate_spread**2 / 2}"
        if self.shape == math.inf:
            return {**begun, "h": phase}
        product = " * ".join(["rand()"] * (int(self.shape) + 1))
        q = f"-log({product}) / {self.shape:g}"  # gamma of shape k + 1 and scale 1/k
        return {**begun, "q": q, "h": f"q * ({phase})"}

    def with_drive(self, drive: float) -> RegularCell:
        """The same cell under another tonic input."""
        return replace(self, drive=drive)

    def namespace(self) -> dict[str, Quantity | float]:
        """The constants of the equations, with their dimensions."""
        return {
            "tau_e": self.tau_ms * ms,
            "drive": self.drive,
            "theta": self.theta,
            "rho_0": self.rho_0_per_ms / ms,
            "v_start": self.v_start,
        }
