"""A spotlight that moves: a saliency map as scores, a volley that selects, and inhibition of return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, fraction, mean
from spiking import GammaCircuit, GammaParams

if TYPE_CHECKING:
    from scenarios.crick_koch import Params

__all__ = ["Visits", "measure_visits"]

RETURN = 6.0  # scores by which a visited place falls
RECOVERY = 12.0  # visits over which that decays
VOLLEY = 12  # spikes of one gamma cycle


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Places in the order in which they were selected."""

    scores: np.ndarray  # (n_rows, n_keys)
    visited: np.ndarray  # (n_rows, n_visits) int, with inhibition of return
    without: np.ndarray  # the same without

    @property
    def order(self) -> Estimate:
        """Rank correlation of a place's saliency with how early it was first visited, mean over rows."""
        return mean(np.array([_order(s, v) for s, v in zip(self.scores, self.visited, strict=True)]))

    def covered(self, visited: np.ndarray) -> Estimate:
        """Different places among as many visits as there are places, as a share."""
        n = self.scores.shape[1]
        return mean(np.array([len(set(row[:n].tolist())) / n for row in visited]))

    def first_is_best(self) -> Estimate:
        """Rows whose first visit is to the most salient place."""
        return fraction(self.visited[:, 0] == self.scores.argmax(axis=1))


def _order(scores: np.ndarray, visited: np.ndarray) -> float:
    first = {int(place): at for at, place in reversed(list(enumerate(visited)))}
    places = np.arange(len(scores))
    earliness = np.array([-first.get(int(place), len(visited)) for place in places])
    return float(stats.spearmanr(scores, earliness).statistic) if np.ptp(earliness) else np.nan


def measure_visits(params: Params, ctx: RunContext) -> Visits:
    """Select again and again, each time by the spikes of about one gamma cycle."""
    scores = ctx.rng.normal(0, params.spread, (params.n_rows, params.n_keys))
    return Visits(
        scores=scores,
        visited=_walk(scores, RETURN, params, ctx),
        without=_walk(scores, 0.0, params, ctx),
    )


def _walk(scores: np.ndarray, fall: float, params: Params, ctx: RunContext) -> np.ndarray:
    circuit, inhibited, visited = GammaCircuit(GammaParams.brief()), np.zeros_like(scores), []
    rows = np.arange(len(scores))
    for visit in range(params.visits):
        counts = circuit.attend(
            scores - inhibited, spikes=VOLLEY, rng=ctx.rng, engine=ctx.engine, record="counts"
        ).counts
        place = (counts + ctx.rng.random(counts.shape)).argmax(axis=1)
        visited.append(place)
        inhibited *= np.exp(-1 / RECOVERY)
        inhibited[rows, place] += fall
        ctx.progress((visit + 1) / params.visits, f"visit {visit + 1}")
    return np.stack(visited, axis=1)
