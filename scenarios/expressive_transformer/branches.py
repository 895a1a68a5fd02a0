"""A switch at run time: both branches computed and one chosen, or one inhibited before it spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bridge import SpikingScoreMap
from pragmatic.machines.memory import GatedBranches, Switch
from pragmatic.score_maps import Softmax
from scenarios.expressive_transformer.price import CONSTRUCTIONS, rms
from scenarios.expressive_transformer.theory import best_gain, inputs
from scenarios.workbench.statistics import Estimate, mean

__all__ = ["SWITCH_GAIN", "Branches", "branches"]

SWITCH_GAIN = 4.0  # of the second layer, where both branches are computed


@dataclass(frozen=True, kw_only=True)
class Branches:
    """A product and a sum, one of which a switch asks for."""

    inhibition: np.ndarray  # (n,) scores
    both: Estimate  # error where both are computed, in three rows of N spikes
    gated: Sequence[Estimate]  # error where one is inhibited, in one row of N spikes
    exact: Sequence[Estimate]  # the same under softmax
    leaked: Sequence[Estimate]  # share of the spikes in the branch that was not asked for
    n_spikes: int  # a row
    spent_both: float  # spikes a decision, counted
    spent_gated: float


def branches(
    score_map: SpikingScoreMap,
    n_spikes: int,
    inhibition: Sequence[float],
    n_rows: int,
    rng: np.random.Generator,
) -> Branches:
    """Errors against what the branch asked for gives exactly."""
    x, y = inputs(n_rows, rng)
    switch = torch.from_numpy(rng.choice([-1.0, 1.0], n_rows))
    product, total = best_gain(CONSTRUCTIONS["product"], n_spikes, regular=False), CONSTRUCTIONS["sum"]
    wanted = torch.where(switch > 0, product.exact(x, y), total.exact(x, y))

    def error(got: torch.Tensor) -> Estimate:
        return rms((got - wanted).numpy())

    spent = score_map.usage.spikes
    computed = product(x, y, score_map), total(x, y, score_map)
    both = error(Switch(gain=SWITCH_GAIN)(switch, *computed, score_map))
    spent_both = score_map.usage.spikes - spent
    scores = product.scores(x, y), total.scores(x, y)
    values = product.read(product.values(x, y)), total.read(total.values(x, y))
    gated, exact, leaked = [], [], []
    for strength in inhibition:
        block = GatedBranches(inhibition=strength)
        attended = block(switch, scores, values, score_map)
        gated.append(error(attended.output[:, 0, 0]))
        exact.append(error(block(switch, scores, values, Softmax()).output[:, 0, 0]))
        other = torch.where(
            switch > 0, attended.weights[:, 0, 2:].sum(-1), attended.weights[:, 0, :2].sum(-1)
        )
        leaked.append(mean(other.numpy()))
    spent_gated = (score_map.usage.spikes - spent - spent_both) / len(inhibition)
    return Branches(
        inhibition=np.array(inhibition),
        both=both,
        gated=gated,
        exact=exact,
        leaked=leaked,
        n_spikes=n_spikes,
        spent_both=spent_both / n_rows,
        spent_gated=spent_gated / n_rows,
    )
