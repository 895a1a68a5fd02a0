"""A loop without a gamma rhythm: slow inhibition from I cells of unequal thresholds, at a wanted rate.

`spiking.gamma_off` takes out the loop together with its rhythm. This control takes out the rhythm alone:
inhibition that outlasts a gamma cycle several times over, in small steps, holds the rate without a beat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spiking import GammaCircuit, GammaParams
from spiking.calibration import effective_gain

__all__ = ["slow_loop"]

# Measured, 8 keys, scores N(0, 1.5^2): no row of 32 has a gamma peak, and w_ei 1.3 matches the gamma loop.
TAU_GABA_ms = 100.0
INHIBITION = 1.0  # a tenth of the gamma loop's, for it decays more than ten times as slowly
INH_SPREAD = 0.95  # I cells answer one after the other instead of in a volley
SETTLE_ms = 400.0
FIRST_W_EI = 1.3
MAX_STEPS = 4
TOLERANCE = 0.05  # of the rate, relative; no claim here depends on it more finely


def slow_loop(
    params: GammaParams, rate_Hz: Callable[[GammaCircuit], float], target_Hz: float
) -> GammaCircuit:
    """The gamma loop of `params` with slow inhibition, and E to I such that `rate_Hz` of it is `target_Hz`.

    A volley that each I cell answers needs about 1 / w_ei spikes, so the rate falls as w_ei grows; each
    step scales w_ei by the rate reached over the rate wanted.
    """
    slow = replace(
        params,
        gain=effective_gain(params),
        tau_gaba_ms=TAU_GABA_ms,
        inhibition=INHIBITION,
        inh_spread=INH_SPREAD,
        settle_ms=SETTLE_ms,
        w_ei=FIRST_W_EI,
    )
    for _ in range(MAX_STEPS):
        ratio = rate_Hz(GammaCircuit(slow)) / target_Hz
        if abs(ratio - 1) < TOLERANCE:
            break
        slow = replace(slow, w_ei=float(np.clip(slow.w_ei * np.clip(ratio, 0.5, 2.0), 0.1, 100.0)))
    return GammaCircuit(slow)
