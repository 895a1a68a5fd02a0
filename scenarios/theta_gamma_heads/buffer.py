"""The Lisman-Idiart buffer: how many items it keeps in order, against theta, inhibition and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, mean
from spiking import Spikes
from spiking.circuits.theta_gamma import Buffer
from spiking.networks import simulate_circuit

if TYPE_CHECKING:
    from scenarios.theta_gamma_heads import Params

__all__ = ["REFERENCE", "Buffered", "Kept", "STERNBERG_ms", "kept_in_order", "measure_buffer"]

STERNBERG_ms = 38.0  # of a person's reaction time for an item more (Sternberg 1966, Science 153:652)
REFERENCE = {(6.0, 10.0): (8, 9.0), (10.0, 10.0): (6, 12.7)}  # inhibition mV, ms: capacity, interval ms
PERIODS, LAST = 8, 3  # of theta; the last three count
MOST = 14  # items that are loaded
REPEATS = 4  # of noisy buffers
APART_ms = 3.0  # items that fire closer together are not kept apart


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a buffer keeps at best."""

    buffer: Buffer
    capacity: float  # items that fire once in each of the last periods, in order
    interval_ms: float  # between them; nan with one
    scan_ms: float  # that each item more delays the last one by, within theta; nan with one

    @property
    def sketch(self) -> float:
        """Gamma cycles in a theta period."""
        return self.buffer.period_ms / self.interval_ms


@dataclass(frozen=True, kw_only=True)
class Buffered:
    """Capacities under all conditions."""

    reference: Mapping[tuple[float, float], Kept]
    varied: Sequence[Kept]
    noisy: Mapping[float, float]  # noise in mV -> capacity
    watched: tuple[Buffer, Spikes]

    @property
    def share(self) -> Estimate:
        """Items for each gamma cycle in a theta period: mean over conditions with an interval."""
        return mean(np.array([kept.capacity / kept.sketch for kept in self.varied]))


def measure_buffer(params: Params, ctx: RunContext) -> Buffered:
    """The published settings, then theta and inhibition varied, then noise."""
    base = Buffer()
    reference = {key: _kept(replace(base, inhibition_mV=key[0], tau_inh_ms=key[1]), ctx) for key in REFERENCE}
    varied = []
    grid = [(f, tau) for f in params.thetas for tau in params.taus]
    for number, (f_theta, tau) in enumerate(grid):
        varied.append(_kept(replace(base, f_theta_Hz=f_theta, tau_inh_ms=tau), ctx))
        ctx.progress((number + 1) / len(grid), f"theta {f_theta:g} Hz, inhibition {tau:g} ms")
    noisy = {
        noise: float(np.mean([_kept(replace(base, noise_mV=noise), ctx).capacity for _ in range(REPEATS)]))
        for noise in params.noises
    }
    shown = replace(base, n_items=7)
    return Buffered(reference=reference, varied=varied, noisy=noisy, watched=(shown, _watched(shown, ctx)))


def _kept(buffer: Buffer, ctx: RunContext) -> Kept:
    """The most items that are all kept, of buffers loaded with 1, 2, ... of them."""
    loaded = range(1, MOST + 1)
    waiting = iter(loaded)
    ran = simulate_circuit(
        lambda rng: replace(buffer, n_items=next(waiting)).build(rng),
        duration_ms=PERIODS * buffer.period_ms,
        rng=ctx.rng,
        n_networks=len(loaded),
        record=["units"],
    )
    capacity, interval_ms, ends_ms = 0.0, np.nan, {}
    for number, n_items in enumerate(loaded):
        spikes, of = ran.spikes["units"], replace(buffer, n_items=n_items)
        last = [kept_in_order(spikes, of, period, number) for period in range(PERIODS - LAST, PERIODS)]
        kept, gaps = np.mean([len(times) for times in last]), np.concatenate([np.diff(t) for t in last])
        if kept == n_items:
            ends_ms[n_items] = float(np.mean([times[-1] for times in last]))
        if kept > capacity:
            capacity, interval_ms = float(kept), float(gaps.mean()) if len(gaps) else np.nan
    return Kept(buffer=buffer, capacity=capacity, interval_ms=interval_ms, scan_ms=_slope(ends_ms))


def _slope(ends_ms: Mapping[int, float]) -> float:
    """Milliseconds an item, of the time of the last item on their number; nan with fewer than two numbers."""
    if len(ends_ms) < 2:
        return float("nan")
    return float(np.polyfit(list(ends_ms), list(ends_ms.values()), 1)[0])


def _watched(buffer: Buffer, ctx: RunContext) -> Spikes:
    """Three theta periods, for the eye."""
    ran = simulate_circuit(buffer.build, duration_ms=3 * buffer.period_ms, rng=ctx.rng, record=["units"])
    return ran.spikes["units"]


def kept_in_order(spikes: Spikes, buffer: Buffer, period: int, network: int = 0) -> np.ndarray:
    """When in a theta period, in ms, items fire that fire once, apart and in the order of loading, (n_kept,)."""
    here = (spikes.row == network) & (np.floor(spikes.time_ms / buffer.period_ms) == period)
    items, times_ms = spikes.cell[here], spikes.time_ms[here]
    once = np.bincount(items, minlength=buffer.n_items)[items] == 1
    items, times_ms = items[once], times_ms[once]
    n = 0
    while n < len(items) and (
        n == 0 or (items[n] > items[n - 1] and times_ms[n] - times_ms[n - 1] > APART_ms)
    ):
        n += 1
    return times_ms[:n] - period * buffer.period_ms
