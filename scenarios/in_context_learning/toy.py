"""A trained decoder that learns linear maps in context: its curve, with heads that spike, and its tuning."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bridge import SpikingHead, swap
from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.machines.in_context import InContextParams, InContextRegressor, learn_regression
from pragmatic.tasks.regression import Examples, LinearTasks, averaging_error, least_squares
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, mean

if TYPE_CHECKING:
    from scenarios.in_context_learning import Params

__all__ = ["SMOOTHED", "Toy", "Tuning", "measure_toy"]

SMOOTHED = 10  # batches whose mean error says where a tuning has come


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """A model that learns the task with the components of its tokens in another order."""

    start: str  # "pretrained" or "fresh"
    heads: str
    errors: np.ndarray  # (iterations,) of each batch, squared error / d over all points

    @property
    def smooth(self) -> np.ndarray:
        """Mean over the last batches, (iterations - SMOOTHED + 1,)."""
        n = min(SMOOTHED, len(self.errors))
        return np.convolve(self.errors, np.full(n, 1 / n), "valid")

    def steps(self, goal: float) -> int | None:
        """Iterations until the smoothed error is below the goal, None if never."""
        below = np.flatnonzero(self.smooth < goal)
        return int(below[0]) + min(SMOOTHED, len(self.errors)) if len(below) else None


@dataclass(frozen=True, kw_only=True)
class Toy:
    """Squared errors / d of the decoder after 0, 1, ... examples."""

    d: int
    curves: Mapping[tuple[str, int], np.ndarray]  # kind of head, spikes (0: exact) -> (n_tasks, n_points)
    fitted: np.ndarray  # (n_tasks, n_points) of least squares on the same tasks
    tunings: list[Tuning]
    losses: np.ndarray  # (iterations,) of the training

    @property
    def exact(self) -> np.ndarray:
        return self.curves["softmax", 0]

    def at(self, key: tuple[str, int]) -> list[Estimate]:
        """Error after each number of examples."""
        return [mean(point) for point in self.curves[key].T]

    def averaging(self) -> list[float]:
        """The closed form of w = mean of y x."""
        return [averaging_error(self.d, k) for k in range(self.exact.shape[1])]

    @property
    def goal(self) -> float:
        """Error that a tuning has to reach: half of what is between no answer and the trained model."""
        return (1 + float(self.exact.mean())) / 2


def measure_toy(params: Params, ctx: RunContext) -> Toy:
    """Train, ask with every kind of head, tune."""
    tasks = LinearTasks(d=params.toy_d)
    with ctx.progress.stage("train the decoder", share=0.3) as progress:
        model, losses = _trained(params, tasks, ctx, progress)
    asked = tasks.draw(params.toy_tasks, params.n_points, ctx.rng)
    curves = {("softmax", 0): _errors(model, asked)}
    for kind in params.heads:
        for spikes in params.toy_spikes:
            head, stage = _head(kind, spikes, params, ctx), f"{kind} heads, {spikes} spikes"
            with ctx.progress.stage(stage, share=0.02), swap(model, head=head):
                curves[kind, spikes] = _errors(model, asked)
    return Toy(
        d=params.toy_d,
        curves=curves,
        fitted=_least_squares_errors(asked),
        tunings=_tunings(model, params, tasks, ctx),
        losses=losses,
    )


def _trained(
    params: Params, tasks: LinearTasks, ctx: RunContext, progress: Any
) -> tuple[InContextRegressor, np.ndarray]:
    """Train, or take what an interrupted run has kept."""
    rng = ctx.rng.spawn(1)[0]  # so that what follows does not depend on what was kept
    model, kept = InContextRegressor(_sizes(params), rng), ctx.checkpoint("decoder")
    if kept is not None and kept.exists():
        tensors, _ = read_tensors(kept, {})
        losses = tensors.pop("losses").numpy()
        put_tensors(dict(model.named_parameters()), tensors, str(kept))
        return model, losses
    losses = learn_regression(
        model,
        tasks,
        iterations=params.iterations,
        batch=params.batch,
        learning_rate=params.learning_rate,
        rng=rng,
        progress=progress,
    )
    if kept is not None:
        write_tensors(kept, {**dict(model.named_parameters()), "losses": torch.from_numpy(losses)}, {})
    return model, losses


def _sizes(params: Params) -> InContextParams:
    return InContextParams(
        d=params.toy_d,
        n_points=params.n_points,
        n_layers=params.n_layers,
        n_heads=params.n_heads,
        width=params.width,
    )


def _head(kind: str, spikes: int, params: Params, ctx: RunContext, gradient: bool = False) -> SpikingHead:
    return SpikingHead(
        params.row_circuit(),
        spikes=spikes,
        mode="sampled" if kind == "sampled" else "simulated",
        engine=ctx.engine,
        seed=int(ctx.rng.integers(2**31)),
        gradient=gradient,
    )


def _errors(model: InContextRegressor, asked: Examples) -> np.ndarray:
    """Squared error / d of every answer."""
    with torch.no_grad():
        predicted = model(asked).double().numpy()
    return (predicted - asked.y) ** 2 / asked.x.shape[2]


def _least_squares_errors(asked: Examples) -> np.ndarray:
    """The same of least squares on the examples before."""
    predicted = [
        least_squares(Examples(asked.x[:, :k], asked.y[:, :k]), asked.x[:, k])
        for k in range(asked.y.shape[1])
    ]
    return (np.stack(predicted, axis=1) - asked.y) ** 2 / asked.x.shape[2]


def _tunings(model: InContextRegressor, params: Params, tasks: LinearTasks, ctx: RunContext) -> list[Tuning]:
    """The trained model and a fresh one, components of their tokens in another order, with every kind of head."""
    order, tunings = np.roll(np.arange(params.toy_d + 1), 1), []
    seed = int(ctx.rng.integers(2**31))
    for heads in ("softmax", *params.heads):
        for start in ("pretrained", "fresh"):
            tuned = InContextRegressor(_sizes(params), np.random.default_rng(seed))
            if start == "pretrained":
                tuned = deepcopy(model)
            head = None if heads == "softmax" else _head(heads, params.tune_spikes, params, ctx, True)
            with (
                ctx.progress.stage(f"tune {start}, {heads}", share=0.04) as progress,
                nullcontext() if head is None else swap(tuned, head=head),
            ):
                errors = learn_regression(
                    tuned,
                    tasks,
                    iterations=params.tune_iterations,
                    batch=params.batch,
                    learning_rate=params.learning_rate,
                    rng=np.random.default_rng(seed + 1),  # the same batches for all
                    order=order,
                    curriculum=False,
                    progress=progress,
                )
            tunings.append(Tuning(start=start, heads=heads, errors=errors))
    return tunings
