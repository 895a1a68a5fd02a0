"""The circuits of attention-by-inhibition: attention off and on, and controls as active without a rhythm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.outcome import RunContext
from spiking.circuits.inhibited_attention import InhibitedAttention

if TYPE_CHECKING:
    from scenarios.attention_by_inhibition import Params

__all__ = ["LABELS", "REST", "ATTENTION_uA_cm2", "conditions", "lone", "rate_Hz"]

ATTENTION_uA_cm2 = 0.7  # the bath of Boergers, Epstein and Kopell (2008)
REST = -3.0  # score of an assembly whose drive is 0 where the strongest has 1.5
SMOOTH_ms = 50.0  # two cycles
STEPS = 6  # of each bisection: to 2 % of its interval
LABELS: Mapping[str, str] = {
    "attended": "attended",
    "unattended": "unattended",
    "gain": "E drive raised, no attention",
    "smooth": "attended, inhibition smoothed",
}


def conditions(params: Params, ctx: RunContext) -> dict[str, InhibitedAttention]:
    """Attention on and off, and two controls in which the strongest assembly alone fires as when attended.

    `gain` keeps the driven I cells and multiplies every E drive: attention as excitation. `smooth` is the attended
    circuit whose E cells are inhibited by a running mean of the I cells: the same feedback without its rhythm.
    """
    off = InhibitedAttention()
    attended = replace(off, bath_uA_cm2=ATTENTION_uA_cm2)
    target_Hz = rate_Hz(attended, params, ctx)

    def gain(factor: float) -> InhibitedAttention:
        return replace(
            off, drive_exc_uA_cm2=factor * off.drive_exc_uA_cm2, score_uA_cm2=factor * off.score_uA_cm2
        )

    def smooth(weaker: float) -> InhibitedAttention:
        return replace(attended, tau_smooth_ms=SMOOTH_ms, g_ie_mS_cm2=attended.g_ie_mS_cm2 / weaker)

    return {
        "attended": attended,
        "unattended": off,
        "gain": gain(_matched(lambda x: rate_Hz(gain(x), params, ctx), 1.0, 4.0, target_Hz)),
        "smooth": smooth(_matched(lambda x: rate_Hz(smooth(x), params, ctx), 0.25, 4.0, target_Hz)),
    }


def lone(n_rows: int) -> np.ndarray:
    """Scores of two assemblies of which the first alone is driven, (n_rows, 2); more at rest change nothing."""
    return np.tile([0.0, REST], (n_rows, 1))


def rate_Hz(circuit: InhibitedAttention, params: Params, ctx: RunContext) -> float:
    """Mean rate of the cells of an assembly that is driven alone."""
    selection = circuit.attend(
        lone(params.n_rows), duration_ms=params.duration_ms, rng=ctx.rng, record="counts",
        engine=ctx.engine,
    )  # fmt: skip
    return float(selection.counts[:, 0].mean()) / circuit.n_cells / params.duration_ms * 1e3


def _matched(rate: Callable[[float], float], low: float, high: float, target_Hz: float) -> float:
    """Where a rate that rises between two ends reaches the target, by bisection."""
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rate(middle) < target_Hz else (low, middle)
    return (low + high) / 2
