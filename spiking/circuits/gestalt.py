"""Cells of several objects in one circuit: couplings bind the cells of an object, shared inhibition parts objects.

Cells that belong together excite one another and all share one inhibitory variable, as in the oscillator networks
of Wang and Terman (1995, IEEE Trans. Neural Netw. 6:283). An object's cells fire in one volley; the
inhibition that follows holds the other objects back, so that volleys take turns. All cells have the same drive, so
that only times tell objects apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import ms

from spiking.checks import positive_int, positive_within, within
from spiking.networks import Network

__all__ = ["Gestalt"]

CELLS = """
    dv/dt = (drive - inh - v) / tau + noise * sqrt(2 / tau) * xi : 1 (unless refractory)
    drive : 1 (constant)
    inh : 1 (linked)
"""
SHARED = "dinh/dt = -inh / tau_inh : 1"


@dataclass(frozen=True, kw_only=True)
class Gestalt:
    """A recipe for networks of leaky integrate-and-fire cells; threshold 1, rest 0.

    Cell i belongs to feature i // n_cells, and feature f to object f // n_features.
    """

    n_objects: int = 4
    n_features: int = 2  # of an object, such as a colour and a shape
    n_cells: int = 5  # of a feature
    drive: float = 1.8
    coupling: float = 0.5  # rise of a cell's membrane when all other cells of its object fire
    inhibition: float = 1.5  # fall of the drive when all cells of an object fire
    tau_ms: float = 15.0
    tau_inh_ms: float = 2.0
    delay_ms: float = 0.5  # within an object
    delay_inh_ms: float = 0.2  # of the inhibition
    refractory_ms: float = 3.0
    noise: float = 0.03  # standard deviation of a membrane without threshold
    spread: float = 0.0  # of the drives of features over their mean, standard deviation
    spread_objects: float = 0.0  # of the drives of objects
    dt_ms: float = 0.1

    def __post_init__(self) -> None:
        for name in ("n_objects", "n_features", "n_cells"):
            positive_int("Gestalt", name, getattr(self, name), 1000)
        for name in ("tau_ms", "tau_inh_ms", "refractory_ms"):
            positive_within("Gestalt", name, getattr(self, name), 0.1, 1e3)
        positive_within("Gestalt", "dt_ms", self.dt_ms, 1e-3, 1.0)
        for name in ("delay_ms", "delay_inh_ms"):
            within("Gestalt", name, getattr(self, name), self.dt_ms, 100.0)
        for name in ("drive", "coupling", "inhibition", "noise"):
            within("Gestalt", name, getattr(self, name), 0.0, 100.0)
        for name in ("spread", "spread_objects"):
            within("Gestalt", name, getattr(self, name), 0.0, 1.0)

    @property
    def feature_of_cell(self) -> np.ndarray:
        """The feature of each cell, (n_objects * n_features * n_cells,)."""
        return np.arange(self.n_objects * self.n_features * self.n_cells) // self.n_cells

    @property
    def object_of_cell(self) -> np.ndarray:
        """The object of each cell."""
        return self.feature_of_cell // self.n_features

    def build(self, rng: np.random.Generator) -> Network:
        """Make one network whose cells start anywhere below threshold."""
        clock = b2.Clock(self.dt_ms * ms, name="gestalt_clock")
        constants = {
            "tau": self.tau_ms * ms,
            "tau_inh": self.tau_inh_ms * ms,
            "noise": self.noise,
            "kick": self.coupling / max(self.n_features * self.n_cells - 1, 1),
            "each": self.inhibition / (self.n_features * self.n_cells),
        }
        common = {"clock": clock, "namespace": constants}
        cells = b2.NeuronGroup(
            len(self.object_of_cell), CELLS, threshold="v > 1", reset="v = 0",
            refractory=self.refractory_ms * ms, method="euler", name="cells", **common,
        )  # fmt: skip
        shared = b2.NeuronGroup(1, SHARED, method="exact", name="shared", **common)
        cells.inh = b2.linked_var(shared, "inh")
        cells.drive = self._drives(rng)
        cells.v = rng.random(len(cells))
        bind = b2.Synapses(
            cells, cells, on_pre="v_post += kick", delay=self.delay_ms * ms, name="bind", **common
        )
        same = self.object_of_cell[:, None] == self.object_of_cell
        pre, post = np.nonzero(same & ~np.eye(len(cells), dtype=bool))
        bind.connect(i=pre, j=post)
        inhibit = b2.Synapses(
            cells, shared, on_pre="inh_post += each", delay=self.delay_inh_ms * ms, name="inhibit", **common
        )
        inhibit.connect()
        return Network([cells, shared, bind, inhibit])

    def _drives(self, rng: np.random.Generator) -> np.ndarray:
        features = 1 + self.spread * rng.standard_normal(self.n_objects * self.n_features)
        objects = 1 + self.spread_objects * rng.standard_normal(self.n_objects)
        return self.drive * features[self.feature_of_cell] * objects[self.object_of_cell]
