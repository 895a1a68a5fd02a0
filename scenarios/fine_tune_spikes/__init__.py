"""Scenario fine-tune-spikes: a model in whose attention spikes were put learns to live with them."""

from __future__ import annotations

from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from bridge import SpikingHead, swap
from bridge.heads.choice import chosen_heads
from pragmatic.training.train import TrainParams, TrainResult, train
from pragmatic.transformer import Transformer
from scenarios.fine_tune_spikes.findings import MODELS, SMOOTH, Findings, findings_dataset
from scenarios.fine_tune_spikes.metrics import findings_metrics
from scenarios.fine_tune_spikes.plots import draw_learning, draw_rises
from scenarios.fine_tune_spikes.verdict import findings_verdict
from scenarios.workbench.mini import Mini, SwapParams, mini_model, time_shares
from scenarios.workbench.outcome import Outcome, Picture, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.progress import Progress
from scenarios.workbench.style import WIDTH_in

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How much of what spikes cost a trained transformer does fine-tuning through them win back? The swapped "
    "model learns on, spikes forward and the fitted law's Jacobian backward, beside a softmax model that "
    "learns on just as long."
)
CAPTION = (
    "Left: rise of the held-out loss when the chosen heads spike, over the softmax model of as many iterations, "
    "against spikes per row: as trained, and after {iterations} iterations more with softmax heads, with exact "
    "samples and with simulated spikes in the loop ({spikes} a row). Bars: standard errors of paired "
    "differences over the same {windows} windows. Right: loss of each batch above that of the softmax model on "
    "the same batch, mean over {smooth} iterations."
)


@dataclass(frozen=True, kw_only=True)
class Params(SwapParams):
    train_spikes: int = param(64, "of each row while learning", at_least=1)
    spikes: tuple[int, ...] = param((4, 16, 256), "more budgets that the models are measured at", at_least=1)
    tune_iterations: int = param(300, "of learning on", at_least=2)
    tune_learning_rate: float = param(3e-4, "at its highest", above=0)

    @property
    def budgets(self) -> tuple[int, ...]:
        """Spikes per row, in order."""
        return tuple(sorted({*self.spikes, self.train_spikes}))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train or load a model, let three copies learn on from the same batches, and measure all four in spikes."""
    heads = chosen_heads(params.heads, [params.n_heads] * params.n_layers)
    with ctx.progress.stage("train", share=0.1) as progress:
        mini = mini_model(params, ctx, progress)
    models, trainings = {"trained": mini.model}, {}
    batches = int(ctx.rng.integers(2**63))
    for name, share in (("softmax", 0.02), ("sampled", 0.03), ("simulated", 0.45)):
        models[name] = deepcopy(mini.model)
        with ctx.progress.stage(f"learn on, {name}", share=share) as progress:
            trainings[name] = _learn_on(params, ctx, models[name], mini, heads, name, batches, progress)
    found = _measure(params, ctx, mini, models, trainings, heads)
    dataset = findings_dataset(found)
    metrics = findings_metrics(found, dataset, ctx.rng)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("before", "after", "recovered"),
        pictures={"fine_tuning": _picture(params, dataset)},
        verdict=findings_verdict(metrics, spikes=params.train_spikes, iterations=params.tune_iterations),
        files={
            "model.safetensors": mini.save,
            "tuned.safetensors": replace(mini, model=models["simulated"]).save,
        },
    )


def _head(params: Params, ctx: RunContext, spikes: int, mode: str, *, gradient: bool) -> SpikingHead:
    return SpikingHead(
        params.gamma_circuit(),
        spikes=spikes,
        mode=mode,
        engine=ctx.engine,
        seed=int(ctx.rng.integers(2**63)),
        gradient=gradient,
    )


def _learn_on(
    params: Params,
    ctx: RunContext,
    model: Transformer,
    mini: Mini,
    heads: list[tuple[int, int]],
    mode: str,
    batches: int,
    progress: Progress,
) -> TrainResult:
    """Train in place with the heads of one mode; the same `batches` are the same sequences."""
    n = params.tune_iterations
    schedule = TrainParams(
        n_iterations=n,
        batch_size=params.batch,
        learning_rate=params.tune_learning_rate,
        min_learning_rate=params.tune_learning_rate / 10,
        n_warmup=min(20, n // 10),
        evaluate_every=n,
        n_held_out=params.batch,
    )
    with ExitStack() as stack:
        if mode != "softmax":
            head = _head(params, ctx, params.train_spikes, mode, gradient=True)
            stack.enter_context(swap(model, heads=heads, head=head))
        return train(
            model,
            mini.task,
            schedule,
            rng=np.random.default_rng(batches),
            checkpoint=ctx.checkpoint(f"tuned-{mode}"),
            progress=progress,
        )


def _measure(
    params: Params,
    ctx: RunContext,
    mini: Mini,
    models: dict[str, Transformer],
    trainings: dict[str, TrainResult],
    heads: list[tuple[int, int]],
) -> Findings:
    softmax, spiking = {}, {}
    shares = time_shares(params.budgets)
    for name in MODELS:
        model = models[name]
        softmax[name] = mini.score(model)
        for spikes, share in zip(params.budgets, shares, strict=True):
            part = 0.4 * share / len(MODELS)
            with ctx.progress.stage(f"measure {name}, {spikes} spikes", share=part) as progress:
                head = _head(params, ctx, spikes, "simulated", gradient=False)
                with swap(model, heads=heads, head=head):
                    spiking[name, spikes] = mini.score(model, progress)
    return Findings(
        spikes=params.budgets,
        train_spikes=params.train_spikes,
        softmax=softmax,
        spiking=spiking,
        trainings=trainings,
    )


def _picture(params: Params, dataset: xr.Dataset) -> Picture:
    caption = CAPTION.format(
        iterations=params.tune_iterations,
        spikes=params.train_spikes,
        windows=dataset.sizes["window"],
        smooth=SMOOTH,
    )
    return Picture(draw=lambda: _draw(dataset), caption=caption)


def _draw(dataset: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.3))
    left, right = figure.subplots(1, 2)
    draw_rises(left, dataset)
    draw_learning(right, dataset)
    return figure
