"""What spikes are worth to a model: its rise in loss as a rest plus a cost over the number of spikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenarios.workbench.statistics import Estimate, bootstrap

__all__ = ["SpikePrice", "spike_price"]

LAWFUL = 4  # spikes from which the rise falls as their inverse


@dataclass(frozen=True, kw_only=True)
class SpikePrice:
    """rise = rest + cost / spikes; nan where fewer than two budgets were measured."""

    rest: Estimate  # nats that more spikes do not mend
    cost: Estimate  # nats times spikes
    spikes_for_goal: Estimate  # at which the line meets the goal; nan if it never does


def spike_price(spikes: np.ndarray, rise: np.ndarray, goal: float, rng: np.random.Generator) -> SpikePrice:
    """Fit the line by weighted least squares over budgets from 4 spikes on; errors by bootstrap over windows.

    The variance of a share of N spikes goes as 1 / N and so, to first order, does what it costs.

    Parameters
    ----------
    spikes : (n_budgets,) array
    rise : (n_budgets, n_windows) array
        In nats, of each window.
    goal : float
        A rise, in nats.
    rng : numpy.random.Generator
    """
    used = spikes >= LAWFUL
    rise, inverse = rise[used], 1 / spikes[used]
    n_windows = rise.shape[1]
    error = rise.std(axis=1, ddof=1) / np.sqrt(n_windows)
    if used.sum() < 2 or not error.all():
        unknown = Estimate(value=np.nan, error=np.nan)
        return SpikePrice(rest=unknown, cost=unknown, spikes_for_goal=unknown)
    terms = np.stack([np.ones(len(inverse)), inverse], axis=1) / error[:, None]
    solve = np.linalg.pinv(terms) / error  # (2, n_budgets)

    def price(windows: np.ndarray) -> float:
        rest, cost = solve @ rise[:, windows].mean(axis=1)
        return float(max(cost, 0.0) / (goal - rest)) if rest < goal else np.nan

    return SpikePrice(
        rest=bootstrap(lambda windows: float(solve[0] @ rise[:, windows].mean(axis=1)), n_windows, rng),
        cost=bootstrap(lambda windows: float(solve[1] @ rise[:, windows].mean(axis=1)), n_windows, rng),
        spikes_for_goal=bootstrap(price, n_windows, rng),
    )
