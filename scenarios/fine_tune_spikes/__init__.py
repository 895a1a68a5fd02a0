"""Scenario fine-tune-spikes: a model in whose attention spikes were put learns to live with them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bridge import swap
from pragmatic.training.train import TrainResult, train
from pragmatic.transformer import Transformer
from scenarios.fine_tune_spikes.figures import SMOOTH, fine_tuning
from scenarios.fine_tune_spikes.measures import MODELS, TUNED, in_words, models_dataset, table
from scenarios.workbench.mini import Mini, SwapParams, mini_model, time_shares
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.trainings import schedule
from scenarios.workbench.unlearnt import unlearnt

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How much of what spikes cost a trained transformer does fine-tuning through them win back? The swapped "
    "model learns on, spikes forward and the fitted law's Jacobian backward; a softmax model that learns on just "
    "as long is the control."
)


@dataclass(frozen=True, kw_only=True)
class Params(SwapParams):
    train_spikes: int = param(64, "of each row while learning", at_least=1)
    spikes: tuple[int, ...] = param((4, 16, 256), "more budgets that the models are measured at", at_least=1)
    tune_iterations: int = param(300, "of learning on", at_least=2)
    tune_learning_rate: float = param(3e-4, "at its highest", above=0, at_most=1)

    @property
    def budgets(self) -> tuple[int, ...]:
        """Spikes per row, in order."""
        return tuple(sorted({*self.spikes, self.train_spikes}))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train or load a model, let three copies learn on from the same batches, and measure all four in spikes."""
    pairs = params.pairs  # refused here, before anything is trained, where a head does not exist
    mini = mini_model(params, ctx, share=0.1)
    if (stopped := unlearnt(params, ctx, mini)) is not None:
        return stopped
    models, trainings, batches = {"trained": mini.model}, {}, int(ctx.rng.integers(2**63))
    for mode in TUNED:
        models[mode] = deepcopy(mini.model)
        trainings[mode] = _learn_on(params, ctx, models[mode], mini, pairs, mode, batches)
    softmax, spiking = {}, {}
    for name in MODELS:
        softmax[name] = mini.score(models[name])
        for n, share in zip(params.budgets, time_shares(params.budgets), strict=True):
            head = params.spiking_head(ctx, n)
            with ctx.progress.stage(f"measure {name}, {n} spikes", share=0.4 * share / len(MODELS)) as bar:
                spiking[name, n] = mini.score(models[name], bar, heads=pairs, head=head)
    dataset = models_dataset(softmax, spiking, trainings).assign_attrs(train_spikes=params.train_spikes)
    metrics, tuned = table(dataset, ctx.rng), replace(mini, model=models["simulated"])
    words = {
        "chosen": params.chosen,
        "iterations": params.tune_iterations,
        "spikes": params.train_spikes,
        "windows": dataset.sizes["window"],
        "smooth": min(SMOOTH, params.tune_iterations),
    }
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("before", "after", "recovered"),
        pictures=pictures(dataset, fine_tuning, **words),
        files={"model.safetensors": mini.save, "tuned.safetensors": tuned.save},
        **in_words(metrics, params),
    )


def _learn_on(
    params: Params,
    ctx: RunContext,
    model: Transformer,
    mini: Mini,
    pairs: list[tuple[int, int]],
    mode: str,
    batches: int,
) -> TrainResult:
    """Train in place with the heads of one mode; the same `batches` are the same sequences."""
    swapped: AbstractContextManager[Any] = nullcontext()
    if mode != "softmax":
        head = params.spiking_head(ctx, params.train_spikes, mode, gradient=True)
        swapped = swap(model, heads=pairs, head=head)
    n = params.tune_iterations
    share = {"softmax": 0.02, "sampled": 0.03, "simulated": 0.45}[mode]
    rate, batch = params.tune_learning_rate, params.batch
    with ctx.progress.stage(f"learn on, {mode}", share=share) as progress, swapped:
        return train(
            model,
            mini.task,
            schedule(n, batch, rate, warmup=20, evaluate_every=n, n_held_out=batch),
            rng=np.random.default_rng(batches),
            checkpoint=ctx.checkpoint(f"tuned-{mode}"),
            progress=progress,
        )
