"""PING of conductance-based cells: E and I cells that excite and inhibit one another.

Circuits after C. Boergers, An Introduction to Modeling Neuronal Dynamics (Springer 2017), chapters 30 and 31.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import brian2 as b2
import numpy as np

from spiking.cells.conductance import cells, gate_sum
from spiking.checks import positive_int, within
from spiking.networks import Network

__all__ = ["PING_1", "PING_8", "TWO_CELLS", "Ping"]


@dataclass(frozen=True, kw_only=True)
class Ping:
    """E and I cells that excite and inhibit one another; a recipe for networks of them.

    Pairs of cells are connected with probability `p_connect`, and a synapse is g / (cells before x p_connect)
    strong, so that g is what a cell receives when all gates are open.
    """

    n_exc: int
    n_inh: int
    g_ee_mS_cm2: float = 0.0
    g_ei_mS_cm2: float = 0.25  # E to I
    g_ie_mS_cm2: float = 0.25  # I to E
    g_ii_mS_cm2: float = 0.25
    p_connect: float = 0.5
    drive_exc_uA_cm2: float = 1.4
    drive_inh_uA_cm2: float = 0.0
    spread_exc: float = 0.05  # standard deviation of the drives over their mean
    spread_inh: float = 0.0
    dt_ms: float = 0.01
    together: bool = False  # all cells start at -75 mV

    def __post_init__(self) -> None:
        for name in ("n_exc", "n_inh"):
            positive_int("Ping", name, getattr(self, name))
        for name in ("g_ee", "g_ei", "g_ie", "g_ii"):
            within("Ping", f"{name}_mS_cm2", getattr(self, f"{name}_mS_cm2"), 0.0, 100.0)
        within("Ping", "p_connect", self.p_connect, 1e-3, 1.0)
        within("Ping", "dt_ms", self.dt_ms, 1e-3, 0.025)  # the midpoint rule is unstable at 0.04

    def build(self, rng: np.random.Generator) -> Network:
        """One network, with connections, drives and initial voltages of its own."""
        start = None if self.together else rng
        groups = {
            kind: cells(kind, mean * (1 + spread * rng.standard_normal(n)), self.dt_ms, start)
            for kind, n, mean, spread in (
                ("exc", self.n_exc, self.drive_exc_uA_cm2, self.spread_exc),
                ("inh", self.n_inh, self.drive_inh_uA_cm2, self.spread_inh),
            )
        }
        synapses = [
            self._synapses(groups, source, target, g, rng)
            for source, target, g in (
                ("exc", "exc", self.g_ee_mS_cm2),
                ("exc", "inh", self.g_ei_mS_cm2),
                ("inh", "exc", self.g_ie_mS_cm2),
                ("inh", "inh", self.g_ii_mS_cm2),
            )
            if g > 0
        ]
        return Network([*groups.values(), *synapses])

    def _synapses(
        self,
        groups: dict[str, b2.NeuronGroup],
        source: str,
        target: str,
        g_mS_cm2: float,
        rng: np.random.Generator,
    ) -> b2.Synapses:
        pre, post = groups[source], groups[target]
        synapses = gate_sum(pre, post, g_mS_cm2 / (len(pre) * self.p_connect))
        i, j = np.nonzero(rng.random((len(pre), len(post))) < self.p_connect)
        synapses.connect(i=i, j=j)
        return synapses


TWO_CELLS = Ping(n_exc=1, n_inh=1, g_ii_mS_cm2=0.0, p_connect=1.0, spread_exc=0.0, together=True)
PING_1 = Ping(n_exc=200, n_inh=50)
PING_8 = replace(PING_1, drive_inh_uA_cm2=0.9, spread_inh=0.05)
