"""Scenario train-with-spikes: a mini-transformer learns from nothing with spikes in its attention."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from bridge import swap
from pragmatic.tasks.batch import Task
from pragmatic.training.evaluation import score_sequences
from pragmatic.training.train import TrainParams, train
from pragmatic.transformer import Transformer
from scenarios.train_with_spikes.findings import READS, Training, join, trainings_dataset
from scenarios.train_with_spikes.metrics import headline_of, training_metrics
from scenarios.train_with_spikes.plots import (
    draw_by_iteration,
    draw_by_operations,
    draw_by_time,
    draw_gaps,
    draw_legend,
)
from scenarios.train_with_spikes.verdict import training_verdict
from scenarios.workbench.cost import iteration_cost
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_kinds import KINDS, SPIKING_KINDS, head_of
from scenarios.workbench.mini import TaskParams, sizes_of, task_of
from scenarios.workbench.outcome import Outcome, Picture, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.progress import Progress
from scenarios.workbench.store import read_run
from scenarios.workbench.style import WIDTH_in

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can a transformer be trained from scratch with simulated spikes in its attention, and at what price? The "
    "same model, from the same weights and on the same sequences, learns with softmax, uniform, linear, "
    "sparsemax, sampled and simulated heads: loss by iteration, by time and by counted operations."
)
CAPTION = (
    "Held-out loss of {seeds} training{s} of each kind of head, mean (thick) and each alone (thin), by "
    "iteration, by time and by operations; sampled and simulated heads have {spikes} spikes a row, in the "
    "evaluation too. Dotted: the simulated heads' operations if cells were hardware, an update of a cell being "
    "one. Last: loss at the end above the softmax training of the same seed, filled as trained, open with "
    "softmax put into the trained model, cross the softmax model with spikes put in; bars: standard errors."
)
EVALUATIONS = 10  # along a training
JOINED_APART = ("kinds", "seeds", "first_seed", "join")  # in which runs that are joined may differ


@dataclass(frozen=True, kw_only=True)
class Params(TaskParams):
    n_heads: int = param(2, "attention heads in each", at_least=1)
    iterations: int = param(800, "of each training", at_least=4)
    batch: int = param(12, "sequences in each", at_least=1)
    learning_rate: float = param(3e-3, "at its highest; it ends at a tenth", above=0)
    kinds: tuple[str, ...] = param(KINDS, f"of head, of: {', '.join(KINDS)}", choices=KINDS)
    seeds: int = param(3, "trainings of each kind", at_least=1)
    first_seed: int = param(0, "number of the first, so that runs can be split", at_least=0)
    spikes: int = param(64, "of a row, in sampled and simulated heads", at_least=1)
    n_cells: int = param(10, "excitatory cells per key", at_least=1)
    join: str | None = param(
        None, "earlier runs, with commas, whose trainings are taken over instead of repeated"
    )

    @property
    def wanted(self) -> list[tuple[str, int]]:
        """(kind, seed) of every training, the kinds of a seed one after the other."""
        seeds = range(self.first_seed, self.first_seed + self.seeds)
        return [(kind, seed) for seed in seeds for kind in dict.fromkeys(self.kinds)]


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train each kind of head from each seed, and measure on the same windows."""
    base = int(ctx.rng.integers(2**63))
    task = task_of(params)
    earlier = _earlier(params, ctx, base)
    done = (
        set() if earlier is None else set(zip(earlier.kind.values, earlier.seed.values.tolist(), strict=True))
    )
    wanted = [pair for pair in params.wanted if pair not in done]
    trainings = []
    shares = {kind: 4.0 if kind == "simulated" else 1.0 for kind in KINDS}
    for kind, seed in wanted:
        share = shares[kind] / sum(shares[each] for each, _ in wanted)
        with ctx.progress.stage(f"{kind}, seed {seed}", share=share) as progress:
            trainings.append(_train(params, ctx, task, kind, seed, base, progress))
    dataset = join(earlier, trainings_dataset(trainings, _settings(params, ctx, base)) if trainings else None)
    metrics = training_metrics(dataset)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=headline_of(metrics),
        pictures={"training": _picture(params, dataset)},
        verdict=training_verdict(metrics, spikes=params.spikes, iterations=params.iterations),
    )


def _train(
    params: Params, ctx: RunContext, task: Task, kind: str, seed: int, base: int, progress: Progress
) -> Training:
    """One training; the first weights and the batches are those of its seed, whatever the kind."""
    model = Transformer(sizes_of(params, task), np.random.default_rng([base, seed, 0]))
    schedule = TrainParams(
        n_iterations=params.iterations,
        batch_size=params.batch,
        learning_rate=params.learning_rate,
        min_learning_rate=params.learning_rate / 10,
        n_warmup=min(100, params.iterations // 10),
        evaluate_every=max(1, params.iterations // EVALUATIONS),
        n_held_out=params.windows,
    )
    heads = {
        each: head_of(
            each, spikes=params.spikes, n_cells=params.n_cells, engine=ctx.engine, seed=base // 2 + seed
        )
        for each in {kind, *READS}
    }
    with swap(model, head=heads[kind]):
        first = iteration_cost(model, task, schedule, np.random.default_rng([base, seed, 1]))
        result = train(
            model,
            task,
            schedule,
            rng=np.random.default_rng([base, seed, 1]),
            checkpoint=ctx.checkpoint(f"{kind}-{seed}"),
            progress=progress,
        )
        last = iteration_cost(model, task, schedule, np.random.default_rng([base, seed, 2]))
    held_out = task.held_out(params.windows)
    scores = {}
    for read in dict.fromkeys((kind, *_reads(kind))):
        with swap(model, head=heads[read]):
            scores[read] = score_sequences(model, held_out, batch_size=32)
    return Training(kind=kind, seed=seed, result=result, scores=scores, costs=(first, last))


def _reads(kind: str) -> tuple[str, ...]:
    """Heads put into the trained model besides its own: softmax for spikes, and spikes for softmax."""
    if kind in SPIKING_KINDS:
        return ("softmax",)
    return ("simulated",) if kind == "softmax" else ()


def _settings(params: Params, ctx: RunContext, base: int) -> str:
    """What runs must agree in to be joined."""
    alike = {name: value for name, value in asdict(params).items() if name not in JOINED_APART}
    return json.dumps({**alike, "engine": ctx.engine, "draw of --seed": base})


def _earlier(params: Params, ctx: RunContext, base: int) -> xr.Dataset | None:
    """The trainings of earlier runs.

    Raises
    ------
    UsageError
        For a run that is none, that is of another scenario, or that differs in what makes trainings differ.
    """
    joined: xr.Dataset | None = None
    for name in filter(None, (part.strip() for part in (params.join or "").split(","))):
        stored = read_run(name)
        if stored.provenance.scenario != "train-with-spikes":
            raise UsageError(
                f"join must be runs of train-with-spikes, got {stored.provenance.scenario} in {name}"
            )
        dataset = stored.dataset()
        then, now = json.loads(dataset.attrs["settings"]), json.loads(_settings(params, ctx, base))
        other = [what for what, value in now.items() if then[what] != value]
        if other:
            raise UsageError(
                f"join must be runs of the same trainings, got {_listed(then, other)} in {name} "
                f"for {_listed(now, other)}; give the parameters and the --seed that it had"
            )
        joined = join(joined, dataset)
    return joined


def _listed(settings: Mapping[str, object], names: list[str]) -> str:
    return ", ".join(f"{name} {settings[name]}" for name in names)


def _picture(params: Params, dataset: xr.Dataset) -> Picture:
    n = len(np.unique(dataset.seed))
    caption = CAPTION.format(seeds=n, s="" if n == 1 else "s", spikes=params.spikes)
    return Picture(draw=lambda: _draw(dataset), caption=caption)


def _draw(dataset: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 6.0))
    (iteration, time), (operations, gaps) = figure.subplots(2, 2)
    draw_by_iteration(iteration, dataset)
    draw_by_time(time, dataset)
    draw_by_operations(operations, dataset)
    draw_gaps(gaps, dataset)
    draw_legend(figure, [iteration, operations])
    return figure
