"""Trainings of mini-transformers with any heads in them: schedule, checkpoint, and what an iteration costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge import swap
from pragmatic.attention import Head
from pragmatic.tasks.batch import Task
from pragmatic.training.train import TrainParams, TrainResult, train
from pragmatic.transformer import Transformer
from scenarios.workbench.cost import Cost, iteration_cost
from scenarios.workbench.head_kinds import KINDS, head_of
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.mini import SizeParams, sizes_of
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.params import param
from scenarios.workbench.progress import Progress

__all__ = ["Learnt", "ScratchParams", "from_scratch", "schedule"]


@dataclass(frozen=True, kw_only=True)
class ScratchParams(CircuitParams, SizeParams):
    """Models that learn from nothing, with any kind of head."""

    n_heads: int = param(2, "attention heads in each", at_least=1)
    learning_rate: float = param(3e-3, "at its highest; it ends at a tenth", above=0, at_most=1)
    kinds: tuple[str, ...] = param(KINDS, f"of head, of: {', '.join(KINDS)}", choices=KINDS)

    def head(self, ctx: RunContext, kind: str, spikes: int, source: tuple[int, int]) -> Head:
        """Make a head for all places of a model that comes from (base, seed)."""
        base, seed = source
        return head_of(
            kind, spikes=spikes, circuit=self.row_circuit(), engine=ctx.engine, seed=base // 2 + seed
        )


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """A model that was trained from scratch."""

    model: Transformer
    result: TrainResult
    costs: tuple[Cost, Cost]  # of an iteration, before the training and after it


def schedule(
    n_iterations: int, batch_size: int, learning_rate: float, *, warmup: int = 100, **more: int
) -> TrainParams:
    """Plan a training that ends at a tenth of its highest learning rate, at most a tenth of it warm-up."""
    return TrainParams(
        n_iterations=n_iterations,
        batch_size=batch_size,
        learning_rate=learning_rate,
        min_learning_rate=learning_rate / 10,
        n_warmup=min(warmup, n_iterations // 10),
        **more,
    )


def from_scratch(
    params: ScratchParams,
    ctx: RunContext,
    task: Task,
    head: Head,
    *,
    source: tuple[int, int],
    name: str,
    progress: Progress,
    evaluate_every: int,
    n_held_out: int,
) -> Learnt:
    """Train a model with this head in every place.

    Parameters
    ----------
    params : ScratchParams
    ctx : RunContext
    task : Task
    head : Head
    source : (int, int)
        Base and seed: they fix the first weights and the batches, whatever the head.
    name : str
        Of the checkpoint.
    progress : Progress
    evaluate_every, n_held_out : int
        As `TrainParams` has them.
    """
    model = Transformer(sizes_of(params, task), np.random.default_rng([*source, 0]))
    rates = schedule(
        params.iterations,
        params.batch,
        params.learning_rate,
        evaluate_every=evaluate_every,
        n_held_out=n_held_out,
    )
    batches = [*source, 1]
    with swap(model, head=head):
        first = iteration_cost(model, task, rates, np.random.default_rng(batches))
        result = train(
            model,
            task,
            rates,
            rng=np.random.default_rng(batches),
            checkpoint=ctx.checkpoint(name),
            progress=progress,
        )
        last = iteration_cost(model, task, rates, np.random.default_rng([*source, 2]))
    return Learnt(model=model, result=result, costs=(first, last))
