"""Dilution: one right key among more and more, at fixed weights, read exactly, by selections and by spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bridge import SpikingScoreMap
from bridge.heads.named import circuit_named
from pragmatic.machines.lengths import LogLength
from pragmatic.score_maps import ScoreMap, Softmax, TopK
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader, spiking_map
from spiking import Budget, RowCircuit

if TYPE_CHECKING:
    from scenarios.hard_for_transformers import Params

__all__ = ["COOLED", "FIXED", "Row", "Window", "diluted", "diluted_weight", "score_map_of"]

FIXED, COOLED = "fixed", "cooled"  # temperature the same for all n; scores times ln n / ln n0
TOP = 4  # keys that the selection of the best few keeps


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a way to read made of the rows of one number of keys."""

    weight: np.ndarray  # (n_rows,) on the right key
    won: np.ndarray  # (n_rows,) bool, whether it has the largest weight; a tie falls to any
    spent: np.ndarray  # (n_rows,) spikes, 0 without spikes


@dataclass(frozen=True, kw_only=True)
class Window:
    """Softmax over the keys within `width` of the best score: E%-max with the window in nats.

    De Almeida, Idiart and Lisman (2009), J. Neurosci. 29:7497: cells within E % of the most excited one fire,
    before feedback inhibition arrives.
    """

    width: float

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Weights, of the shape of the scores."""
        near = scores >= scores.amax(dim=-1, keepdim=True) - self.width
        return Softmax()(scores, near if mask is None else near & mask)


def diluted_weight(n_keys: np.ndarray, margin: float, spread: float) -> np.ndarray:
    """Give the softmax weight of the right key: 1 / (1 + (n - 1) e^-c), c the margin, less spread^2 / 2.

    Exact for equal wrong keys; for normal scores e^s has the mean e^(spread^2 / 2), about which the sum over many
    keys varies little.
    """
    return np.asarray(1 / (1 + (n_keys - 1) * np.exp(spread**2 / 2 - margin)))


def diluted(params: Params, ctx: RunContext) -> dict[tuple[Reader, str, int], Row]:
    """Read rows of every number of keys in every way, by (reader, temperature, keys)."""
    exact: dict[Reader, ScoreMap] = {
        ("softmax", 0): Softmax(),
        ("top", 0): TopK(k=TOP),
        ("window", 0): Window(width=params.window),
    }
    done: dict[tuple[Reader, str, int], Row] = {}
    for at, n in enumerate(params.keys):
        scores = ctx.rng.normal(scale=params.spread, size=(params.n_rows, n))
        right = ctx.rng.integers(n, size=params.n_rows)
        scores[np.arange(params.n_rows), right] = params.margin
        for reader in (*exact, *params.readers, *_leads(params)):
            for temperature in (FIXED, COOLED):
                inner = exact.get(reader) or score_map_of(params, reader, ctx)
                cooled = LogLength(score_map=inner, reference=params.keys[0])
                weights = (inner if temperature == FIXED else cooled)(torch.from_numpy(scores))
                done[reader, temperature, n] = _row(weights.numpy(), right, inner)
        ctx.progress((at + 1) / len(params.keys))
    return done


def _leads(params: Params) -> list[Reader]:
    """Samples have no time in which to lead."""
    kinds = dict.fromkeys(kind for kind, _ in params.readers)
    return [(f"{kind}_lead", params.lead) for kind in kinds if kind != "sampled"]


def score_map_of(params: Params, reader: Reader, ctx: RunContext) -> SpikingScoreMap:
    """Make the score map of a reader that has spikes."""
    kind, n = reader
    circuit: RowCircuit = params.row_circuit()
    if kind.startswith("regular"):
        circuit = circuit_named("regular-brief", temperature=1.0, n_cells=params.n_cells)
    score_map = spiking_map(circuit, ("sampled" if kind == "sampled" else "spiking", n), ctx)
    if kind.endswith("_lead"):
        score_map.budget = Budget(lead=n)
    return score_map


def _row(weights: np.ndarray, right: np.ndarray, score_map: ScoreMap) -> Row:
    """The right key stands anywhere, so that the first of several with most spikes is any of them."""
    spent = np.zeros(len(right))
    if isinstance(score_map, SpikingScoreMap):
        assert score_map.counts is not None
        spent = score_map.counts.sum(axis=1).astype(float)
    return Row(weight=weights[np.arange(len(right)), right], won=weights.argmax(axis=1) == right, spent=spent)
