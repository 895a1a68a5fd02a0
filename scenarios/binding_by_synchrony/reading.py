"""Attention that reads a scene: a colour asks for its shape, by coincidence with its volley or by counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenarios.binding_by_synchrony.circuits import Ran
from scenarios.binding_by_synchrony.pairs import Scene
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, fraction, mean
from spiking import GammaCircuit, GammaParams

__all__ = ["Answers", "read"]

GAIN = 4.0  # score of a key whose every spike coincides with the query's
READER = GammaCircuit(GammaParams.brief())


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a reader makes of every query: each network's mean."""

    correct: np.ndarray  # (n_networks,) share of queries whose most attended key is the bound one
    n_queries: int  # of each network
    bound: np.ndarray  # (n_networks,) attention weight of that key

    @property
    def accuracy(self) -> Estimate:
        """Mean over networks; where all agree its error is that of as many queries, all right or all wrong."""
        if np.ptp(self.correct):
            return mean(self.correct)
        n = len(self.correct) * self.n_queries
        return fraction(np.arange(n) < round(float(self.correct[0]) * n))

    @property
    def weight(self) -> Estimate:
        return mean(self.bound)


def read(ran: Ran, by: str, spikes: int, ctx: RunContext) -> Answers:
    """Let the first feature of every object ask which second feature belongs to it.

    The scores of the keys go to a gamma circuit, which attends with so many spikes.

    Parameters
    ----------
    ran : Ran
    by : {"times", "rates", "window"}
        Scores: coincidences with the query's spikes; how near the numbers of spikes are, each feature counted from
        a start of its own; or the same in a common window.
    spikes : int
    ctx : RunContext
    """
    n = ran.gestalt.n_objects
    if by == "times":
        scores = np.array([[_by_times(scene) for scene in scenes] for scenes in ran.scenes()])
    else:
        counts = ran.counts(ctx.rng if by == "rates" else None) / ran.gestalt.n_cells
        query, key = (counts[..., place :: ran.gestalt.n_features] for place in (0, 1))
        scores = -GAIN * np.abs(query[..., :, None] - key[..., None, :])  # a spike a cell costs the gain
    selection = READER.attend(
        scores.reshape(-1, n), spikes=spikes, duration_ms=1e3, rng=ctx.rng, record="counts", engine=ctx.engine
    )
    bound = np.tile(np.arange(n), len(scores) * ran.n_windows)
    rows = np.arange(len(bound))
    most = selection.counts == selection.counts.max(axis=1, keepdims=True)
    correct = (most / most.sum(axis=1, keepdims=True))[rows, bound]  # ties: the chance of guessing right
    return Answers(
        correct=correct.reshape(len(scores), -1).mean(axis=1),
        n_queries=ran.n_windows * n,
        bound=selection.weights[rows, bound].reshape(len(scores), -1).mean(axis=1),
    )


def _by_times(scene: Scene) -> np.ndarray:
    """Scores of second features (keys) for first features (queries), (n_objects, n_objects)."""
    return GAIN * scene.coincidence[0 :: scene.gestalt.n_features, 1 :: scene.gestalt.n_features]
