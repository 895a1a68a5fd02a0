"""One training loop: AdamW, a cosine schedule, regular evaluation, and checkpoints that resume exactly."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from torch import Tensor, nn

from pragmatic.checks import at_least, check_rng, shown, within
from pragmatic.tasks.batch import Batch, Task
from pragmatic.training.evaluation import Evaluation, evaluate, token_losses
from pragmatic.training.state import TrainState, heads_state, identity_of, restore_heads
from pragmatic.transformer import Transformer

__all__ = ["TrainParams", "TrainResult", "learning_rate", "start", "step", "train"]

_SMOOTHED = 20  # iterations whose mean loss is shown


@dataclass(frozen=True, kw_only=True)
class TrainParams:
    """How to train. The defaults are nanoGPT's for characters on a CPU, without dropout."""

    n_iterations: int = 2000
    batch_size: int = 12
    learning_rate: float = 1e-3  # at the end of the warm-up
    min_learning_rate: float = 1e-4  # at the end of the training
    n_warmup: int = 100  # iterations of linear rise
    weight_decay: float = 0.1  # of matrices alone
    beta1: float = 0.9
    beta2: float = 0.99
    max_gradient: float = 1.0  # norm to which a larger gradient is scaled
    evaluate_every: int = 500  # iterations; evaluated at the end too
    n_held_out: int = 512  # sequences to evaluate on
    checkpoint_every: int = 200  # iterations

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name in ("n_iterations", "batch_size", "evaluate_every", "n_held_out", "checkpoint_every"):
            at_least(owner, name, getattr(self, name), 1)
            object.__setattr__(self, name, int(getattr(self, name)))  # a small NumPy integer would overflow
        at_least(owner, "n_warmup", self.n_warmup, 0)
        within(owner, "learning_rate", self.learning_rate, 1e-12, 1e3)
        within(owner, "min_learning_rate", self.min_learning_rate, 0.0, self.learning_rate)
        within(owner, "weight_decay", self.weight_decay, 0.0, 1e3)
        within(owner, "beta1", self.beta1, 0.0, 1.0 - 1e-9)
        within(owner, "beta2", self.beta2, 0.0, 1.0 - 1e-9)
        within(owner, "max_gradient", self.max_gradient, 1e-12, 1e12)


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """Losses, times and evaluations of a training; the weights are in the model."""

    losses: np.ndarray  # (n_iterations,) nats, of each batch before its step
    seconds: np.ndarray  # (n_iterations,) of training until the end of each step, evaluation left out
    evaluations: tuple[Evaluation, ...]  # the first before training, the last after it

    @property
    def final(self) -> Evaluation:
        """After the last step."""
        return self.evaluations[-1]


def learning_rate(iteration: int, params: TrainParams) -> float:
    """Linear rise over the warm-up, then half a cosine down to the smallest.

    Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts, ICLR.
    """
    if iteration < params.n_warmup:
        return params.learning_rate * (iteration + 1) / (params.n_warmup + 1)
    done = (iteration - params.n_warmup) / max(1, params.n_iterations - params.n_warmup)
    span = params.learning_rate - params.min_learning_rate
    return params.min_learning_rate + 0.5 * (1.0 + math.cos(math.pi * done)) * span


def train(
    model: Transformer,
    task: Task,
    params: TrainParams,
    *,
    rng: np.random.Generator,
    checkpoint: str | Path | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> TrainResult:
    """Train the model in place.

    Parameters
    ----------
    model : Transformer
    task : Task
    params : TrainParams
    rng : numpy.random.Generator
        Draws the batches.
    checkpoint : path-like, optional
        A file to go on from if it exists, and to write now and then and on Ctrl-C. The same call, with `rng`
        as it was, then ends with the same weights, bit for bit, as one never interrupted (on one machine with
        as many threads). Heads that keep a state are saved with it, see `pragmatic.training.state.Remembering`.
    progress : callable, optional
        Called with the fraction done and a label that shows the loss.

    Returns
    -------
    TrainResult

    Raises
    ------
    ValueError
        A task that does not fit the model, a checkpoint of another training, a loss, gradient or activation
        that is not finite.
    KeyboardInterrupt
        On Ctrl-C; with a checkpoint only after the current step is saved, and the message says how to resume.
    """
    if not isinstance(params, TrainParams):
        raise TypeError(f"params must be TrainParams, got {shown(params)}; use TrainParams()")
    state = start(model, task, params, rng=rng)
    held_out = task.held_out(params.n_held_out)
    path = None if checkpoint is None else Path(checkpoint)
    identity = identity_of(model, task, asdict(params), rng) if path is not None else {}
    if path is not None and path.exists():
        state.restore(path, identity)
    with _ctrl_c(deferred=path is not None) as pressed:
        while state.iteration < params.n_iterations and not pressed:
            if state.iteration % params.evaluate_every == 0:
                _evaluate(state, held_out)
            step(state, task, params)
            last = state.iteration == params.n_iterations
            if last:
                _evaluate(state, held_out)
            if path is not None and (last or state.iteration % params.checkpoint_every == 0):
                state.save(path, identity)
            if progress is not None:
                progress(state.iteration / params.n_iterations, _label(state))
        if path is not None and pressed:
            state.save(path, identity)
            raise KeyboardInterrupt(
                f"stopped after iteration {state.iteration} of {params.n_iterations}; "
                f"the same call resumes from {path}"
            )
    return TrainResult(
        losses=np.array(state.losses),
        seconds=np.array(state.seconds),
        evaluations=tuple(state.evaluations),
    )


def start(model: Transformer, task: Task, params: TrainParams, *, rng: np.random.Generator) -> TrainState:
    """A training before its first step; ValueError for a task that does not fit the model."""
    if not isinstance(model, Transformer):
        raise TypeError(f"model must be a Transformer, got {shown(model)}; build one with TransformerParams")
    check_rng(rng)
    _check_fit(model, task)
    return TrainState(model, _adamw(model, params), rng)


def step(state: TrainState, task: Task, params: TrainParams) -> None:
    """One batch, one step; `train` is nothing but these, with evaluations between them."""
    started = time.perf_counter()
    rate = learning_rate(state.iteration, params)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    tokens, targets = task.batch(params.batch_size, state.rng)
    loss = token_losses(state.model(tokens), targets, reduction="mean")
    _check_finite("loss", loss, state, params)
    state.optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(state.model.parameters(), params.max_gradient)
    _check_finite("the norm of the gradient", norm, state, params)
    state.optimizer.step()
    before = state.seconds[-1] if state.seconds else 0.0
    state.losses.append(loss.item())
    state.seconds.append(before + time.perf_counter() - started)


def _evaluate(state: TrainState, held_out: Batch) -> None:
    """Evaluate, and restore the state of the heads."""
    before = heads_state(state.model)
    state.evaluations.append(replace(evaluate(state.model, held_out), iteration=state.iteration))
    restore_heads(state.model, before)


def _adamw(model: Transformer, params: TrainParams) -> torch.optim.Optimizer:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    others = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": params.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        betas=(params.beta1, params.beta2),
        fused=True,
    )


def _label(state: TrainState) -> str:
    recent = state.losses[-_SMOOTHED:]
    return f"train: loss {sum(recent) / len(recent):.3f}, held out {state.evaluations[-1].loss:.3f}"


def _check_finite(what: str, value: Tensor, state: TrainState, params: TrainParams) -> None:
    if not bool(value.isfinite()):
        before = f"{state.losses[-1]:.3g}" if state.losses else "none"
        raise ValueError(
            f"{what} must be finite, got {value.item()} in iteration {state.iteration} (loss before: {before}); "
            f"use a lower learning_rate than {params.learning_rate:g} or a longer n_warmup"
        )


def _check_fit(model: Transformer, task: Task) -> None:
    if isinstance(task, type) or not all(
        hasattr(task, name) for name in ("length", "n_vocab", "needs_causal", "batch")
    ):
        raise TypeError(f"task must be a Task, got {shown(task)}; make one of TASKS, such as TASKS['sort']()")
    params = model.params
    if task.length > params.n_context:
        raise ValueError(
            f"a sequence must not be longer than the model's context of {params.n_context} tokens, "
            f"got {task.length} from {task!r}; make the task shorter, or the model's n_context longer"
        )
    if task.n_vocab > params.n_vocab:
        raise ValueError(
            f"the model's n_vocab must be at least the task's {task.n_vocab}, got {params.n_vocab}; "
            "build the model with the task's n_vocab"
        )
    if task.needs_causal and not params.causal:
        raise ValueError(
            f"TransformerParams.causal must be True for {task!r}, got False; an encoder reads its targets off"
        )


@contextmanager
def _ctrl_c(*, deferred: bool) -> Iterator[list[int]]:
    """Yield a list that Ctrl-C fills, if deferred; a second Ctrl-C interrupts at once."""
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    if not deferred or threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
