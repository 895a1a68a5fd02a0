"""Scenario mini-transformer-bill: what each kind of attention can do in a small model, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from bridge import swap
from pragmatic.tasks.batch import Task
from pragmatic.tasks.synthetic import TASKS
from pragmatic.training.evaluation import score_sequences
from pragmatic.training.train import TrainParams, train
from pragmatic.transformer import Transformer
from scenarios.mini_transformer_bill.findings import Built, Design, bill_dataset
from scenarios.mini_transformer_bill.metrics import bill_metrics
from scenarios.mini_transformer_bill.plots import draw_legend, draw_task
from scenarios.mini_transformer_bill.verdict import bill_verdict
from scenarios.workbench.cost import forward_cost, iteration_cost
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_kinds import KINDS, SPIKING_KINDS, head_of
from scenarios.workbench.mini import SizeParams, TaskParams, sizes_of, task_of
from scenarios.workbench.outcome import Outcome, Picture, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.progress import Progress
from scenarios.workbench.style import WIDTH_in

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can biological attention make a mini-transformer that is expressive and modest to train? Recall, "
    "induction, sorting and text, learnt with softmax, uniform, linear, sparsemax, sampled and simulated heads at "
    "several budgets of spikes: accuracy against operations and joules, for training and for inference."
)
CAPTION = (
    "Accuracy on {windows} held-out sequences against the energy of inference (top) and of training (bottom), from "
    "counts in the run, in units of the softmax model's. Spiking heads at {spikes} spikes a row, trained through "
    "them or put into the softmax model; filled: every cell updated by a digital machine ({digital}), open: cells "
    "in hardware ({hardware}); what does not spike costs the same on both. Grey steps: the front, what is clearly "
    "more accurate than all that costs less. Bars: standard errors over sequences{seeds}."
)
COUNTED = 16  # sequences whose forward pass is counted


@dataclass(frozen=True, kw_only=True)
class Params(SizeParams):
    n_heads: int = param(2, "attention heads in each", at_least=1)
    n_context: int = param(16, "tokens in a sequence", at_least=8)
    iterations: int = param(500, "of each training", at_least=4)
    tasks: tuple[str, ...] = param(
        ("recall", "induction", "sort", "text"), f"of: {', '.join(TASKS)}", choices=tuple(TASKS)
    )
    text: str | None = param(
        None, "UTF-8 file for task text; the English topics that ship with Python if none"
    )
    kinds: tuple[str, ...] = param(
        ("softmax", "uniform", "linear", "sampled", "simulated"),
        f"of head, softmax among them, of: {', '.join(KINDS)}",
        choices=KINDS,
    )
    spikes: tuple[int, ...] = param(
        (4, 16, 64), "budgets of a row, in sampled and simulated heads", at_least=1
    )
    n_cells: int = param(10, "excitatory cells per key", at_least=1)
    learning_rate: float = param(3e-3, "at its highest; it ends at a tenth", above=0)
    seeds: int = param(1, "trainings of each model", at_least=1)
    goal: float = param(0.02, "accuracy that a model may lose to softmax and still count as good", above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if "softmax" not in self.kinds:
            raise UsageError(
                f"kinds must have softmax, got {', '.join(self.kinds)}; everything is measured against it"
            )
        if self.text is not None and "text" not in self.tasks:
            raise UsageError(
                f"text needs task text, got tasks {', '.join(self.tasks)}; leave one of the two out"
            )

    @property
    def designs(self) -> list[Design]:
        """What is built for every task: each kind of head, at each budget where it has spikes."""
        budgets = sorted(set(self.spikes))
        kinds = [kind for kind in KINDS if kind in self.kinds]
        plain = [Design(kind=kind) for kind in kinds if kind not in SPIKING_KINDS]
        spiking = [Design(kind=kind, spikes=n) for kind in kinds if kind in SPIKING_KINDS for n in budgets]
        if "simulated" in kinds:
            spiking += [Design(kind="simulated", spikes=n, swapped=True) for n in budgets]
        return [*plain, *spiking]

    def task_params(self, name: str) -> TaskParams:
        """The parameters of one task."""
        return TaskParams(task=name, text=self.text if name == "text" else None, n_context=self.n_context)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Build every design for every task, from the same weights and batches, and count."""
    base = int(ctx.rng.integers(2**63))
    tasks = {name: task_of(params.task_params(name)) for name in dict.fromkeys(params.tasks)}
    built: dict[tuple[str, int, Design], Built] = {}
    shares = {design: _share(design) for design in params.designs}
    whole = sum(shares.values()) * len(tasks) * params.seeds
    for name, task in tasks.items():
        for seed in range(params.seeds):
            models: dict[Design, tuple[Transformer, Built]] = {}
            for design, share in shares.items():
                with ctx.progress.stage(f"{name}, {design.name}", share=share / whole) as progress:
                    models[design] = _build(params, ctx, task, design, models, (base, seed), progress)
                    built[name, seed, design] = models[design][1]
    dataset = bill_dataset(built, list(tasks), params.seeds, params.designs)
    metrics = bill_metrics(dataset, goal=params.goal)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("accuracy_gap", "inference_times", "training_times"),
        pictures={"bill": _picture(params, dataset)},
        verdict=bill_verdict(metrics, list(tasks), goal=params.goal),
    )


def _share(design: Design) -> float:
    """Of the time, roughly: a simulated training takes as long as several others, a swap no training at all."""
    if design.swapped:
        return 0.2
    return 2.5 if design.kind == "simulated" else 1.0


def _build(
    params: Params,
    ctx: RunContext,
    task: Task,
    design: Design,
    models: dict[Design, tuple[Transformer, Built]],
    source: tuple[int, int],
    progress: Progress,
) -> tuple[Transformer, Built]:
    """Train a model of this design, or take the softmax one; measure it with the design's heads in it."""
    head = head_of(
        design.kind,
        spikes=design.spikes,
        n_cells=params.n_cells,
        engine=ctx.engine,
        seed=source[0] // 2 + source[1],
    )
    if design.swapped:
        model, trained = models[Design(kind="softmax")]
        costs, seconds = trained.training, trained.seconds
    else:
        model = Transformer(sizes_of(params, task), np.random.default_rng([*source, 0]))
        schedule = TrainParams(
            n_iterations=params.iterations,
            batch_size=params.batch,
            learning_rate=params.learning_rate,
            min_learning_rate=params.learning_rate / 10,
            n_warmup=min(100, params.iterations // 10),
            evaluate_every=params.iterations,
            n_held_out=2,
        )
        with swap(model, head=head):
            first = iteration_cost(model, task, schedule, np.random.default_rng([*source, 1]))
            result = train(
                model,
                task,
                schedule,
                rng=np.random.default_rng([*source, 1]),
                checkpoint=ctx.checkpoint(f"{type(task).__name__}-{design.kind}-{design.spikes}-{source[1]}"),
                progress=progress,
            )
            costs = (first, iteration_cost(model, task, schedule, np.random.default_rng([*source, 2])))
        seconds = float(result.seconds[-1])
    with swap(model, head=head):
        return model, Built(
            scores=score_sequences(model, task.held_out(params.windows), batch_size=32),
            training=costs,
            iterations=params.iterations,
            inference=forward_cost(model, task.held_out(min(COUNTED, params.windows))),
            seconds=seconds,
        )


def _picture(params: Params, dataset: xr.Dataset) -> Picture:
    caption = CAPTION.format(
        windows=dataset.sizes["window"],
        spikes=", ".join(map(str, sorted(set(params.spikes)))),
        digital="FP32, 45 nm",
        hardware="Loihi beside an FP32 host",
        seeds="" if params.seeds == 1 else f", {params.seeds} trainings each",
    )
    return Picture(draw=lambda: _draw(dataset), caption=caption)


def _draw(dataset: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 5.1))
    axes = figure.subplots(2, dataset.sizes["task"], sharey="col", squeeze=False)
    for column, task in zip(axes.T, dataset.task.values, strict=True):
        draw_task(column[0], dataset.sel(task=task), "inference", title=str(task))
        draw_task(column[1], dataset.sel(task=task), "training")
    for row, label in zip(
        axes, ("inference energy\nover softmax's", "training energy\nover softmax's"), strict=True
    ):
        row[0].set_ylabel("accuracy")
        for ax in row:
            ax.set_xlabel(label)
    draw_legend(figure, axes[0, 0])
    return figure
