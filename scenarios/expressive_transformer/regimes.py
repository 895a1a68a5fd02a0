"""One circuit, two computations: with inhibition a softmax, without it the logarithm of its denominator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp, softmax

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, bootstrap, mean
from spiking import EscapeRate, GammaCircuit, GammaParams, Selection, cut_loop

__all__ = ["Regime", "rates_of", "regimes"]

N_KEYS = 4
LIMIT_ms = 1e5
RATE_per_ms = 0.002  # of one cell at score 0 without inhibition: so low that resets deplete nothing
CELLS = 40  # a key
SETTLE_ms = 60.0  # of the membranes, which begin below their level


@dataclass(frozen=True, kw_only=True)
class Regime:
    """The same rows with the loop on or cut, to N spikes each."""

    scores: np.ndarray  # (n_rows, n_keys)
    n_spikes: int
    selection: Selection
    rate_per_ms: float  # of a row whose scores have log-sum-exp 0

    @property
    def log_sum(self) -> np.ndarray:
        """Log-sum-exp of each row's scores, (n_rows,)."""
        return logsumexp(self.scores, axis=1)

    @property
    def read(self) -> np.ndarray:
        """ln of spikes over time and rate, (n_rows,): minus the logarithm of the time that N spikes take."""
        return np.log(self.selection.n_spikes / (self.rate_per_ms * self.selection.row_ms))

    @property
    def error(self) -> np.ndarray:
        """What is read less log-sum-exp, (n_rows,)."""
        return self.read - self.log_sum

    def slope(self, rng: np.random.Generator) -> Estimate:
        """Of what is read against log-sum-exp: 1 where it is computed, 0 where it is divided out."""
        x, y = self.log_sum, self.read
        return bootstrap(lambda rows: float(np.polyfit(x[rows], y[rows], 1)[0]), len(x), rng)

    @property
    def distance(self) -> Estimate:
        """Squared error of the spike shares over that of as many samples."""
        p, n = softmax(self.scores, axis=1), self.selection.n_spikes
        squared = ((self.selection.weights - p) ** 2).sum(axis=1)
        samples = (p * (1 - p)).sum(axis=1) / n
        ratio = squared.mean() / samples.mean()
        return Estimate(value=float(ratio), error=mean(squared - ratio * samples).error / samples.mean())


def regimes(
    n_spikes: Sequence[int], n_rows: int, common: float, spread: float, ctx: RunContext
) -> Mapping[str, list[Regime]]:
    """Rows that differ in a common score, which only the denominator notices, with the loop and without it.

    With the loop cut the tonic drive is lower, so that rates stay in the range in which they grow exponentially
    with the score. There is no feedforward inhibition, which would take the common score out.
    """
    # the gain is 1: the law of each regime is what is measured
    loop = GammaCircuit(
        GammaParams.brief(n_cells=CELLS, feedforward="none", gain=1.0, dt_ms=0.1, settle_ms=SETTLE_ms)
    )
    cut, rate = rates_of(loop)
    measured: dict[str, list[Regime]] = {"loop": [], "cut": []}
    for n in n_spikes:
        scores = ctx.rng.uniform(-common, common, (n_rows, 1)) + ctx.rng.normal(0, spread, (n_rows, N_KEYS))
        for name, circuit in (("loop", loop), ("cut", cut)):
            with simulation(ctx, f"{n} spikes, {name}", share=0.5 / len(n_spikes)) as options:
                selection = circuit.attend(scores, spikes=n, duration_ms=LIMIT_ms, record="counts", **options)
            measured[name].append(Regime(scores=scores, n_spikes=n, selection=selection, rate_per_ms=rate))
    return measured


def rates_of(loop: GammaCircuit) -> tuple[GammaCircuit, float]:
    """The circuit with the loop cut and the drive lowered, and the rate of a key's cells at score 0."""
    cell = loop.params.cell
    assert isinstance(cell, EscapeRate)
    drive = cell.theta + np.log(RATE_per_ms / cell.rho_0_per_ms)
    lowered = GammaCircuit(replace(loop.params, cell=cell.with_drive(float(drive))))
    return cut_loop(lowered), CELLS * RATE_per_ms
