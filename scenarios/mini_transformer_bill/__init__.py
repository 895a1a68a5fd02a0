"""Scenario mini-transformer-bill: what each kind of attention can do in a small model, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from bridge import swap
from pragmatic.tasks.batch import Task
from pragmatic.tasks.synthetic import TASKS
from pragmatic.training.evaluation import score_sequences
from scenarios.mini_transformer_bill.figures import bill
from scenarios.mini_transformer_bill.measures import Built, Design, bill_dataset, in_words, table
from scenarios.workbench.cost import forward_cost
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_kinds import KINDS, SPIKING_KINDS
from scenarios.workbench.mini import TaskParams, task_of
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.progress import Progress
from scenarios.workbench.trainings import ScratchParams, from_scratch

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can biological attention make a mini-transformer that is expressive and modest to train? Small tasks, "
    "learnt with softmax and other kinds of head, simulated ones at several budgets of spikes: accuracy "
    "against operations and joules, for training and for inference."
)
COUNTED = 16  # sequences whose forward pass is counted


@dataclass(frozen=True, kw_only=True)
class Params(ScratchParams):
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
    seeds: int = param(1, "trainings of each model", at_least=1)
    goal: float = param(
        0.02, "accuracy that a model may lose to softmax and still count as good", above=0, at_most=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if "softmax" not in self.kinds:
            kinds = ", ".join(self.kinds)
            raise UsageError(f"kinds must have softmax, got {kinds}; everything is measured against it")
        if self.text is not None and "text" not in self.tasks:
            tasks = ", ".join(self.tasks)
            raise UsageError(f"text needs task text, got tasks {tasks}; leave one of the two out")

    @property
    def budgets(self) -> list[int]:
        """Spikes per row, in order."""
        return sorted(set(self.spikes))

    @property
    def designs(self) -> list[Design]:
        """What is built for every task: each kind of head, at each budget where it has spikes."""
        kinds = [kind for kind in KINDS if kind in self.kinds]
        spiking = [kind for kind in kinds if kind in SPIKING_KINDS]
        designs = [Design(kind=kind) for kind in kinds if kind not in spiking]
        designs += [Design(kind=kind, spikes=n) for kind in spiking for n in self.budgets]
        if "simulated" in kinds:
            designs += [Design(kind="simulated", spikes=n, swapped=True) for n in self.budgets]
        return designs

    def task(self, name: str) -> Task:
        """One of the tasks, at this length."""
        text = self.text if name == "text" else None
        return task_of(TaskParams(task=name, text=text, n_context=self.n_context))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Build every design for every task, from the same weights and batches, and count."""
    base = int(ctx.rng.integers(2**63))
    tasks = {name: params.task(name) for name in dict.fromkeys(params.tasks)}
    shares = {design: _share(design) for design in params.designs}
    whole = sum(shares.values()) * len(tasks) * params.seeds
    built: dict[tuple[str, int, Design], Built] = {}
    for name, task in tasks.items():
        for seed in range(params.seeds):
            softmax: Built | None = None
            for design, share in shares.items():
                with ctx.progress.stage(f"{name}, {design.name}", share=share / whole) as progress:
                    done = _build(params, ctx, task, design, softmax, (base, seed), progress)
                built[name, seed, design] = done
                softmax = done if design.kind == "softmax" else softmax
    dataset = bill_dataset(built, params.iterations)
    metrics = table(dataset, goal=params.goal)
    words = {
        "windows": dataset.sizes["window"],
        "spikes": ", ".join(map(str, params.budgets)),
        "seeds": "" if params.seeds == 1 else f", {params.seeds} trainings each",
    }
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("accuracy_gap", "inference_times", "training_times"),
        pictures=pictures(dataset, bill, **words),
        **in_words(metrics, list(tasks), params),
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
    softmax: Built | None,
    source: tuple[int, int],
    progress: Progress,
) -> Built:
    """Train a model of this design, or take the softmax one; measure it with the design's heads in it."""
    head = params.head(ctx, design.kind, design.spikes, source)
    if design.swapped and softmax is not None:
        learnt = softmax.learnt
    else:
        learnt = from_scratch(
            params,
            ctx,
            task,
            head,
            source=source,
            name=f"{type(task).__name__}-{design.kind}-{design.spikes}-{source[1]}",
            progress=progress,
            evaluate_every=params.iterations,
            n_held_out=2,
        )
    with swap(learnt.model, head=head):
        scores = score_sequences(learnt.model, task.held_out(params.windows), batch_size=32)
        inference = forward_cost(learnt.model, task.held_out(min(COUNTED, params.windows)))
    return Built(scores=scores, learnt=learnt, inference=inference)
