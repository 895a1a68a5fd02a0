"""One promoter against one row of attention with a sink: shares, temperature, dispersion, and error by numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.laws.softmax_fit import fit_softmax
from pragmatic.machines.genes import fano_law, occupancy, transcribe
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, bootstrap, mean
from spiking import PARAMETER_SETS, GammaCircuit

if TYPE_CHECKING:
    from scenarios.gene_cascade import Params

__all__ = ["KINDS", "Promoter", "measure_promoter"]

KINDS = {"random": "brief", "regular": "regular-brief"}
PRODUCTION, DECAY = 5.0, 0.2  # of molecules, while the first factor is bound and of each; per unit of time
LIFETIMES = 6.0  # of a molecule, until numbers are stationary to exp(-6)


@dataclass(frozen=True, kw_only=True)
class Promoter:
    """Everything about a single competition."""

    law: np.ndarray  # (n_factors,) occupancy
    molecules: Sequence[Estimate]  # shares of time
    spikes: Mapping[str, Sequence[Estimate]]  # kind -> shares of the factors' keys, the sink's left out
    beta: Mapping[
        str, Sequence[Estimate]
    ]  # "molecules" or kind -> inverse temperature fitted, over that wanted
    fano: Sequence[tuple[float, Estimate, float]]  # speed of the promoter, of its molecules, the law
    counted: Mapping[str, Estimate]  # kind -> the same of the first key's spikes
    binomial: float  # of independent spikes: 1 - share
    errors: Mapping[
        str, Sequence[tuple[float, Estimate]]
    ]  # source -> number of events, rms error of the first share

    def slope(self, source: str) -> Estimate:
        """Exponent of the error against the number, by least squares on logarithms weighted by their errors."""
        n, error = zip(*self.errors[source], strict=True)
        x, y = np.log(n), np.log([each.value for each in error])
        weight = (np.array([each.value for each in error]) / np.array([each.error for each in error])) ** 2
        centre = x - np.average(x, weights=weight)
        spread = float((weight * centre**2).sum())
        if not spread > 0:
            return Estimate(value=np.nan, error=np.nan)
        return Estimate(value=float((weight * centre * y).sum() / spread), error=spread**-0.5)


def measure_promoter(params: Params, ctx: RunContext) -> Promoter:
    """Event by event, and spike by spike."""
    weights, law = np.array(params.weights), occupancy(np.array(params.weights))
    with ctx.progress.stage("promoters, event by event", share=0.1):
        run = transcribe(weights, n_promoters=params.n_rows, duration=params.duration, rng=ctx.rng)
        fano = [_fano(weights, speed, params, ctx) for speed in params.speeds]
    counts = {kind: _counts(kind, np.log(weights), params.spikes, params, ctx) for kind in KINDS}
    return Promoter(
        law=law,
        molecules=[mean(share) for share in run.shares[:, 1:].T],
        spikes={kind: [mean(share) for share in _shares(counts[kind])[:, :-1].T] for kind in KINDS},
        beta=_temperatures(weights, params, ctx),
        fano=fano,
        counted={kind: _fano_of(counts[kind][:, 0], ctx) for kind in KINDS},
        binomial=1 - float(law[0]),
        errors=_errors(weights, params, ctx),
    )


def _counts(kind: str, scores: np.ndarray, spikes: int, params: Params, ctx: RunContext) -> np.ndarray:
    """Spikes of the factors' keys and, last, of a sink of score 0; (n_rows, n_factors + 1)."""
    rows = np.tile(np.append(scores, 0.0), (params.n_rows, 1))
    with simulation(ctx, f"{kind} cells, {spikes} spikes", share=0.03) as options:
        circuit = GammaCircuit(PARAMETER_SETS[KINDS[kind]])
        return circuit.attend(rows, spikes=spikes, record="counts", **options).counts


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / counts.sum(axis=1, keepdims=True)


def _fano(
    weights: np.ndarray, speed: float, params: Params, ctx: RunContext
) -> tuple[float, Estimate, float]:
    """Variance over mean of the molecules at the end, promoters being independent."""
    rates = {"unbinding": speed, "production": PRODUCTION, "decay": DECAY}
    made = transcribe(weights, n_promoters=params.n_rows, duration=LIFETIMES / DECAY, rng=ctx.rng, **rates)
    return speed, _fano_of(made.mrna, ctx), fano_law(weights, **rates)


def _fano_of(counts: np.ndarray, ctx: RunContext) -> Estimate:
    return bootstrap(
        lambda rows: float(counts[rows].var(ddof=1) / max(counts[rows].mean(), 1e-9)), len(counts), ctx.rng
    )


def _temperatures(weights: np.ndarray, params: Params, ctx: RunContext) -> dict[str, list[Estimate]]:
    """Fit the softmax with a null key to both, at binding energies over several kT."""
    energies = np.append(np.log(weights), 0.0)
    beta: dict[str, list[Estimate]] = {source: [] for source in ("molecules", *KINDS)}
    for kT in params.kT:
        at = energies / kT
        states = transcribe(np.exp(at[:-1]), n_promoters=params.n_rows, duration=20.0, rng=ctx.rng).state
        held = np.roll(np.bincount(states, minlength=len(at)), -1)[None]  # empty last, as the sink
        beta["molecules"].append(_fitted(held, energies[None], kT))
        for kind in KINDS:
            counts = _counts(kind, at[:-1], params.spikes, params, ctx)
            beta[kind].append(_fitted(counts, np.tile(energies, (len(counts), 1)), kT))
    return beta


def _fitted(counts: np.ndarray, energies: np.ndarray, kT: float) -> Estimate:
    fitted = fit_softmax(counts, energies)
    return Estimate(value=float(fitted.beta) * kT, error=float(fitted.beta_se) * kT)


def _errors(weights: np.ndarray, params: Params, ctx: RunContext) -> dict[str, list[tuple[float, Estimate]]]:
    """Error of the first share read off so many spikes, or off a promoter watched for as many bindings."""
    law = float(occupancy(weights)[0])
    errors: dict[str, list[tuple[float, Estimate]]] = {}
    for kind in KINDS:
        errors[kind] = []
        for n in params.numbers:
            counts = _counts(kind, np.log(weights), n, params, ctx)
            errors[kind].append((float(counts.sum(axis=1).mean()), _rms(_shares(counts)[:, 0] - law)))
    errors["molecules"] = []
    for n in params.numbers:
        duration = n * (1 + 1 / float(weights.sum()))  # a binding takes that long in the mean
        watched = transcribe(weights, n_promoters=params.n_rows, duration=duration, rng=ctx.rng)
        errors["molecules"].append((float(watched.bindings.mean()), _rms(watched.shares[:, 1] - law)))
    return errors


def _rms(off: np.ndarray) -> Estimate:
    """Root of the mean square, its error by linearisation."""
    square = mean(off**2)
    root = square.value**0.5
    return Estimate(value=root, error=square.error / max(2 * root, 1e-12))
