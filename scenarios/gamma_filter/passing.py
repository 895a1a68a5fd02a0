"""What the filter network passes of an input's mean and of its rhythm, with its inhibition and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import UNKNOWN, Estimate
from spiking.circuits.filter_network import N_EXC, FilterNetwork
from spiking.engines import Fused
from spiking.networks import simulate_circuit

if TYPE_CHECKING:
    from scenarios.gamma_filter import Params

__all__ = ["CONDITIONS", "Passed", "Slopes", "measure_passing", "slopes_of"]

CONDITIONS = {
    "filter": "with inhibition that the input drives",
    "steady": "with constant inhibition in proportion to its mean, at nearly as many spikes",
    "without": "without inhibition",
}
SETTLE_MS = 100.0
HALVINGS = 6  # of the interval in which the strength of constant inhibition is sought


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """Of the E rate on AC and DC, both in Hz."""

    ac: Estimate
    dc: Estimate
    over: Estimate  # the first over the second, in magnitude


@dataclass(frozen=True, kw_only=True)
class Passed:
    """Rates of E cells under all inputs."""

    rate_Hz: Mapping[str, np.ndarray]  # condition -> (n_dcs, n_acs, repeats)
    slopes: Mapping[str, Slopes]
    tuning_Hz: np.ndarray  # (n_frequencies, repeats) with all of the input modulated
    strength: float  # of the constant inhibition, over the mean of the input-driven one


def measure_passing(params: Params, ctx: RunContext) -> Passed:
    """Simulate the grid of means and rhythms in all conditions."""
    grid = [FilterNetwork(dc_Hz=dc, ac_Hz=ac) for dc in params.dcs for ac in params.acs]
    grid = [network for network in grid for _ in range(params.repeats)]
    rates, inhibition_nS = {}, np.zeros(len(grid))
    rates["filter"], inhibition_nS = _simulated(grid, params, ctx)
    ctx.progress(0.3)
    rates["without"], _ = _simulated([replace(n, g_ie_nS=0.0) for n in grid], params, ctx)
    ctx.progress(0.5)
    strength = _strength(
        grid[:: params.repeats], inhibition_nS[:: params.repeats], rates["filter"].mean(), params, ctx
    )
    ctx.progress(0.7)
    rates["steady"], _ = _simulated(_steady(grid, strength * inhibition_nS), params, ctx)
    tuned = [FilterNetwork(dc_Hz=params.dcs[0], ac_Hz=params.dcs[0], f_Hz=f) for f in params.frequencies]
    tuning, _ = _simulated([n for n in tuned for _ in range(params.repeats)], params, ctx)
    inputs = np.array([(n.ac_Hz, n.dc_Hz) for n in grid[:: params.repeats]])
    shape = len(params.dcs), len(params.acs), params.repeats
    return Passed(
        rate_Hz={name: rates[name].reshape(shape) for name in CONDITIONS},
        slopes={name: slopes_of(rates[name].reshape(-1, params.repeats), inputs) for name in CONDITIONS},
        tuning_Hz=tuning.reshape(-1, params.repeats),
        strength=strength,
    )


def _simulated(
    networks: Sequence[FilterNetwork], params: Params, ctx: RunContext
) -> tuple[np.ndarray, np.ndarray]:
    """Rate of an E cell in Hz and its mean inhibition in nS, (n_networks,) each."""
    waiting = iter(networks)
    ran = simulate_circuit(
        lambda rng: next(waiting).build(rng),
        duration_ms=params.filter_ms, settle_ms=SETTLE_MS, rng=ctx.rng, n_networks=len(networks),
        record=["exc"], sample=["exc.g_i"], sample_ms=5.0, engine=Fused("float32"),
    )  # fmt: skip
    spikes = np.bincount(ran.spikes["exc"].row, minlength=len(networks))
    inhibition_nS = np.array([np.mean(sampled) for sampled in ran.samples["exc.g_i"]]) * 1e9
    return spikes / N_EXC / params.filter_ms * 1e3, inhibition_nS


def _steady(networks: Sequence[FilterNetwork], g_nS: np.ndarray) -> list[FilterNetwork]:
    return [replace(n, g_ie_nS=0.0, g_steady_nS=float(g)) for n, g in zip(networks, g_nS, strict=True)]


def _strength(
    networks: Sequence[FilterNetwork], g_nS: np.ndarray, aim_Hz: float, params: Params, ctx: RunContext
) -> float:
    """The part of the mean inhibition that, held constant, lets E cells fire as often over all inputs."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rates, _ = _simulated(_steady(networks, middle * g_nS), params, ctx)
        low, high = (middle, high) if rates.mean() > aim_Hz else (low, middle)
    return (low + high) / 2


def slopes_of(rates: np.ndarray, grid: np.ndarray) -> Slopes:
    """Least squares over the grid; errors from the spread of networks under the same input.

    Parameters
    ----------
    rates : (n_inputs, repeats) array
    grid : (n_inputs, 2) array
        AC and DC of each.
    """
    design = np.column_stack([grid, np.ones(len(grid))])
    if np.linalg.matrix_rank(design) < 3:  # of one mean rate, or one rhythm
        return Slopes(ac=UNKNOWN, dc=UNKNOWN, over=UNKNOWN)
    weigh = np.linalg.pinv(design)  # (3, n_inputs)
    ac, dc, _ = weigh @ rates.mean(axis=1)
    spread = (weigh * rates.var(axis=1, ddof=1) / rates.shape[1]) @ weigh.T
    over = UNKNOWN
    if ac and dc:  # 0 where all are silent
        relative = spread[0, 0] / ac**2 + spread[1, 1] / dc**2 - 2 * spread[0, 1] / (ac * dc)
        over = Estimate(value=float(abs(ac / dc)), error=float(abs(ac / dc) * np.sqrt(relative)))
    return Slopes(
        ac=Estimate(value=float(ac), error=float(np.sqrt(spread[0, 0]))),
        dc=Estimate(value=float(dc), error=float(np.sqrt(spread[1, 1]))),
        over=over,
    )
