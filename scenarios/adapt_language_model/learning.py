"""Next-token learning of an adapter with any attention in the model, kept as it goes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.checkpoint import read_tensors, write_tensors
from pragmatic.training.train import TrainParams, learning_rate
from scenarios.adapt_language_model.adapter import Adapter
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.reading import Trial

__all__ = ["Learnt", "Plan", "learn"]

KEPT_EVERY = 10  # steps


@dataclass
class Learnt:
    """What one arm has learnt so far."""

    losses: list[float] = field(default_factory=list)  # nat a token, of each batch before its step
    seconds: list[float] = field(default_factory=list)  # of each step
    stages: dict[int, dict[str, Tensor]] = field(default_factory=dict)  # steps done -> the adapter then


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What every arm shares."""

    windows: Tensor  # (n_windows, length) int64
    rates: TrainParams
    stages: tuple[int, ...]  # steps after which the adapter is kept to be measured
    base: int  # fixes the order of the windows and every step's noise
    own: bool  # whether the targets are what the model itself predicts by softmax, instead of the text

    def batch(self, step: int) -> Tensor:
        """The windows of a step, (batch_size, length): each is read before any is read again."""
        n, size = len(self.windows), self.rates.batch_size
        places = range(step * size, (step + 1) * size)
        return self.windows[[int(self._order(place // n)[place % n]) for place in places]]

    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.base, 0, epoch]).permutation(len(self.windows))


def learn(model: Any, adapter: Adapter, trial: Trial, plan: Plan, ctx: RunContext) -> Learnt:
    """Learn from the start with the heads of one trial in the model; the same plan gives the same batches.

    The noise of a step depends on its number alone, so that an interrupted training ends with the same weights.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    adapter : Adapter
        Inside the model.
    trial : Trial
        Heads that hand back a gradient.
    plan : Plan
    ctx : RunContext
        Its checkpoint takes the trial's label.

    Raises
    ------
    ValueError
        For a loss that is not finite.
    """
    kept, learnt = ctx.checkpoint(f"learn-{trial.label.replace(' ', '-')}"), Learnt()
    adapter.put(adapter.start)
    rates = plan.rates
    optimizer = torch.optim.AdamW(
        adapter.parameters.values(), betas=(rates.beta1, rates.beta2), weight_decay=rates.weight_decay
    )
    if kept is not None and kept.exists():
        learnt = _restored(kept, adapter, optimizer, plan)
    for step in range(len(learnt.losses), rates.n_iterations):
        began = time.perf_counter()
        learnt.losses.append(_step(model, adapter, optimizer, trial, plan, step))
        learnt.seconds.append(time.perf_counter() - began)
        if step + 1 in plan.stages:
            learnt.stages[step + 1] = adapter.tensors()
        if kept is not None and ((step + 1) % KEPT_EVERY == 0 or step + 1 == rates.n_iterations):
            _keep(kept, adapter, optimizer, learnt, plan)
        recent = float(np.mean(learnt.losses[-KEPT_EVERY:]))
        ctx.progress((step + 1) / rates.n_iterations, f"{trial.label} in the loop: loss {recent:.3f}")
    return learnt


def _step(
    model: Any,
    adapter: Adapter,
    optimizer: torch.optim.Optimizer,
    trial: Trial,
    plan: Plan,
    step: int,
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, plan.rates)
    batch = plan.batch(step)  # (B, T)
    targets = batch[:, 1:].flatten()
    if plan.own:
        with torch.no_grad(), adapter.left_out():
            targets = _logits(model, batch).flatten(0, 1).softmax(-1)  # (B (T - 1), n_vocab)
    with trial.placed(model, np.random.default_rng([plan.base, 1, step])):
        logits = _logits(model, batch)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets)
        optimizer.zero_grad()
        loss.backward()
    value = float(loss.detach())
    if not np.isfinite(value):
        raise ValueError(
            f"loss must be finite, got {value} at step {step}; use a lower learning_rate than "
            f"{plan.rates.learning_rate:g}"
        )
    nn.utils.clip_grad_norm_(adapter.parameters.values(), plan.rates.max_gradient)
    optimizer.step()
    return value


def _logits(model: Any, batch: Tensor) -> Tensor:
    """Of every next token, (B, T - 1, n_vocab)."""
    return model(batch, use_cache=False).logits[:, :-1].float()


def _keep(path: Path, adapter: Adapter, optimizer: torch.optim.Optimizer, learnt: Learnt, plan: Plan) -> None:
    tensors: dict[str, Tensor] = {f"now/{name}": tensor for name, tensor in adapter.parameters.items()}
    for name, parameter in adapter.parameters.items():
        tensors |= {f"{slot}/{name}": value for slot, value in optimizer.state[parameter].items()}
    for stage, then in learnt.stages.items():
        tensors |= {f"{stage}/{name}": tensor for name, tensor in then.items()}
    measured = {"losses": learnt.losses, "seconds": learnt.seconds}
    write_tensors(path, tensors, {"base": plan.base, "stages": list(learnt.stages), "measured": measured})


def _restored(path: Path, adapter: Adapter, optimizer: torch.optim.Optimizer, plan: Plan) -> Learnt:
    """Go on where an interrupted run of the same plan was; from the start if it was another one."""
    tensors, about = read_tensors(path, {"base": int, "stages": list, "measured": dict})
    if about["base"] != plan.base:
        return Learnt()
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        slot, _, rest = name.partition("/")
        parts.setdefault(slot, {})[rest] = tensor
    adapter.put(parts.pop("now"))
    stages = {stage: parts.pop(str(stage)) for stage in about["stages"]}
    for name, parameter in adapter.parameters.items():
        optimizer.state[parameter] = {slot: named[name] for slot, named in parts.items()}
    return Learnt(**about["measured"], stages=stages)
