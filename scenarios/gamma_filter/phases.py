"""A phase as the query: which senders a receiver's cells follow when a rhythm paces their inhibition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from bridge.laws.mixing import fit_mixture
from scenarios.gamma_filter.laws import Compared, compare
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import UNKNOWN, Estimate
from spiking.circuits.receiver import Receiver
from spiking.networks import simulate_circuit

if TYPE_CHECKING:
    from scenarios.gamma_filter import Params

__all__ = ["RECEIVERS", "Heard", "Selected", "measure_phases", "select"]

F_HZ = 40.0
STEP_MS = 1.0
BEFORE_MS = 100.0  # a receiver runs in
SENT, PACING = 16.0, 20.0  # spikes a ms to the cells of a key, and to the I cells
FEWEST = 100  # spikes to fit a law to
QUERY, SENDER = 2.02, 1.16  # concentrations of the two rhythms where they are not varied
PING = Receiver(g_inh_nS=0.1)
RECEIVERS = {
    "ping": (PING, "PING receiver"),
    "forward": (replace(PING, g_ei_nS=0.0), "without E to I"),
    "tonic": (replace(PING, g_ie_nS=0.0, g_tonic_nS=6.0), "with constant inhibition"),
}


@dataclass(frozen=True, kw_only=True)
class Selected:
    """Receivers, and the law w = exp(kappa cos(lag - mu)) fitted to their spikes."""

    lag_rad: np.ndarray  # (n_rows, n_keys) by which each sender follows the query
    counts: np.ndarray  # (n_rows, n_keys) spikes of its cells
    rate_Hz: float  # of an E cell
    kappa: Estimate
    mu_rad: float


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Laws over phase, and what sets their concentration."""

    laws: Compared
    shown: Selected  # that the laws were compared on
    by_query: Mapping[tuple[str, float], Selected]  # receiver, concentration of the query's rhythm
    by_sender: Mapping[float, Selected]
    by_tau: Mapping[float, Selected]


def measure_phases(params: Params, ctx: RunContext) -> Heard:
    """Vary the synchrony of the query and of the senders, and the decay of inhibition; compare laws."""
    by_query = {}
    for number, (name, (receiver, _)) in enumerate(RECEIVERS.items()):
        for query in params.queries:
            by_query[name, query] = select(receiver, params, ctx.rng, query=query)
        ctx.progress((number + 1) / (len(RECEIVERS) + 2))
    shown = select(PING, params, ctx.rng, n_rows=2 * params.n_rows)
    return Heard(
        laws=compare(shown.lag_rad, shown.counts, ctx.rng),
        shown=shown,
        by_query=by_query,
        by_sender={kappa: select(PING, params, ctx.rng, sender=kappa) for kappa in params.senders},
        by_tau={tau: select(replace(PING, tau_i_ms=tau), params, ctx.rng) for tau in params.taus},
    )


def select(
    receiver: Receiver,
    params: Params,
    rng: np.random.Generator,
    *,
    query: float = QUERY,
    sender: float = SENDER,
    n_rows: int = 0,
) -> Selected:
    """Send each key's cells a rhythm of a lag of its own; the query's rhythm drives the I cells."""
    n, steps = n_rows or params.n_rows, round((BEFORE_MS + params.window_ms) / STEP_MS)
    phase = rng.uniform(0, 2 * np.pi, (n, 1)) + 2e-3 * np.pi * F_HZ * STEP_MS * np.arange(steps)
    lag = rng.uniform(-np.pi, np.pi, (n, params.n_keys))
    sent = _spikes(phase[:, :, None] - lag[:, None, :], sender, SENT, rng)
    pacing = _spikes(phase, query, PACING, rng)
    ran = simulate_circuit(
        lambda own: receiver.build(sent, STEP_MS, own, pacing),
        duration_ms=steps * STEP_MS, record=["exc"], rng=rng,
    )  # fmt: skip
    spikes = ran.spikes["exc"]
    keys = spikes.cell[spikes.time_ms >= BEFORE_MS] // receiver.n_exc
    counts = np.bincount(keys, minlength=n * params.n_keys).reshape(n, params.n_keys)
    kappa, mu = _von_mises(lag, counts)
    rate_Hz = float(counts.mean() / receiver.n_exc / params.window_ms * 1e3)
    return Selected(lag_rad=lag, counts=counts, rate_Hz=rate_Hz, kappa=kappa, mu_rad=mu)


def _spikes(phase: np.ndarray, kappa: float, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Poisson counts of each step, whose rate is modulated by exp(kappa cos phase) / I0(kappa)."""
    return rng.poisson(rate * STEP_MS * np.exp(kappa * np.cos(phase)) / special.i0(kappa))


def _von_mises(lag: np.ndarray, counts: np.ndarray) -> tuple[Estimate, float]:
    """Concentration and preferred lag: a softmax of a cos(lag) + b sin(lag), kappa = |(a, b)|.

    A length is at least 0: without selectivity it is of the size of its error.
    """
    if counts.sum() < FEWEST:
        return UNKNOWN, np.nan
    fitted = fit_mixture(counts, np.stack([np.cos(lag), np.sin(lag)]))
    a, b = fitted.coefficients
    kappa = float(np.hypot(a, b))
    error = float(np.hypot(a * fitted.errors[0], b * fitted.errors[1]) / kappa)
    return Estimate(value=kappa, error=error), float(np.arctan2(b, a))
