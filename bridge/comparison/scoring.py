"""Every metric of a selection against its target: on all spikes, on halves of them, and both floors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from bridge.comparison.agreement import MetricComparison
from bridge.comparison.bias import RemainingBias, halves, remaining_bias
from bridge.comparison.metrics import (
    cosine,
    js_nats,
    kl_nats,
    rank_correlation,
    top1_agreement,
    total_variation,
)
from bridge.comparison.sampling import SamplingFloor, multinomial_counts, nan_moments, total_variation_floor
from spiking.record import Selection

__all__ = ["score_selection"]

AttendTo = Callable[
    [np.ndarray], np.ndarray
]  # weights (..., n_rows, n_keys) -> outputs (..., n_rows, d_value)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A metric as it is computed, and how its noise adds to a bias."""

    name: str
    score: Callable[
        [np.ndarray, np.ndarray], np.ndarray
    ]  # counts (..., n_rows, n_keys), weights -> (..., n_rows)
    is_agreement: bool = False
    power: int = 0  # of `remaining_bias`; 0: not smooth in the shares, no extrapolation


def score_selection(
    selection: Selection,
    weights: np.ndarray,
    *,
    attend_to: AttendTo | None,
    rng: np.random.Generator,
    n_draws: int,
) -> tuple[MetricComparison, ...]:
    """Score a selection by every metric.

    Parameters
    ----------
    selection : Selection
    weights : (n_rows, n_keys) array
        Target, 0 where masked.
    attend_to : callable or None
        From weights to outputs, linear; with it, outputs are compared by their cosine.
    rng : numpy.random.Generator
    n_draws : int
        Multinomial samples of each row that make the floors.

    Returns
    -------
    tuple of MetricComparison
    """
    kinds = _kinds(selection.mask, attend_to)
    cut = halves(selection.spikes)
    whole = _Scored.of(kinds, selection.counts, weights, rng, n_draws)
    early, late = (
        _Scored.of([k for k in kinds if k.power], counts, weights, rng, max(n_draws // 2, 2))
        for counts in (cut.early, cut.late)
    )
    return tuple(
        MetricComparison(
            name=kind.name,
            is_agreement=kind.is_agreement,
            spiking=whole.values[kind.name],
            floor=whole.floors[kind.name].mean,
            floor_sd=whole.floors[kind.name].sd,
            bias=_bias(kind, whole, early, late),
        )
        for kind in kinds
    )


@dataclass(frozen=True, kw_only=True)
class _Scored:
    """Metrics of some counts by name, and their floors at these numbers of spikes."""

    values: dict[str, np.ndarray]  # each (n_rows,)
    floors: dict[str, SamplingFloor]

    @classmethod
    def of(
        cls,
        kinds: list[Kind],
        counts: np.ndarray,
        weights: np.ndarray,
        rng: np.random.Generator,
        n_draws: int,
    ) -> _Scored:
        return cls(
            values={kind.name: kind.score(counts, weights) for kind in kinds},
            floors=_floors(kinds, weights, counts.sum(axis=1), rng, n_draws),
        )


def _kinds(mask: np.ndarray, attend_to: AttendTo | None) -> list[Kind]:
    kinds = [
        Kind(name="kl_nats", score=kl_nats, power=1),
        Kind(name="js_nats", score=js_nats, power=1),
        Kind(name="total_variation", score=total_variation, power=2),
        Kind(name="top1_agreement", score=top1_agreement, is_agreement=True),
        Kind(name="rank_correlation", score=partial(rank_correlation, mask=mask), is_agreement=True),
    ]
    if attend_to is not None:
        score = partial(_cosine_of_outputs, attend_to=attend_to)
        kinds.append(Kind(name="cosine", score=score, is_agreement=True, power=1))
    return kinds


def _cosine_of_outputs(counts: np.ndarray, weights: np.ndarray, *, attend_to: AttendTo) -> np.ndarray:
    return cosine(attend_to(counts), attend_to(weights))


def _floors(
    kinds: list[Kind], weights: np.ndarray, n_spikes: np.ndarray, rng: np.random.Generator, n_draws: int
) -> dict[str, SamplingFloor]:
    """The floor of every metric, over the same multinomial samples."""
    values: dict[str, list[np.ndarray]] = {kind.name: [] for kind in kinds}
    for counts in multinomial_counts(weights, n_spikes, rng, n_draws):
        for kind in kinds:
            values[kind.name].append(kind.score(counts, weights))
    floors = {}
    for name, blocks in values.items():
        mean, sd = nan_moments(np.concatenate(blocks))
        if name == "total_variation":
            mean = total_variation_floor(weights, n_spikes)
        floors[name] = SamplingFloor(mean=mean, sd=sd, n_draws=n_draws)
    return floors


def _bias(kind: Kind, whole: _Scored, early: _Scored, late: _Scored) -> RemainingBias:
    if not kind.power:
        return RemainingBias(value=np.nan, se=np.nan, low=np.nan, high=np.nan)
    measured = (
        whole.values[kind.name],
        (early.values[kind.name] + late.values[kind.name]) / 2,
        whole.floors[kind.name].mean,
        (early.floors[kind.name].mean + late.floors[kind.name].mean) / 2,
    )
    distances = [1 - x for x in measured] if kind.is_agreement else measured
    return remaining_bias(*distances, power=kind.power)
