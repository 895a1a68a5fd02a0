"""A row that stops when one key leads by so many spikes: what it chooses, what it costs, and what theory says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from scipy.special import softmax

from bridge.comparison.sampling import total_variation_floor
from bridge.laws.softmax_fit import fit_softmax
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, mean
from spiking import Budget, GammaCircuit, GammaParams

if TYPE_CHECKING:
    from scenarios.adaptive_depth import Params

__all__ = [
    "KINDS",
    "Crowd",
    "Decided",
    "Races",
    "Walk",
    "measure_races",
    "race",
    "wald_choice",
    "wald_spikes",
]

DT_MS = 0.05  # short steps: a row ends with the step in which a key leads, and other spikes of it still count
KINDS: Mapping[
    str, Callable[[], GammaParams]
] = {  # the shipped circuits, their membranes started with the score
    "random": partial(GammaParams, dt_ms=DT_MS, settle_ms=0.0),
    "regular": partial(GammaParams.regular, dt_ms=DT_MS, settle_ms=0.0),
}
MOST_PER_LEAD = 256  # spikes after which a row without a leader stops, over theta
WALKS = 12  # rows of each of two gaps that are drawn
CHOICES = 8  # rows of scores of more than two keys, each chosen from many times


def wald_choice(gap: float, lead: int) -> float:
    """Probability that the better of two keys, ahead by `gap` in score, is the first to lead by `lead` spikes.

    Spikes are independent, each from the better key with probability 1/(1 + exp(-gap)): a random walk between two
    barriers (Wald 1945), so 1/(1 + exp(-lead gap)), a softmax of temperature 1/lead.
    """
    return float(1 / (1 + np.exp(-lead * gap)))


def wald_spikes(gap: float, lead: int) -> float:
    """Expected spikes until then: lead tanh(lead gap / 2) / tanh(gap / 2) (Wald's identity)."""
    return float(lead * np.tanh(lead * gap / 2) / np.tanh(gap / 2)) if gap else float(lead**2)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """Choices of rows under one budget."""

    right: np.ndarray  # (n_rows,) 1 where the better key has more spikes, 1/2 where both have as many
    spikes: np.ndarray  # (n_rows,)

    @classmethod
    def of(cls, counts: np.ndarray, better: np.ndarray) -> Decided:
        """Read choices off counts (n_rows, 2)."""
        rows = np.arange(len(counts))
        ahead = np.sign(counts[rows, better] - counts[rows, 1 - better])
        return cls(right=(1 + ahead) / 2, spikes=counts.sum(axis=1))

    def part(self, rows: np.ndarray) -> Decided:
        """Some of the rows."""
        return Decided(right=self.right[rows], spikes=self.spikes[rows])

    @property
    def accuracy(self) -> Estimate:
        """Mean over rows, with the binomial error of a Jeffreys posterior where all agree."""
        found = mean(self.right)
        n = len(self.right)
        least = float(stats.beta(n * found.value + 0.5, n * (1 - found.value) + 0.5).std())
        return Estimate(value=found.value, error=max(found.error, least))


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Rows of more than two keys, each chosen from many times by the lead over the runner-up."""

    n_keys: int
    beta: Estimate  # inverse temperature of a softmax fitted to the choices, over the lead
    distance: float  # total variation of the choices to the softmax at temperature / lead, mean over rows
    floor: float  # that of as many exact choices
    twin: float  # of as many choices by leads of independent samples
    spikes: Estimate


@dataclass(frozen=True, kw_only=True)
class Walk:
    """One row of two keys on its way to a lead."""

    gap: float
    lead: np.ndarray  # (1 + n_spikes,) spikes of the better key less the other's, after each spike


@dataclass(frozen=True, kw_only=True)
class Races:
    """All rows of two keys; every gap has as many, so a batch is a mixture of easy and hard choices."""

    gaps: np.ndarray  # (n_rows,)
    led: Mapping[tuple[str, int], Decided]  # kind, lead
    twins: Mapping[tuple[str, int], Decided]  # the same of ideal spikes, without a circuit
    fixed: Mapping[tuple[str, int], Decided]  # kind, spikes
    crowds: Sequence[Crowd]
    walks: Sequence[Walk]

    def at(self, decided: Decided, gap: float) -> Decided:
        """Rows of one gap."""
        return decided.part(self.gaps == gap)

    def equal(self, kind: str, lead: int) -> tuple[int, Decided]:
        """The fixed budget nearest to the mean spikes of a lead, over the mixture."""
        n = equal_budget(self.led[kind, lead])
        return n, self.fixed[kind, n]

    def worth(self, kind: str, lead: int) -> Estimate:
        """Spikes of a fixed budget that is as accurate on the mixture, over the mean spikes of the lead."""
        budgets = sorted(n for k, n in self.fixed if k == kind)
        curve = np.maximum.accumulate([self.fixed[kind, n].accuracy.value for n in budgets])
        led, spikes = self.led[kind, lead].accuracy, self.led[kind, lead].spikes.mean()
        if not curve[0] < led.value < curve[-1]:
            return Estimate(value=np.nan, error=np.nan)
        low, at, high = np.interp(
            stats.norm.ppf(np.clip(led.value + led.error * np.array([-1, 0, 1]), 1e-9, 1 - 1e-9)),
            stats.norm.ppf(np.clip(curve, 1e-9, 1 - 1e-9)),
            np.log(budgets),
        )
        return Estimate(
            value=float(np.exp(at) / spikes), error=float((np.exp(high) - np.exp(low)) / 2 / spikes)
        )


def equal_budget(decided: Decided) -> int:
    """Whole spikes nearest to the mean of these rows."""
    return max(1, round(float(decided.spikes.mean())))


def race(weights: np.ndarray, lead: int, kind: str, rng: np.random.Generator, most: int) -> np.ndarray:
    """Count ideal spikes, one after another, until one key leads or the row has had `most`; (n_rows, n_keys).

    Parameters
    ----------
    weights : (n_rows, n_keys) array
        Rates of the keys in each row.
    lead : int
    kind : str
        "random": each spike is an independent sample. "regular": each key fires at even intervals from a random
        phase, and the earliest is next.
    rng : numpy.random.Generator
    most : int
    """
    n_rows, n_keys = weights.shape
    counts, running = np.zeros((n_rows, n_keys), dtype=np.int64), np.arange(n_rows)
    cumulated, phases = weights.cumsum(axis=1), rng.random((n_rows, n_keys))
    for _ in range(most):
        if kind == "random":
            at = rng.random(len(running)) * cumulated[running, -1]
            key = np.minimum((at[:, None] >= cumulated[running]).sum(axis=1), n_keys - 1)
        else:
            key = ((counts[running] + phases[running]) / weights[running]).argmin(axis=1)
        counts[running, key] += 1
        best = np.partition(counts[running], -2, axis=1)
        running = running[best[:, -1] - best[:, -2] < lead]
        if not len(running):
            break
    return counts


def measure_races(params: Params, ctx: RunContext) -> Races:
    """Two keys under every lead, as ideal spikes and in the circuit, and under fixed budgets; then more keys."""
    gaps = np.repeat(params.gaps, params.n_rows)
    better = ctx.rng.integers(0, 2, len(gaps))
    scores = np.stack([np.where(better == key, gaps, 0.0) for key in (0, 1)], axis=1)
    weights = softmax(scores, axis=1)
    led, twins, fixed = {}, {}, {}
    leads = sorted({*params.leads, params.lead})
    for kind in KINDS:
        for lead in leads:
            counts = _attend(kind, scores, ctx, lead=lead)
            led[kind, lead] = Decided.of(counts, better)
            twins[kind, lead] = Decided.of(race(weights, lead, kind, ctx.rng, MOST_PER_LEAD * lead), better)
        for n in sorted({*params.budgets, *(equal_budget(led[kind, lead]) for lead in leads)}):
            fixed[kind, n] = Decided.of(_attend(kind, scores, ctx, spikes=n), better)
    crowds = [_crowd(n_keys, params, ctx) for n_keys in params.keys]
    walks = [
        walk for gap in sorted({min(params.gaps), max(params.gaps)}) for walk in _walks(gap, params, ctx)
    ]
    return Races(gaps=gaps, led=led, twins=twins, fixed=fixed, crowds=crowds, walks=walks)


def _attend(kind: str, scores: np.ndarray, ctx: RunContext, **budget: int) -> np.ndarray:
    """Counts under a budget of a lead, bounded, or of spikes."""
    if "lead" in budget:
        budget["spikes"] = MOST_PER_LEAD * budget["lead"]
    name, value = next(iter(budget.items()))
    options: dict[str, Any]
    with simulation(ctx, f"{kind} cells, {name} {value}", share=0.01) as options:
        options |= {"budget": Budget(**budget), "record": "counts"}
        return GammaCircuit(KINDS[kind]()).attend(scores, **options).counts


def _walks(gap: float, params: Params, ctx: RunContext) -> list[Walk]:
    """Some rows of random cells, spike by spike."""
    circuit, rows = GammaCircuit(KINDS["random"]()), np.tile([gap, 0.0], (WALKS, 1))
    budget = Budget(lead=params.lead, spikes=MOST_PER_LEAD * params.lead)
    spikes = circuit.attend(rows, budget=budget, rng=ctx.rng, engine=ctx.engine).spikes
    walks = []
    for row in range(WALKS):
        here = spikes.row == row
        key = spikes.key[here][np.argsort(spikes.time_ms[here], kind="stable")]
        walks.append(Walk(gap=gap, lead=np.concatenate([[0], np.where(key == 0, 1, -1).cumsum()])))
    return walks


def _crowd(n_keys: int, params: Params, ctx: RunContext) -> Crowd:
    """Choose many times from each of a few rows of several keys, in spikes and by independent samples."""
    rows = ctx.rng.normal(0, params.spread, (CHOICES, n_keys))
    times = max(1, params.n_rows // CHOICES)
    counts = _attend("random", np.repeat(rows, times, axis=0), ctx, lead=params.lead)
    drawn = race(
        np.repeat(softmax(rows, axis=1), times, axis=0),
        params.lead,
        "random",
        ctx.rng,
        MOST_PER_LEAD * params.lead,
    )
    target = softmax(params.lead * rows, axis=1)
    chosen, ideal = (_chosen(each, times) for each in (counts, drawn))
    fitted = fit_softmax(chosen, rows)
    return Crowd(
        n_keys=n_keys,
        beta=Estimate(value=float(fitted.beta) / params.lead, error=float(fitted.beta_se) / params.lead),
        distance=_distance(chosen, target),
        floor=float(total_variation_floor(target, np.full(CHOICES, times)).mean()),
        twin=_distance(ideal, target),
        spikes=mean(counts.sum(axis=1)),
    )


def _chosen(counts: np.ndarray, times: int) -> np.ndarray:
    """How often each key of a row was ahead, (CHOICES, n_keys)."""
    winners = counts.argmax(axis=1).reshape(-1, times)
    return np.stack([np.bincount(row, minlength=counts.shape[1]) for row in winners])


def _distance(chosen: np.ndarray, target: np.ndarray) -> float:
    return float(np.abs(chosen / chosen.sum(axis=1, keepdims=True) - target).sum(axis=1).mean() / 2)
