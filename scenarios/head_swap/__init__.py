"""Scenario head-swap: spiking heads in a trained transformer, each alone and all together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from pragmatic.attention import dot_product_head
from pragmatic.score_maps import Hardmax, Uniform
from scenarios.head_swap.figures import heads
from scenarios.head_swap.head_probe import probe_heads
from scenarios.head_swap.measures import KINDS, in_words, shown_budget, swaps_dataset, table
from scenarios.workbench.mini import Mini, SwapParams, mini_model, time_shares
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.unlearnt import unlearnt

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What does a trained transformer lose when spikes do its attention? Chosen heads are replaced by a simulated "
    "40 Hz circuit, alone and all together, against the number of spikes that a row may have."
)
CONTROLS = {"uniform": Uniform(), "hardmax": Hardmax()}


@dataclass(frozen=True, kw_only=True)
class Params(SwapParams):
    spikes: tuple[int, ...] = param((1, 2, 4, 8, 16, 32, 64, 128, 256), "budgets of a row", at_least=1)
    few_spikes: int = param(4, "a budget more, at which heads are compared", at_least=1)
    goal: float = param(0.02, "rise in loss whose price in spikes is measured", above=0, at_most=100)

    @property
    def budgets(self) -> tuple[int, ...]:
        """Spikes per row, in order."""
        return tuple(sorted({*self.spikes, self.few_spikes}))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train or load a model, swap, and score it on the same windows each time."""
    pairs = params.pairs  # refused here, before anything is trained, where a head does not exist
    mini = mini_model(params, ctx, share=0.15)
    if (stopped := unlearnt(params, ctx, mini)) is not None:
        return stopped
    dataset = _swapped(params, ctx, mini, pairs)
    metrics = table(dataset, ctx.rng)
    words = {"few": params.few_spikes, "chosen": params.chosen, "windows": dataset.sizes["window"]}
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("rise", "spikes_for_goal", "entropy"),
        pictures=pictures(dataset, heads, **words),
        files={"model.safetensors": mini.save},
        **in_words(metrics, params, shown_budget(params.budgets)),
    )


def _swapped(params: Params, ctx: RunContext, mini: Mini, pairs: list[tuple[int, int]]) -> xr.Dataset:
    """Scores with the chosen heads swapped together and each alone, at every budget and in the controls."""
    swaps = {"all": pairs} | {f"{layer}.{head}": [(layer, head)] for layer, head in pairs}
    with ctx.progress.stage("softmax", share=0.01):
        reference = mini.score(mini.model)
        facts = probe_heads(mini.model, pairs, mini.windows.tokens)
        controls = {
            (control, name): mini.score(mini.model, heads=chosen, head=dot_product_head(score_map))
            for control, score_map in CONTROLS.items()
            for name, chosen in swaps.items()
        }
    scores, usage = {}, {}
    with ctx.progress.stage("swap", share=0.84) as progress:
        for spikes, share in zip(params.budgets, time_shares(params.budgets), strict=True):
            for name, chosen in swaps.items():
                part = share * (0.35 * len(chosen) / len(pairs) + 0.3 / len(swaps))
                for kind in KINDS:
                    head = params.spiking_head(ctx, spikes, kind)
                    own = part if kind == "simulated" else 0.0
                    with progress.stage(f"{spikes} spikes, heads {name}", share=own) as inner:
                        scores[kind, name, spikes] = mini.score(mini.model, inner, heads=chosen, head=head)
                    usage[kind, name, spikes] = head.usage
    dataset = swaps_dataset(reference, scores, controls, usage, facts)
    return dataset.assign_coords(
        layer=("head", np.array(pairs)[:, 0], {"units": "1"}),
        place=("head", np.array(pairs)[:, 1], {"units": "1"}),
    ).assign_attrs(few_spikes=params.few_spikes, goal_nats=params.goal)
