"""Rings and cascades of promoters, exact and read off spikes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import expit

from bridge import SpikingScoreMap
from pragmatic.machines.genes import GeneCascade, Repressilator, learn_pattern, period, stripes
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, mean
from spiking import PARAMETER_SETS, Budget, GammaCircuit

if TYPE_CHECKING:
    from scenarios.gene_cascade import Params

__all__ = ["PLACES", "RATIOS", "SHAPES", "Cascade", "Ring", "measure_cascades", "measure_ring"]

RATIOS = {0.2: (600.0, 0.05), 5.0: (150.0, 0.01)}  # b -> time integrated and sampling, in mRNA lifetimes
STEP = 0.25  # of a lifetime, for which a share read off spikes holds
PLACES = 64  # along the egg
SHAPES = {  # name -> pairs of factors, strengths of their own
    "plain": (False, False),
    "pairs": (True, False),
    "strengths": (False, True),
    "both": (True, True),
}


@dataclass(frozen=True, kw_only=True)
class Ring:
    """The repressilator, exact and with promoters that are rows of the circuit."""

    periods: Mapping[float, float]  # b -> exact
    stepped: float  # of Euler steps as long as the spiking ring's, exact shares
    spiking: Estimate  # mean over rings
    exact_times: np.ndarray
    exact: np.ndarray  # (n_times, 3) proteins at b = .2
    times: np.ndarray
    shown: np.ndarray  # (n_steps, 3) of one spiking ring


@dataclass(frozen=True, kw_only=True)
class Cascade:
    """A pattern that layers of promoters learnt."""

    left: Mapping[tuple[str, int], float]  # shape, layers -> part of the variance that is left
    wanted: np.ndarray  # (PLACES,)
    learnt: Mapping[tuple[str, int], np.ndarray]
    best: tuple[str, int]
    spiking: Mapping[tuple[str, int], np.ndarray]  # kind of cells, spikes -> (n_draws, PLACES) of the best

    def error(self, kind: str, spikes: int) -> Estimate:
        """Root mean square over places of what spikes add to the exact cascade, mean over draws."""
        off = self.spiking[kind, spikes] - self.learnt[self.best]
        return mean(np.sqrt((off**2).mean(axis=1)))


def measure_ring(params: Params, ctx: RunContext) -> Ring:
    """Integrate, then let spikes say how free each promoter is."""
    periods, traces = {}, {}
    with ctx.progress.stage("a ring of repressors", share=0.05):
        for b, (duration, sample) in RATIOS.items():
            traces[b] = Repressilator(b=b).exact(duration, sample)
            periods[b] = period(traces[b][0], traces[b][1][:, 0])
        ring = Repressilator(b=min(RATIOS))
        times, proteins = ring.stepped(lambda scores: expit(-scores), 1, params.ring_time, STEP)
        stepped = period(times, proteins[:, 0, 0])
    circuit = GammaCircuit(PARAMETER_SETS["brief"])

    def share(scores: np.ndarray) -> np.ndarray:
        rows = np.stack([scores, np.zeros_like(scores)], axis=1)
        chosen = circuit.attend(
            rows, spikes=params.ring_spikes, record="counts", rng=ctx.rng, engine=ctx.engine
        )
        return chosen.weights[:, 1]

    with ctx.progress.stage("the ring in spikes", share=0.15):
        times, proteins = ring.stepped(share, params.rings, params.ring_time, STEP)
    exact_times, exact = traces[min(RATIOS)]
    return Ring(
        periods=periods,
        stepped=stepped,
        spiking=mean(np.array([period(times, proteins[:, i, 0]) for i in range(params.rings)])),
        exact_times=exact_times,
        exact=exact,
        times=times,
        shown=proteins[:, 0],
    )


def measure_cascades(params: Params, ctx: RunContext) -> Cascade:
    """Learn the stripes with every depth and shape; the best is then read off spikes."""
    wanted, left, learnt, made = stripes(PLACES, params.stripes), {}, {}, {}
    seed = int(ctx.rng.integers(2**31))
    for name, (pairs, values) in SHAPES.items():
        for layers in sorted(set(params.layers)):
            stage = f"{layers} layers, {name}"
            with ctx.progress.stage(stage, share=0.5 / len(SHAPES) / len(params.layers)) as progress:
                cascade, left[name, layers] = _best_of(params, layers, pairs, values, wanted, seed, progress)
            made[name, layers] = cascade
            with torch.no_grad():
                learnt[name, layers] = cascade(PLACES).double().numpy()
    best = min(left, key=lambda key: left[key])
    return Cascade(
        left=left, wanted=wanted, learnt=learnt, best=best, spiking=_in_spikes(made[best], params, ctx)
    )


def _best_of(
    params: Params, layers: int, pairs: bool, values: bool, wanted: np.ndarray, seed: int, progress: Any
) -> tuple[GeneCascade, float]:
    """The best of a few starts: all shapes have the same number of them."""
    tries: list[tuple[float, GeneCascade]] = []
    for number in range(params.starts):
        rng = np.random.default_rng([seed, number])
        cascade = GeneCascade(layers, params.genes, pairs=pairs, values=values, rng=rng)
        tries.append((learn_pattern(cascade, wanted, iterations=params.iterations), cascade))
        progress((number + 1) / params.starts)
    left, cascade = min(tries, key=lambda each: each[0])
    return cascade, left


def _in_spikes(cascade: GeneCascade, params: Params, ctx: RunContext) -> dict[tuple[str, int], np.ndarray]:
    """The cascade with the occupancy of every promoter read off the circuit's spikes."""
    from scenarios.gene_cascade.promoters import KINDS

    found, exact = {}, cascade.score_map
    for kind, name in KINDS.items():
        for spikes in params.numbers:
            cascade.score_map = SpikingScoreMap(
                GammaCircuit(PARAMETER_SETS[name]),
                Budget(spikes=spikes),
                ctx.rng.spawn(1)[0],
                ctx.engine,
                record="counts",
            )
            with ctx.progress.stage(f"cascade, {kind} cells, {spikes} spikes", share=0.01), torch.no_grad():
                drawn: Sequence[np.ndarray] = [cascade(PLACES).double().numpy() for _ in range(params.draws)]
            found[kind, spikes] = np.stack(drawn)
    cascade.score_map = exact
    return found
