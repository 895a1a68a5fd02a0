"""The gamma head as a memory: patterns are keys and values, and what is read becomes the next query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pragmatic.machines.phase_memory import sign_patterns
from pragmatic.score_maps import ScoreMap, Softmax
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader, spiking_map
from scenarios.workbench.statistics import Estimate, fraction

if TYPE_CHECKING:
    from scenarios.oscillatory_memory import Params

__all__ = ["EXACT", "PHASES", "Heads", "Map", "measure_heads", "measure_map"]

EXACT: Reader = ("softmax", 0)
PHASES = ("one pattern", "mean of a cluster", "mean of all", "none of these")
_ROWS = 50  # queries at a time, which bounds the scores held


@dataclass(frozen=True, kw_only=True)
class Heads:
    """Retrieval from noisy cues, by reader, load and how often what was read became the query."""

    dim: int
    right: Mapping[tuple[Reader, int, int], np.ndarray]  # reader, patterns, cycles -> (n_cues,) bool

    def success(self, reader: Reader, n_patterns: int, cycles: int = 1) -> Estimate:
        """Cues from which the pattern was retrieved."""
        return fraction(self.right[reader, n_patterns, cycles])

    def bits(self, reader: Reader, n_patterns: int) -> float:
        """Bits that the memory gives back: those of each pattern of -1 and 1 that is retrieved."""
        return n_patterns * self.dim * self.success(reader, n_patterns).value


@dataclass(frozen=True, kw_only=True)
class Map:
    """What the head settles on, by temperature and similarity within clusters."""

    betas: tuple[float, ...]
    similarities: tuple[float, ...]
    shares: Mapping[Reader, np.ndarray]  # (n_betas, n_similarities, n_phases) of the cues


def measure_heads(params: Params, ctx: RunContext) -> Heads:
    """Feed what is read back as the query, through a softmax and through spikes."""
    right: dict[tuple[Reader, int, int], np.ndarray] = {}
    for number, n_patterns in enumerate(params.keys):
        keys = sign_patterns(n_patterns, params.dim, ctx.rng) / params.dim**0.5
        wanted = ctx.rng.integers(n_patterns, size=params.cues)
        noise = ctx.rng.normal(size=(params.cues, params.dim)) / params.dim**0.5
        cue = keys[wanted] + params.noise * noise
        for reader in params.readers:
            query = cue
            for cycle in range(1, params.cycles + 1):
                query, most = _read(query, keys, params.beta, _score_map(reader, params, ctx))
                right[reader, n_patterns, cycle] = most == wanted
        ctx.progress((number + 1) / len(params.keys), f"{n_patterns} keys")
    return Heads(dim=params.dim, right=right)


def measure_map(params: Params, ctx: RunContext) -> Map:
    """Settle from every pattern of a clustered set, at each temperature and similarity."""
    betas, similarities = params.betas, params.similarities
    readers = [EXACT, *(r for r in params.readers if r[0] == "spiking")][:: max(1, len(params.spikes))]
    shares = {reader: np.zeros((len(betas), len(similarities), len(PHASES))) for reader in readers}
    for column, similarity in enumerate(similarities):
        centres = _unit(ctx.rng.normal(size=(params.clusters, 1, params.dim)))
        own = _unit(ctx.rng.normal(size=(params.clusters, params.members, params.dim)))
        keys = _unit(similarity**0.5 * centres + (1 - similarity) ** 0.5 * own)
        for row, beta in enumerate(betas):
            for reader in readers:
                query = keys.reshape(-1, params.dim)
                for _ in range(params.cycles):
                    query, _ = _read(
                        query, keys.reshape(-1, params.dim), beta, _score_map(reader, params, ctx)
                    )
                shares[reader][row, column] = _phases(query, keys)
        ctx.progress((column + 1) / len(similarities), f"similarity {similarity:g}")
    return Map(betas=betas, similarities=similarities, shares=shares)


def _phases(states: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Which of `PHASES` each state is nearest to, as shares; keys are (clusters, members, dim)."""
    members = keys.shape[1]
    own = keys.reshape(states.shape)
    of_cluster = np.repeat(_unit(keys.mean(axis=1)), members, axis=0)
    of_all = np.broadcast_to(_unit(keys.mean(axis=(0, 1))), states.shape)
    near = np.stack([(_unit(states) * _unit(target)).sum(axis=1) for target in (own, of_cluster, of_all)])
    which = np.where(near.max(axis=0) > 0.9, near.argmax(axis=0), len(PHASES) - 1)
    return np.bincount(which, minlength=len(PHASES)) / len(which)


def _read(
    query: np.ndarray, keys: np.ndarray, beta: float, score_map: ScoreMap
) -> tuple[np.ndarray, np.ndarray]:
    """One step: weights of beta q k, values the keys themselves; the state, and the key of the largest weight."""
    states, most = [], []
    for first in range(0, len(query), _ROWS):
        weights = score_map(torch.from_numpy(beta * query[first : first + _ROWS] @ keys.T)).double().numpy()
        states.append(weights @ keys)
        most.append(weights.argmax(axis=1))
    return np.concatenate(states), np.concatenate(most)


def _score_map(reader: Reader, params: Params, ctx: RunContext) -> ScoreMap:
    return Softmax() if reader == EXACT else spiking_map(params.row_circuit(), reader, ctx)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
