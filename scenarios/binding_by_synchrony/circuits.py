"""Networks of one recipe, their spikes, and what controls do to the spikes or to the recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scenarios.binding_by_synchrony.pairs import Scene, scenes_of
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, mean
from spiking import Spikes
from spiking.circuits.gestalt import Gestalt
from spiking.networks import simulate_circuit

if TYPE_CHECKING:
    from scenarios.binding_by_synchrony import Params

__all__ = ["Ran", "at_rate", "simulated"]

SETTLE_ms = 500.0
HALVINGS = 9  # of the interval in which the drive is sought: to .2 % of it


@dataclass(frozen=True, kw_only=True)
class Ran:
    """Networks of one recipe, each watched for some windows."""

    gestalt: Gestalt
    spikes: Spikes
    n_networks: int
    n_windows: int
    window_ms: float

    @property
    def rate_Hz(self) -> float:
        """Of a cell."""
        cells = len(self.gestalt.object_of_cell) * self.n_networks
        return len(self.spikes.time_ms) / (cells * self.n_windows * self.window_ms * 1e-3)

    def scenes(self) -> list[list[Scene]]:
        """By network and window."""
        return scenes_of(self.spikes, self.gestalt, self.n_networks, self.n_windows, self.window_ms)

    def mean(self, measure: Callable[[Scene], float]) -> Estimate:
        """A measure of scenes; windows of a network share their couplings, so networks are the sample."""
        return mean(np.array([np.mean([measure(scene) for scene in scenes]) for scenes in self.scenes()]))

    def counts(self, rng: np.random.Generator | None) -> np.ndarray:
        """Spikes of each feature over a window less a period, (n_networks, n_windows, n_features).

        With a generator each feature is counted from a start of its own within the first period, so that counts
        carry rates alone. In a common window they also carry phase: volleys at its edges are in or out together.
        """
        n_features = self.gestalt.n_objects * self.gestalt.n_features
        shape = (self.n_networks, self.n_windows, n_features)
        period_ms = min(1e3 / self.rate_Hz, self.window_ms / 2) if self.rate_Hz else 0.0
        start = np.zeros(shape) if rng is None else rng.uniform(0, period_ms, shape)
        window = (self.spikes.time_ms / self.window_ms).astype(int)
        at = (self.spikes.row, window, self.gestalt.feature_of_cell[self.spikes.cell])
        after = self.spikes.time_ms - window * self.window_ms - start[at]
        counts = np.zeros(shape)
        np.add.at(counts, at, (after >= 0) & (after < self.window_ms - period_ms))
        return counts

    def jittered(self, by_ms: float, rng: np.random.Generator) -> Ran:
        """Every spike moved by up to so much, either way, within its window."""
        return self._moved(rng.uniform(-by_ms, by_ms, len(self.spikes.time_ms)), self.window_ms)

    def permuted(self, rng: np.random.Generator) -> Ran:
        """All spikes of a feature moved together around the record: its rhythm stays, its phase does not.

        Around each window instead, an object's features would keep a number of spikes that is theirs alone.
        """
        n_features, record_ms = (
            self.gestalt.n_objects * self.gestalt.n_features,
            self.n_windows * self.window_ms,
        )
        by_ms = rng.uniform(0, record_ms, (self.n_networks, n_features))
        feature = self.gestalt.feature_of_cell[self.spikes.cell]
        return self._moved(by_ms[self.spikes.row, feature], record_ms)

    def _moved(self, by_ms: np.ndarray, around_ms: float) -> Ran:
        start = np.floor(self.spikes.time_ms / around_ms) * around_ms
        time_ms = start + (self.spikes.time_ms - start + by_ms) % around_ms
        order = np.lexsort((time_ms, self.spikes.row))
        spikes = Spikes(row=self.spikes.row[order], cell=self.spikes.cell[order], time_ms=time_ms[order])
        return replace(self, spikes=spikes)


def simulated(gestalt: Gestalt, params: Params, ctx: RunContext, n_networks: int | None = None) -> Ran:
    """Simulate networks of a recipe, of the parameters' number if none is given."""
    n_networks = n_networks or params.n_networks
    recorded = simulate_circuit(
        gestalt.build,
        duration_ms=params.n_windows * params.window_ms,
        settle_ms=SETTLE_ms,
        rng=ctx.rng,
        n_networks=n_networks,
        record=["cells"],
    )
    spikes = recorded.spikes["cells"]
    whole = spikes.time_ms < params.n_windows * params.window_ms
    return Ran(
        gestalt=gestalt,
        spikes=Spikes(row=spikes.row[whole], cell=spikes.cell[whole], time_ms=spikes.time_ms[whole]),
        n_networks=n_networks,
        n_windows=params.n_windows,
        window_ms=params.window_ms,
    )


def at_rate(gestalt: Gestalt, rate_Hz: float, params: Params, ctx: RunContext) -> Gestalt:
    """The recipe with the drive at which its cells fire at a rate, sought by halving."""
    low, high = 0.9, 6.0
    for _ in range(HALVINGS):
        middle = replace(gestalt, drive=(low + high) / 2)
        low, high = (
            (middle.drive, high)
            if simulated(middle, params, ctx, n_networks=1).rate_Hz < rate_Hz
            else (low, middle.drive)
        )
    return replace(gestalt, drive=(low + high) / 2)
