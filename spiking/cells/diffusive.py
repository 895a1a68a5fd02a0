"""The diffusive integrate-and-fire cell: noise in the membrane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from spiking.cells.model import DrivenCell, check_fields

__all__ = ["DiffusiveLIF"]


@dataclass(frozen=True, kw_only=True)
class DiffusiveLIF(DrivenCell):
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
    start: ClassVar[Mapping[str, str]] = {
        "v": "v_reset + (theta - v_reset) * rand()"
    }  # spread below threshold

    def __post_init__(self) -> None:
        check_fields(self, "drive", "theta", "v_reset")
        if self.v_reset >= self.theta:
            raise ValueError(
                f"DiffusiveLIF.v_reset must be < theta = {self.theta}, got {self.v_reset}; lower it."
            )
