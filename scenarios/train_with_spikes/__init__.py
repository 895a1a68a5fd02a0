"""Scenario train-with-spikes: a mini-transformer learns from nothing with spikes in its attention."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr

from bridge import swap
from pragmatic.tasks.batch import Task
from pragmatic.training.evaluation import score_sequences
from scenarios.train_with_spikes.figures import training
from scenarios.train_with_spikes.measures import (
    READS,
    Training,
    headline_of,
    in_words,
    join,
    table,
    trainings_dataset,
)
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_kinds import KINDS, SPIKING_KINDS
from scenarios.workbench.mini import TaskParams, task_of
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.progress import Progress
from scenarios.workbench.store import read_run
from scenarios.workbench.trainings import ScratchParams, from_scratch

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can a transformer be trained from scratch with simulated spikes in its attention, and at what price? The "
    "same model, from the same weights and on the same sequences, learns with several kinds of head, softmax and "
    "simulated ones among them: loss by iteration, by time and by counted operations."
)
EVALUATIONS = 10  # along a training
JOINED_APART = ("kinds", "seeds", "first_seed", "join")  # in which runs that are joined may differ


@dataclass(frozen=True, kw_only=True)
class Params(ScratchParams, TaskParams):
    iterations: int = param(800, "of each training", at_least=4)
    batch: int = param(12, "sequences in each", at_least=1)
    seeds: int = param(3, "trainings of each kind", at_least=1)
    first_seed: int = param(0, "number of the first, so that runs can be split", at_least=0)
    spikes: int = param(64, "of a row, in sampled and simulated heads", at_least=1)
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
    known = [] if earlier is None else zip(earlier.kind.values, earlier.seed.values.tolist(), strict=True)
    wanted = [pair for pair in params.wanted if pair not in set(known)]
    shares = {kind: 4.0 if kind == "simulated" else 1.0 for kind in KINDS}
    trainings = []
    for kind, seed in wanted:
        share = shares[kind] / sum(shares[each] for each, _ in wanted)
        with ctx.progress.stage(f"{kind}, seed {seed}", share=share) as progress:
            trainings.append(_train(params, ctx, task, kind, (base, seed), progress))
    dataset = join(earlier, trainings_dataset(trainings, _settings(params, ctx, base)) if trainings else None)
    metrics = table(dataset)
    n = len(np.unique(dataset.seed))
    words = {"seeds": f"{n} training{'' if n == 1 else 's'}", "spikes": params.spikes}
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=headline_of(metrics),
        pictures=pictures(dataset, training, **words),
        **in_words(metrics, params),
    )


def _train(
    params: Params, ctx: RunContext, task: Task, kind: str, source: tuple[int, int], progress: Progress
) -> Training:
    """One training; the first weights and the batches are those of its seed, whatever the kind."""
    heads = {each: params.head(ctx, each, params.spikes, source) for each in {kind, *READS}}
    learnt = from_scratch(
        params,
        ctx,
        task,
        heads[kind],
        source=source,
        name=f"{kind}-{source[1]}",
        progress=progress,
        evaluate_every=max(1, params.iterations // EVALUATIONS),
        n_held_out=params.windows,
    )
    held_out = task.held_out(params.windows)
    scores = {}
    for read in dict.fromkeys((kind, *_reads(kind))):
        with swap(learnt.model, head=heads[read]):
            scores[read] = score_sequences(learnt.model, held_out, batch_size=32)
    return Training(kind=kind, seed=source[1], learnt=learnt, scores=scores)


def _reads(kind: str) -> tuple[str, ...]:
    """Heads that also read the trained model: softmax for spikes, and spikes for softmax."""
    if kind in SPIKING_KINDS:
        return ("softmax",)
    return ("simulated",) if kind == "softmax" else ()


def _settings(params: Params, ctx: RunContext, base: int) -> str:
    """What runs must agree in to be joined."""
    alike = {name: value for name, value in asdict(params).items() if name not in JOINED_APART}
    return json.dumps({**alike, "engine": ctx.engine.name, "draw of --seed": base})


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
        if (got := stored.provenance.scenario) != "train-with-spikes":
            raise UsageError(f"join must be runs of train-with-spikes, got {got} in {name}")
        dataset = stored.dataset()
        then, now = json.loads(dataset.attrs["settings"]), json.loads(_settings(params, ctx, base))
        other = [what for what, value in now.items() if then.get(what) != value]
        if other:
            raise UsageError(
                f"join must be runs of the same trainings, got {_pairs(then, other)} in {name} for "
                f"{_pairs(now, other)}; give the parameters and the --seed that it had"
            )
        joined = join(joined, dataset)
    return joined


def _pairs(settings: Mapping[str, object], names: list[str]) -> str:
    return ", ".join(f"{name} {settings.get(name)}" for name in names)
