"""The exact solution of NIR's leaky integrate-and-fire cell under a current that is constant in each step.

Between two changes the membrane relaxes exponentially to v_leak + R I, so that its crossing of the threshold has a
closed form: the oracle `lif_exact` that Pedersen et al. 2024 (Nature Communications 15:8122) hold simulators to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spiking.checks import positive

__all__ = ["ExactLIF", "lif_exact"]


@dataclass(frozen=True, kw_only=True)
class ExactLIF:
    """One cell's course."""

    spike_s: np.ndarray  # (n_spikes,) float64: times of the spikes
    v: np.ndarray  # (n_steps,) float64: membrane at the end of each step


def lif_exact(
    current: np.ndarray,
    *,
    step_s: float,
    tau: float,
    r: float = 1.0,
    v_leak: float = 0.0,
    v_threshold: float = 1.0,
    v_reset: float = 0.0,
) -> ExactLIF:
    """Solve tau dv/dt = v_leak - v + r I from v = 0, with v set to `v_reset` when it passes `v_threshold`.

    Parameters
    ----------
    current : (n_steps,) array
        I in each step.
    step_s : float
        Length of a step in seconds.
    tau : float
        Seconds.
    r, v_leak, v_threshold, v_reset : float
        As in `nir.LIF`.

    Raises
    ------
    ValueError
        For times that are not positive, and a reset that is not below the threshold.
    """
    positive("lif_exact", "tau", tau)
    positive("lif_exact", "step_s", step_s)
    if not v_reset < v_threshold:
        raise ValueError(
            f"lif_exact.v_reset must be < v_threshold = {v_threshold:g}, got {v_reset:g}; lower it."
        )
    spikes: list[float] = []
    v, course = 0.0, np.empty(len(current))
    for step, i in enumerate(np.asarray(current, dtype=float)):
        target, left_s = v_leak + r * i, step_s
        while True:
            to_threshold_s = _crossing(v, target, v_threshold, tau)
            if to_threshold_s > left_s:
                break
            left_s -= to_threshold_s
            spikes.append((step + 1) * step_s - left_s)
            v = v_reset
        v = target + (v - target) * math.exp(-left_s / tau)
        course[step] = v
    return ExactLIF(spike_s=np.array(spikes), v=course)


def _crossing(v: float, target: float, threshold: float, tau: float) -> float:
    """Seconds until a membrane on its way to `target` passes the threshold; inf if it never does."""
    return tau * math.log((target - v) / (target - threshold)) if target > threshold else math.inf
