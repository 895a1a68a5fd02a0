"""Laws from the lag of a sender to its weight, fitted to spikes and compared on rows that were held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.optimize import differential_evolution

from scenarios.workbench.statistics import Estimate, mean

__all__ = ["LAWS", "Compared", "Law", "compare"]

LEAST = 1e-3  # of the largest weight: what a law of weights 0 gives a stray spike


@dataclass(frozen=True, kw_only=True)
class Law:
    """A weight of lag, with the range of each parameter; the last is the preferred lag where there is one."""

    words: str
    log_weight: Callable[..., np.ndarray]
    ranges: tuple[tuple[float, float], ...]

    def share(self, lag: np.ndarray, *parameters: float) -> np.ndarray:
        """Of a row's spikes, (n_rows, n_keys)."""
        return special.softmax(self.log_weight(lag, *parameters), axis=1)


def _harmonics(lag: np.ndarray, *coefficients: float) -> np.ndarray:
    """Three, so that the fit is free of a shape."""
    return sum(
        a * np.cos(k * lag) + b * np.sin(k * lag)
        for k, (a, b) in enumerate(zip(coefficients[::2], coefficients[1::2], strict=True), 1)
    )


TURN = (-np.pi, np.pi)
LAWS = {
    "von_mises": Law(
        words="exp(kappa cos)", log_weight=lambda lag, kappa, mu: kappa * np.cos(lag - mu), ranges=((0, 20), TURN)
    ),
    "cosine": Law(
        words="a cosine, cut at 0",
        log_weight=lambda lag, depth, mu: np.log(np.maximum(1 + depth * np.cos(lag - mu), LEAST)),
        ranges=((0, 20), TURN),
    ),
    "box": Law(
        words="a window",
        log_weight=lambda lag, log_out, half, mu: np.where(np.cos(lag - mu) > np.cos(half), 0.0, log_out),
        ranges=((np.log(LEAST), 0), (0.1, np.pi), TURN),
    ),
    "free": Law(words="exp(three harmonics)", log_weight=_harmonics, ranges=((-10, 10),) * 6),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Nats a spike over equal weights, on rows that were held out; paired over rows."""

    gained: Mapping[str, Estimate]
    ahead: Mapping[str, Estimate]  # of exp(kappa cos) over each other law
    fitted: Mapping[str, np.ndarray]  # parameters of each law on all rows


def compare(lag: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> Compared:
    """Fit every law to half of the rows and weigh the other half, both ways.

    Parameters
    ----------
    lag, counts : (n_rows, n_keys) arrays
    rng : numpy.random.Generator
    """
    lag, counts = lag[counts.any(axis=1)], counts[counts.any(axis=1)]
    half = np.arange(len(lag)) % 2 == 0
    a_spike = 1 / counts.sum(axis=1).mean()
    gained = {}
    for name, law in LAWS.items():
        gained[name] = np.empty(len(lag))
        for training in (half, ~half):
            parameters = _fit(law, lag[training], counts[training], rng)
            gained[name][~training] = _gain(law, parameters, lag[~training], counts[~training]) * a_spike
    return Compared(
        gained={name: mean(rows) for name, rows in gained.items()},
        ahead={
            name: mean(gained["von_mises"] - rows) for name, rows in gained.items() if name != "von_mises"
        },
        fitted={name: _fit(law, lag, counts, rng) for name, law in LAWS.items()},
    )


def _fit(law: Law, lag: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Largest likelihood; a global search, since a window's likelihood has steps."""
    found = differential_evolution(
        lambda parameters: -_gain(law, parameters, lag, counts).sum(), law.ranges, rng=rng, maxiter=60
    )
    return np.asarray(found.x)


def _gain(law: Law, parameters: np.ndarray, lag: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Log-likelihood of each row's spikes over that of equal weights, (n_rows,) nats."""
    return (np.log(law.share(lag, *parameters) * lag.shape[1]) * counts).sum(axis=1)
