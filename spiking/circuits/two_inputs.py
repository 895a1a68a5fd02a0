"""Two rhythmic inputs and one E and one I cell: the sharp one entrains the pair.

C. Boergers, An Introduction to Modeling Neuronal Dynamics (Springer 2017), chapter 38.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import cm, ms, mV, uA
from scipy import special

from spiking.cells.conductance import (
    ACTION_POTENTIAL,
    CELLS,
    CONSTANT_CURRENT,
    SYNAPTIC_CURRENT,
    gate_constants,
    gate_sum,
)
from spiking.checks import positive_within, within
from spiking.networks import Network

__all__ = ["TwoInputs"]

INPUTS = """
    i_app = amplitude * (pulse_a + pulse_b) : amp/meter**2
    pulse_a = (exp(alpha_a * cos(pi * t / period_a)**2) - 1) / mean_a : 1
    pulse_b = (exp(alpha_b * cos(pi * (t - lag) / period_b)**2) - 1) / mean_b : 1
"""

START_mV = {"exc": -70.0, "inh": -75.0}  # reproduces the printed times to 0.003 ms


@dataclass(frozen=True, kw_only=True)
class TwoInputs:
    """A recipe for the pair; inputs have the same mean, and the larger alpha is the sharper."""

    f_a_Hz: float = 40.0  # attended
    alpha_a: float = 20.0
    f_b_Hz: float = 25.0  # distractor
    alpha_b: float = 0.1
    lag_ms: float = 0.0  # of the second input
    mean_uA_cm2: float = 0.5  # of each input over time
    g_ei_mS_cm2: float = 0.35
    g_ie_mS_cm2: float = 0.5
    g_ii_mS_cm2: float = 0.15
    dt_ms: float = 0.01

    def __post_init__(self) -> None:
        for name in ("f_a_Hz", "f_b_Hz"):
            positive_within("TwoInputs", name, getattr(self, name), 0.1, 500.0)
        for name in ("alpha_a", "alpha_b"):
            positive_within("TwoInputs", name, getattr(self, name), 1e-6, 500.0)
        within("TwoInputs", "lag_ms", self.lag_ms, -1e4, 1e4)
        for name in ("mean_uA_cm2", "g_ei_mS_cm2", "g_ie_mS_cm2", "g_ii_mS_cm2"):
            within("TwoInputs", name, getattr(self, name), 0.0, 100.0)
        positive_within("TwoInputs", "dt_ms", self.dt_ms, 1e-3, 0.025)

    def build(self, rng: np.random.Generator) -> Network:
        """Make the pair, gates at their equilibrium; nothing is drawn."""
        clock = b2.Clock(self.dt_ms * ms, name="pair_clock")
        drives = {"exc": INPUTS, "inh": CONSTANT_CURRENT}
        pair = {
            kind: b2.NeuronGroup(
                1, CELLS[kind] + SYNAPTIC_CURRENT + drive, **ACTION_POTENTIAL, method="rk2", clock=clock,
                name=kind, namespace={**gate_constants(kind), **self._constants()},
            )
            for kind, drive in drives.items()
        }  # fmt: skip
        for kind, cell in pair.items():
            cell.v = START_mV[kind] * mV
            cell.h, cell.n = "alpha_h / (alpha_h + beta_h)", "alpha_n / (alpha_n + beta_n)"
        joined = [
            gate_sum(pair[source], pair[target], g)
            for source, target, g in (
                ("exc", "inh", self.g_ei_mS_cm2),
                ("inh", "exc", self.g_ie_mS_cm2),
                ("inh", "inh", self.g_ii_mS_cm2),
            )
        ]
        for synapses in joined:
            synapses.connect()
        return Network([*pair.values(), *joined])

    def _constants(self) -> dict[str, object]:
        """Of the inputs; the mean of exp(alpha cos^2) over a period is exp(alpha / 2) I0(alpha / 2)."""
        means = {
            f"mean_{x}": float(np.exp(alpha / 2) * special.i0(alpha / 2) - 1)
            for x, alpha in (("a", self.alpha_a), ("b", self.alpha_b))
        }
        return {
            **means,
            "amplitude": self.mean_uA_cm2 * uA / cm**2,
            "alpha_a": self.alpha_a,
            "alpha_b": self.alpha_b,
            "period_a": 1e3 / self.f_a_Hz * ms,
            "period_b": 1e3 / self.f_b_Hz * ms,
            "lag": self.lag_ms * ms,
        }
