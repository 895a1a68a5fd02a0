"""Two controls for a gamma loop, both at its rate: no loop, and a loop without a gamma rhythm.

`spiking.gamma_off` takes out the loop together with its rhythm. The slow loop takes out the rhythm alone:
inhibition that outlasts a gamma cycle several times over, in small steps, from I cells of unequal thresholds, holds
the rate without a beat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scenarios.workbench.outcome import RunContext
from spiking import GammaCircuit, GammaParams, RateMatched, gamma_off
from spiking.calibration import effective_gain

__all__ = ["RateControls", "SETTLE_ms", "matched", "rate_controls"]

# Measured, 8 keys, scores N(0, 1.5^2): no row of 32 has a gamma peak, and w_ei 1.3 matches the gamma loop.
TAU_GABA_ms = 100.0
INHIBITION = 1.0  # a tenth of the gamma loop's, for it decays more than ten times as slowly
INH_SPREAD = 0.95  # I cells answer one after the other instead of in a volley
SETTLE_ms = 400.0
FIRST_W_EI = 1.3
MAX_STEPS = 4
TOLERANCE = 0.05  # of the rate, relative; no claim here depends on it more finely
MATCHED = 0.04  # the same without a loop


@dataclass(frozen=True, kw_only=True)
class RateControls:
    """The controls of one circuit."""

    matched: RateMatched  # without a loop, at a lower drive
    slow: GammaCircuit


def rate_controls(
    loop: GammaCircuit,
    scores: np.ndarray,
    ctx: RunContext,
    *,
    duration_ms: float,
    mask: np.ndarray | None = None,
) -> RateControls:
    """Make both controls, matched to the loop's mean rate over rows within `duration_ms`.

    Parameters
    ----------
    loop : GammaCircuit
    scores : (n_rows, n_keys) array
    ctx : RunContext
    duration_ms : float
        Of each simulation of the search.
    mask : (n_rows, n_keys) bool array, optional
        True where a key takes part.
    """
    off = matched(loop, scores, ctx, duration_ms=duration_ms, mask=mask)

    def rate_Hz(circuit: GammaCircuit) -> float:
        selection = circuit.attend(scores, duration_ms=duration_ms, rng=ctx.rng, mask=mask, engine=ctx.engine)
        return float(selection.counts.sum(axis=1).mean() / duration_ms * 1e3)

    return RateControls(matched=off, slow=_slow_loop(loop.params, rate_Hz, off.target_Hz))


def matched(
    loop: GammaCircuit,
    scores: np.ndarray,
    ctx: RunContext,
    *,
    duration_ms: float,
    mask: np.ndarray | None = None,
) -> RateMatched:
    """Make the control without a loop alone."""
    return gamma_off(
        loop,
        scores,
        duration_ms=duration_ms,
        rng=ctx.rng,
        mask=mask,
        engine=ctx.engine,
        tolerance=MATCHED,
        progress=ctx.progress,
    )


def _slow_loop(
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
