"""Which rivals a volley of inhibition comes too late for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from spiking.cells.conductance import cells
from spiking.circuits.inhibited_attention import InhibitedAttention, TAU_D_ms
from spiking.networks import Network, simulate_circuit

__all__ = ["Theory", "measure_theory", "rheobase_uA_cm2"]

CURRENTS_uA_cm2 = np.arange(0.1, 0.151, 0.005)  # silent to firing: Boergers (2017), chapter 5
DURATION_ms = 1000.0


@dataclass(frozen=True, kw_only=True)
class Theory:
    """A race out of decaying inhibition.

    After a volley an E cell with drive I is released when g exp(-t / tau) falls to (I - I_c) / (V - V_rev) at a
    threshold V, hence at t = tau ln(const / (I - I_c)), with I_c the rheobase. The stronger assembly's spikes bring
    the next volley a lag L later. A rival fires before it if its release comes less than L after the stronger's,
    (I_rival - I_c) / (I_strong - I_c) > exp(-L / tau). Drives spread by a part sigma within an assembly, so that of
    a rival's cells Phi((I_rival - I*) / (sigma I_rival)) are beyond the critical drive I*.
    """

    rheobase_uA_cm2: float
    lag_ms: float
    critical_uA_cm2: float
    half: float  # the contrast, in scores, where half of the rival's cells are beyond it
    left: np.ndarray  # (n_contrasts,) part of the rival's cells beyond it


def measure_theory(circuit: InhibitedAttention, lag_ms: float, contrasts: Sequence[float]) -> Theory:
    """Theory of a circuit whose I cells follow the strongest assembly by a measured lag."""
    rheobase = rheobase_uA_cm2()
    strong = circuit.drive_exc_uA_cm2
    critical = rheobase + (strong - rheobase) * float(np.exp(-lag_ms / TAU_D_ms["inh"]))
    rival = strong - np.asarray(contrasts) * circuit.score_uA_cm2
    return Theory(
        rheobase_uA_cm2=rheobase,
        lag_ms=lag_ms,
        critical_uA_cm2=critical,
        half=(strong - critical) / circuit.score_uA_cm2,
        left=norm.cdf((rival - critical) / (circuit.spread_exc * rival)),
    )


def rheobase_uA_cm2() -> float:
    """The least current that makes an E cell fire repeatedly, to 0.005 uA/cm2."""
    ran = simulate_circuit(
        lambda rng: Network([cells("exc", CURRENTS_uA_cm2, 0.02)]),
        duration_ms=DURATION_ms,
        settle_ms=200.0,
        rng=np.random.default_rng(0),
        record=["exc"],
    )
    fired = np.bincount(ran.spikes["exc"].cell, minlength=len(CURRENTS_uA_cm2)) > 1
    return float(CURRENTS_uA_cm2[fired.argmax()])
