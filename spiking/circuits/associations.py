"""Associations that are learnt: colours come to call up the shapes that were attended with them.

Cells of two kinds of features, colours and shapes, share one inhibition; those of a feature excite one another.
What is shown drives its cells. A synapse from a colour to a shape grows with spikes of both within half a gamma
cycle and shrinks with spikes of the colour alone: Hebb's rule (1949) with presynaptic depression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import ms

from spiking.checks import positive_int, positive_within, within
from spiking.networks import Network

__all__ = ["Associations"]

CELLS = """
    dv/dt = (heard - v) / tau + noise * sqrt(2 / tau) * xi : 1 (unless refractory)
    heard = drive(t, feature) - loop(t) * inh : 1
    feature : integer (constant)
    inh : 1 (linked)
"""
SHARED = "dinh/dt = -inh / tau_inh : 1"
PLASTIC = """
    w : 1
    dx/dt = -x / tau_learn : 1 (event-driven)
    dy/dt = -y / tau_learn : 1 (event-driven)
"""
ON_PRE = """
    v_post += w
    x = 1
    w = clip(w + rate * learning(t) * (y - alone), 0, w_max)
"""
ON_POST = """
    y = 1
    w = clip(w + rate * learning(t) * x, 0, w_max)
"""


@dataclass(frozen=True, kw_only=True)
class Associations:
    """A recipe for networks of leaky integrate-and-fire cells; threshold 1, rest 0.

    Features 0 to `n_pairs` - 1 are colours, the next `n_pairs` shapes; cell i belongs to feature i // `n_cells`.
    """

    n_pairs: int = 4
    n_cells: int = 5  # of a feature
    drive: float = 1.8  # of a feature that is shown
    rest_drive: float = 0.85  # of all others
    coupling: float = 0.5  # rise of a cell's membrane when all others of its feature fire
    inhibition: float = 1.5  # fall of the drive when the cells of two features fire
    tau_ms: float = 15.0
    tau_inh_ms: float = 2.0
    delay_ms: float = 0.5
    refractory_ms: float = 3.0
    noise: float = 0.05  # standard deviation of a membrane without threshold
    rate: float = 0.0005  # of learning, of the threshold for a pair of spikes at once
    alone: float = 0.2  # coincidence below which a colour's spike weakens its synapses
    w_max: float = 0.1
    tau_learn_ms: float = 10.0  # of coincidences
    dt_ms: float = 0.1

    def __post_init__(self) -> None:
        for name in ("n_pairs", "n_cells"):
            positive_int("Associations", name, getattr(self, name), 1000)
        for name in ("tau_ms", "tau_inh_ms", "refractory_ms", "tau_learn_ms"):
            positive_within("Associations", name, getattr(self, name), 0.1, 1e3)
        positive_within("Associations", "dt_ms", self.dt_ms, 1e-3, 1.0)
        within("Associations", "delay_ms", self.delay_ms, self.dt_ms, 100.0)
        for name in ("drive", "rest_drive", "coupling", "inhibition", "noise", "rate", "alone", "w_max"):
            within("Associations", name, getattr(self, name), 0.0, 100.0)

    @property
    def feature_of_cell(self) -> np.ndarray:
        """The feature of each cell, (2 * n_pairs * n_cells,)."""
        return np.arange(2 * self.n_pairs * self.n_cells) // self.n_cells

    def build(
        self,
        rng: np.random.Generator,
        shown: Sequence[Sequence[int]],
        learning: np.ndarray,
        loop: np.ndarray,
        show_ms: float,
    ) -> Network:
        """Make one network and what it is shown.

        Parameters
        ----------
        rng : numpy.random.Generator
            Of the starts of the cells, anywhere below threshold.
        shown : sequence of sequences of int
            Features that are driven in each time of `show_ms`.
        learning, loop : (n_times,) arrays
            1 where synapses learn, and where the shared inhibition reaches the cells; else 0.
        show_ms : float
        """
        n_features = 2 * self.n_pairs
        drive = np.full((len(shown), n_features), self.rest_drive)
        for time, features in enumerate(shown):
            drive[time, list(features)] = self.drive
        clock = b2.Clock(self.dt_ms * ms, name="associations_clock")
        each = show_ms * ms
        constants = {
            "tau": self.tau_ms * ms,
            "tau_inh": self.tau_inh_ms * ms,
            "tau_learn": self.tau_learn_ms * ms,
            "noise": self.noise,
            "kick": self.coupling / max(self.n_cells - 1, 1),
            "each": self.inhibition / (2 * self.n_cells),
            "rate": self.rate,
            "alone": self.alone,
            "w_max": self.w_max,
            "drive": b2.TimedArray(drive, dt=each, name="drive"),
            "learning": b2.TimedArray(np.asarray(learning, dtype=float), dt=each, name="learning"),
            "loop": b2.TimedArray(np.asarray(loop, dtype=float), dt=each, name="loop"),
        }
        common = {"clock": clock, "namespace": constants}
        cells = b2.NeuronGroup(
            len(self.feature_of_cell), CELLS, threshold="v > 1", reset="v = 0",
            refractory=self.refractory_ms * ms, method="euler", name="cells", **common,
        )  # fmt: skip
        shared = b2.NeuronGroup(1, SHARED, method="exact", name="shared", **common)
        cells.inh = b2.linked_var(shared, "inh")
        cells.feature = self.feature_of_cell
        cells.v = rng.random(len(cells))
        delay = self.delay_ms * ms
        bind = b2.Synapses(cells, cells, on_pre="v_post += kick", delay=delay, name="bind", **common)
        same = self.feature_of_cell[:, None] == self.feature_of_cell
        pre, post = np.nonzero(same & ~np.eye(len(cells), dtype=bool))
        bind.connect(i=pre, j=post)
        inhibit = b2.Synapses(cells, shared, on_pre="inh_post += each", delay=delay, name="inhibit", **common)
        inhibit.connect()
        plastic = b2.Synapses(cells, cells, PLASTIC, on_pre=ON_PRE, on_post=ON_POST, name="plastic", **common)
        is_colour = self.feature_of_cell < self.n_pairs
        pre, post = np.nonzero(is_colour[:, None] & ~is_colour)
        plastic.connect(i=pre, j=post)
        return Network([cells, shared, bind, inhibit, plastic])
