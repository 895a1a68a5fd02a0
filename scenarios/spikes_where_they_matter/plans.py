"""Plans of how spikes are split: between keys, rows and heads, each alone and all together, at one mean a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bridge import SpikingHead, UnevenScoreMap
from bridge.heads.named import circuit_named
from bridge.heads.uneven import FLATNESS, row_spread
from pragmatic import Head, dot_product_head
from scenarios.spikes_where_they_matter.sensitivity import Layer, Needs, curvature
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.reading import Trial
from spiking import Budget, RowCircuit

if TYPE_CHECKING:
    from scenarios.spikes_where_they_matter import Params

__all__ = ["SPLITS", "Plan", "plans_of", "predicted", "trial_of"]

SPLITS = {  # name -> which of keys, rows and heads get unequal numbers of spikes
    "even": (),
    "keys": ("keys",),
    "rows": ("rows",),
    "heads": ("heads",),
    "keys and rows": ("keys", "rows"),
    "split": ("keys", "rows", "heads"),
}
CURVES = ("even", "keys", "split")  # tried at every budget
LEAST_COST = 1e-4  # of the head with most
MOST_PER_LEAD = 32  # spikes after which a row without a leader stops, over the lead


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """How the spikes of all rows are split."""

    split: str  # of SPLITS, or "lead"
    spikes: int  # mean of a row, or the lead at which it stops
    scale: np.ndarray  # (n_places,) of a row, or where rows differ of a key of weight 1
    random: bool = False  # cells that fire at random

    @property
    def label(self) -> str:
        """For progress bars and axes: ``"keys, 32 a row"``."""
        what = f"a lead of {self.spikes}" if self.split == "lead" else f"{self.split}, {self.spikes} a row"
        return f"random cells, {what}" if self.random else what

    @property
    def unequal(self) -> tuple[str, ...]:
        """Which of keys, rows and heads get unequal numbers."""
        return SPLITS[self.split]

    @property
    def flatness(self) -> float:
        """What scores are divided by."""
        return FLATNESS if "keys" in self.unequal else 1.0

    def expected(self, layer: Layer, scale: Tensor) -> Tensor:
        """Expected spikes of each key, for the scales of the layer's heads (n_heads,)."""
        rows = row_spread(layer.log_weights) if "rows" in self.unequal else torch.ones(layer.cost.shape[:2])
        return (scale[:, None] * rows)[..., None] * (layer.log_weights / self.flatness).softmax(-1)


def plans_of(params: Params, needs: Needs) -> list[Plan]:
    """Even budgets and the law's at every mean; at the one shown each part of the law, and the controls."""
    plans = [Plan(split=s, spikes=n, scale=_scale(s, n, needs)) for s in CURVES for n in params.spikes]
    n = params.shown
    plans += [Plan(split=s, spikes=n, scale=_scale(s, n, needs)) for s in SPLITS if s not in CURVES]
    plans += [
        Plan(split=s, spikes=n, scale=_scale(s, n, needs), random=True) for s in ("even", "keys", "split")
    ]
    return plans + [Plan(split="lead", spikes=lead, scale=np.zeros(0)) for lead in params.leads]


def _scale(split: str, spikes: int, needs: Needs) -> np.ndarray:
    """Scale of each head, such that the mean over all rows of the text that was looked at is `spikes`."""
    unequal = SPLITS[split]
    cost = np.maximum(needs.cost / needs.cost.max(), LEAST_COST)
    head = np.cbrt(cost) if "heads" in unequal else np.ones_like(cost)
    rows = needs.spread if "rows" in unequal else np.ones_like(needs.spread)
    return head * spikes / float((head[:, None] * rows).mean())


def trial_of(plan: Plan, params: Params, needs: Needs, ctx: RunContext) -> Trial:
    """The heads of a plan, in every layer one object for all."""
    option = "random" if plan.random else "circuit"
    circuit = circuit_named(getattr(params, option), temperature=1.0, n_cells=params.n_cells, option=option)
    if plan.split == "lead":
        budget = Budget(lead=plan.spikes, spikes=MOST_PER_LEAD * plan.spikes)
        return Trial(label=plan.label, heads={"all": partial(_leading, circuit, budget, ctx)})
    layer = np.array(needs.places)[:, 0]
    heads = {f"{n}.*": partial(_uneven, circuit, plan, plan.scale[layer == n], ctx) for n in np.unique(layer)}
    return Trial(label=plan.label, heads=heads)


def _uneven(circuit: RowCircuit, plan: Plan, scale: np.ndarray, ctx: RunContext, seed: int) -> Head:
    """One head for all of a layer's, `scale` (n_heads,)."""
    spikes, rng = torch.from_numpy(scale).float()[:, None], np.random.default_rng(seed)
    rows = "spread" if "rows" in plan.unequal else "even"
    return dot_product_head(
        UnevenScoreMap(circuit, spikes, rng, ctx.engine, flatness=plan.flatness, rows=rows)
    )


def _leading(circuit: RowCircuit, budget: Budget, ctx: RunContext, seed: int) -> Head:
    return SpikingHead(circuit, budget=budget, engine=ctx.engine, seed=seed, gradient=False)


def predicted(
    model: Any, windows: Tensor, plans: Sequence[Plan], rng: np.random.Generator
) -> Mapping[str, np.ndarray]:
    """KL of the next token by the law, label of a plan -> (n_windows,); none for a lead, whose shares are biased.

    A regular key's count has the variance f (1 - f), f the fraction of its expected spikes x; a random one's is x.
    """
    found = {plan.label: np.zeros(len(windows)) for plan in plans if plan.split != "lead"}
    for n, window in enumerate(windows):
        first = 0
        for layer in curvature(model, window, rng):
            here = slice(first, first + len(layer.cost))
            for plan in plans:
                if plan.split != "lead":
                    x = plan.expected(layer, torch.from_numpy(plan.scale[here]).float())
                    count = x if plan.random else (x % 1) * (1 - x % 1)
                    error = (layer.log_weights.exp() / x.clamp_min(1e-20)) ** 2 * count
                    found[plan.label][n] += 0.5 * float((layer.cost * error).sum())
            first = here.stop
    return found
