"""What is measured of spines and circuits, and its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import gammaincc

from scenarios.match_and_control.pool import MATCHES, POOLS, Competed
from scenarios.match_and_control.spines import (
    FALSE_POSITIVES,
    PUBLISHED,
    CONTROL_ms,
    Controlled,
    Matched,
    WITHIN_ms,
    control,
    match,
    trains,
)
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, RunContext
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import column, columns, estimate_column

if TYPE_CHECKING:
    from scenarios.match_and_control import Params

__all__ = ["Spines", "Study", "Window", "in_data", "in_numbers", "measure_spines"]

PUBLISHED_TRIALS = 1000


@dataclass(frozen=True, kw_only=True)
class Window:
    """One match window."""

    matched: Matched
    controlled: Controlled
    untimed: Estimate  # success when the matched axon's spikes have other times
    theory: tuple[float, float]  # success, spurious

    def gap(self, of: int) -> Estimate:
        """Success (0) or spurious spikes (1) less the published rate, both of which have an error."""
        values = (self.controlled.success, self.controlled.spurious)[of]
        error = values.std(ddof=1) * np.sqrt(1 / len(values) + 1 / PUBLISHED_TRIALS)
        return Estimate(
            value=float(values.mean()) - PUBLISHED[self.matched.window_ms][of], error=float(error)
        )


@dataclass(frozen=True, kw_only=True)
class Spines:
    """The reduced spine at its best, and the trials in which axons compete in spikes."""

    spread: float
    fidelity: float
    windows: Mapping[float, Window]
    competing: Matched


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was measured."""

    params: Params
    spines: Spines
    competed: Mapping[tuple[str, str], Competed]


def measure_spines(params: Params, ctx: RunContext) -> Spines:
    """Choose spread and fidelity by the published rates of success, then measure anew."""
    spread, fidelity = _chosen(params, ctx)
    windows = {}
    for window_ms in PUBLISHED:
        matched = match(params.n_trials, params.n_axons, window_ms, spread, ctx.rng)
        untimed = match(params.n_trials, params.n_axons, window_ms, spread, ctx.rng, timed=False)
        windows[window_ms] = Window(
            matched=matched,
            controlled=control(matched, fidelity, ctx.rng),
            untimed=mean(control(untimed, fidelity, ctx.rng).success),
            theory=_theory(matched, spread, fidelity, ctx.rng),
        )
    competing = match(params.n_rows, params.n_axons, 1000.0, spread, ctx.rng)
    return Spines(spread=spread, fidelity=fidelity, windows=windows, competing=competing)


def _chosen(params: Params, ctx: RunContext) -> tuple[float, float]:
    """Spread and fidelity with the least squared distance from the three published rates of success."""
    distance: dict[tuple[float, float], float] = {}
    for number, spread in enumerate(params.spreads):
        tried = [match(params.n_trials, params.n_axons, w, spread, ctx.rng) for w in PUBLISHED]
        for fidelity in params.fidelities:
            reached = [control(matched, fidelity, ctx.rng).success.mean() for matched in tried]
            published = [success for success, _ in PUBLISHED.values()]
            distance[spread, fidelity] = float(np.square(np.subtract(reached, published)).sum())
        ctx.progress((number + 1) / len(params.spreads), f"spread {spread:g}")
    return min(distance, key=lambda pair: distance[pair])


def _theory(
    matched: Matched, spread: float, fidelity: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Success and spurious spikes by independence.

    n coincidences at the peak of the kernel add up to a gamma variable of shape n / spread^2; other axons pass the
    threshold in Poisson numbers, and all that have passed cause equally many spikes. Some of the cell's spikes
    follow one of the matched axon by chance.
    """
    n = np.isfinite(matched.query).sum(axis=1)
    passes = n > matched.threshold if spread == 0 else np.zeros(len(n))
    if spread > 0:
        passes[n > 0] = gammaincc(n[n > 0] / spread**2, matched.threshold / spread**2)
    p = float(passes.mean())
    rivals = (matched.calcium.shape[1] - 1) * FALSE_POSITIVES
    any_rival = 1 - np.exp(-rivals)
    spikes = np.isfinite(trains((2000,), CONTROL_ms, rng)).sum(axis=1).mean()
    chance = spikes * WITHIN_ms / CONTROL_ms
    spurious = (1 - chance) * ((1 - p) * any_rival + p * (1 - any_rival / rivals))
    return p * fidelity + (1 - p * fidelity) * any_rival * chance, float(spurious)


def in_numbers(study: Study, rng: np.random.Generator) -> Numbers:
    """Every number of the report."""
    lines, spines = Lines(), study.spines
    for window_ms, window in spines.windows.items():
        after = f"after a match of {window_ms / 1000:g} s"
        success, spurious = PUBLISHED[window_ms]
        lines.add(f"success_{window_ms:g}", f"key spikes that the cell follows, {after}",
                  window.controlled.success, control=success, floor=window.untimed,
                  note="control: published; floor: the same spikes at other times")  # fmt: skip
        lines.add(f"spurious_{window_ms:g}", f"spurious spikes of the cell, {after}",
                  window.controlled.spurious, control=spurious if np.isfinite(spurious) else None,
                  note="control: published" if np.isfinite(spurious) else "")  # fmt: skip
        for name, value in zip(("success", "spurious"), window.theory, strict=True):
            lines.add(f"{name}_theory_{window_ms:g}", f"– {name}, by theory", value)
    lines.add("spread", "spread of a coincidence's calcium (CV), fitted", spines.spread)
    lines.add("fidelity", "chance that a potentiated axon fires the cell, fitted", spines.fidelity)
    for (how, pool), competed in study.competed.items():
        _add_competed(lines, f"{how}_{pool}", f"{MATCHES[how]}, {POOLS[pool]}", competed, rng)
    return lines.metrics


def _add_competed(
    lines: Lines, ending: str, label: str, competed: Competed, rng: np.random.Generator
) -> None:
    lines.add(f"hit_{ending}", f"hits, {label}", competed.hit)
    lines.add(f"spurious_{ending}", "– spikes of other axons", competed.spurious,
              control=1 - competed.softmax[:, 0].mean(), note="control: exact softmax")  # fmt: skip
    lines.add(f"absent_{ending}", "– spikes without a match, over those with one", competed.without_match)
    lines.add(f"slope_{ending}", "– log total spikes on the log of summed exp(score)", competed.slope(rng))
    lines.add(
        f"lost_{ending}", "– hits lost where another axon passes the threshold", competed.lost_to_rivals
    )
    lines.add(f"excess_{ending}", "– total variation to softmax, above its floor", competed.excess)


def in_data(study: Study) -> xr.Dataset:
    """Every trial of the spines, every row of the circuits."""
    windows = list(study.spines.windows.values())
    hows, pools = list(MATCHES), list(POOLS)
    grid = [[study.competed[how, pool] for pool in pools] for how in hows]
    dims = ("match", "control", "row")
    return xr.Dataset(
        {
            "success": column(("window", "trial"), [w.controlled.success for w in windows], "success"),
            "spurious": column(("window", "trial"), [w.controlled.spurious for w in windows], "spurious"),
            "threshold": column("window", [w.matched.threshold for w in windows], "threshold of calcium"),
            "calcium": column(
                ("window", "trial"), [w.matched.calcium[:, 0] for w in windows], "calcium of the matched axon"
            ),
            **columns(dims, own=[[c.counts[:, 0] for c in row] for row in grid]),
            **columns(dims, total=[[c.counts.sum(axis=1) for c in row] for row in grid]),
            **columns(dims, total_absent=[[c.absent_counts.sum(axis=1) for c in row] for row in grid]),
            **estimate_column(
                "absent", dims[:2], [[c.without_match for c in row] for row in grid], "spikes without a match"
            ),
            "rivals": column("row", grid[0][0].rivals, "other axons that pass the threshold"),
        },
        {
            "window": column("window", list(study.spines.windows), "match window", "ms"),
            "match": hows,
            "control": pools,
        },
    )
