"""Axons that compete in the control phase: matched by coincidence or dot product, with a shared I pool or without.

Each axon drives an E population of a gamma circuit; its input grows with its match, whatever the other axons'. With
the loop cut, and the drive lowered to the same mean rate, every population answers to its own axon alone, as the
spines of Ellwood (2024) do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from bridge.comparison.metrics import total_variation
from bridge.comparison.sampling import total_variation_floor
from scenarios.match_and_control.spines import Matched, PEAK_ms
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import UNKNOWN, Estimate, bootstrap, difference, mean, ratio
from spiking import GammaCircuit, GammaParams
from spiking.circuits.control import gamma_off

if TYPE_CHECKING:
    from scenarios.match_and_control import Params

__all__ = ["MATCHES", "POOLS", "Competed", "compete", "dot_products"]

MATCHES = {"coincidence": "by coincidence", "dot": "by dot product"}
POOLS = {"pool": "with the I pool", "cut": "without, at the same rate"}
BIN_ms = 12.0  # of trains as vectors: the width of the spine's kernel
ALONE = 20  # rows in which one axon alone is matched in full


@dataclass(frozen=True, kw_only=True)
class Competed:
    """One way of matching and of control; row r is a trial whose axon 0 is the matched one."""

    scores: np.ndarray  # (n_rows, n_axons), 0 for a full match
    counts: np.ndarray  # (n_rows, n_axons) spikes
    absent_scores: np.ndarray  # of trials in which no axon carries the query
    absent_counts: np.ndarray
    alone: float  # spikes of an axon that alone is matched in full
    rivals: np.ndarray  # (n_rows,) number of other axons that pass the threshold
    passed: np.ndarray  # (n_rows,) bool, the matched axon passes it

    @property
    def softmax(self) -> np.ndarray:
        """Weights of the scores, (n_rows, n_axons)."""
        return np.exp(self.scores - logsumexp(self.scores, axis=1, keepdims=True))

    @property
    def hit(self) -> np.ndarray:
        """Spikes of the matched axon over those when matched in full and alone, at most 1; nan if none."""
        return np.minimum(self.counts[:, 0] / (self.alone or np.nan), 1.0)

    @property
    def spurious(self) -> np.ndarray:
        """Part of the spikes that other axons cause, nan in silent rows."""
        totals = self.counts.sum(axis=1)
        return 1 - self.counts[:, 0] / np.where(totals > 0, totals, np.nan)

    @property
    def without_match(self) -> Estimate:
        """Spikes in trials without a match, over those of trials with one."""
        absent, there = mean(self.absent_counts.sum(axis=1)), mean(self.counts.sum(axis=1))
        value = ratio(absent.value, there.value)
        errors = [value * ratio(of.error, of.value) for of in (absent, there)]
        return Estimate(value=value, error=float(np.linalg.norm(errors)))

    @property
    def lost_to_rivals(self) -> Estimate:
        """Hits of matched axons over the threshold, in trials without another over it less in the rest."""
        lonely, crowded = (self.hit[self.passed & given] for given in (self.rivals == 0, self.rivals > 0))
        return difference(mean(lonely), mean(crowded)) if min(len(lonely), len(crowded)) > 1 else UNKNOWN

    @property
    def excess(self) -> Estimate:
        """Total variation to the softmax less its sampling floor, in rows that spike."""
        totals = self.counts.sum(axis=1)
        rows = totals > 0
        share = self.counts[rows] / totals[rows, None]
        floor = total_variation_floor(self.softmax[rows], totals[rows])
        return mean(total_variation(share, self.softmax[rows]) - floor)

    def slope(self, rng: np.random.Generator) -> Estimate:
        """Slope of log total spikes on the log of the summed exp(score): 0 normalises, 1 adds up."""
        evidence = logsumexp(np.concatenate([self.scores, self.absent_scores]), axis=1)
        totals = np.concatenate([self.counts, self.absent_counts]).sum(axis=1)
        log_total = np.log(np.maximum(totals, 0.5))

        def fitted(rows: np.ndarray) -> float:
            x = evidence[rows] - evidence[rows].mean()
            return float(x @ log_total[rows] / (x @ x)) if x.any() else np.nan

        return bootstrap(fitted, len(totals), rng)


def dot_products(matched: Matched) -> np.ndarray:
    """Query and keys as vectors of spike counts in bins of 12 ms, the keys later by the lead of the matched axon.

    Over the mean squared length of queries, so that a full match is 1 on average; (n_trials, n_axons).
    """
    n_bins = int(np.ceil((matched.window_ms + PEAK_ms) / BIN_ms)) + 1
    query, keys = _binned(matched.query, n_bins), _binned(matched.keys + PEAK_ms, n_bins)
    return np.einsum("tb,tkb->tk", query, keys) / (query**2).sum(axis=1).mean()


def _binned(times_ms: np.ndarray, n_bins: int) -> np.ndarray:
    """Counts (..., n_bins) of spikes (..., n_spikes)."""
    at = np.where(np.isfinite(times_ms), times_ms // BIN_ms, n_bins).astype(int)
    flat = at.reshape(-1, at.shape[-1])
    counts = np.zeros((len(flat), n_bins + 1))
    np.add.at(counts, (np.arange(len(flat))[:, None], flat), 1.0)
    return counts[:, :n_bins].reshape(*times_ms.shape[:-1], n_bins)


def compete(matched: Matched, params: Params, ctx: RunContext) -> Mapping[tuple[str, str], Competed]:
    """All four ways, on the same trials."""
    passes = matched.calcium >= matched.threshold
    made = {"coincidence": matched.potentiation, "dot": dot_products(matched)}
    results = {}
    for how, match in made.items():
        scores = params.contrast * (match - 1.0)
        absent = scores.copy()
        absent[:, 0] = np.roll(scores[:, 1], 1)  # an axon of another trial
        alone = np.full((ALONE, scores.shape[1]), -params.contrast)
        alone[:, 0] = 0.0
        rows = np.concatenate([scores, absent, alone])
        for pool, circuit in _circuits(scores, how, params, ctx).items():
            with simulation(ctx, f"{MATCHES[how]}, {POOLS[pool]}", share=0.15) as options:
                counts = circuit.attend(rows, duration_ms=params.control_ms, **options).counts
            n = len(scores)
            results[how, pool] = Competed(
                scores=scores,
                counts=counts[:n],
                absent_scores=absent,
                absent_counts=counts[n : 2 * n],
                alone=float(counts[2 * n :, 0].mean()),
                rivals=passes[:, 1:].sum(axis=1),
                passed=passes[:, 0],
            )
    return results


def _circuits(scores: np.ndarray, how: str, params: Params, ctx: RunContext) -> dict[str, GammaCircuit]:
    """The circuit with its pool, and without at the same mean rate on these rows."""
    pool = GammaCircuit(GammaParams.brief(feedforward="none", n_cells=params.n_cells))
    with simulation(ctx, f"matching the rate, {MATCHES[how]}", share=0.2) as options:
        cut = gamma_off(pool, scores, duration_ms=params.control_ms, **options).circuit
    return {"pool": pool, "cut": cut}
