"""Depth that a network learns to choose: parity by a Universal Transformer that halts, with heads that spike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import softmax, xlogy

from bridge import SpikingHead, swap
from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.machines.pondering import Ponderer, PonderParams, learn
from pragmatic.tasks.parity import Parity
from scenarios.workbench.minilm import minilm_heads
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, mean, rank_correlation
from spiking import Budget

if TYPE_CHECKING:
    from scenarios.adaptive_depth import Params

__all__ = ["Attention", "Ponder", "Thought", "measure_attention", "measure_ponder", "spiking_head"]

MOST_PER_LEAD = 32  # spikes after which a row of many keys without a leader stops, over theta


@dataclass(frozen=True, kw_only=True)
class Thought:
    """Answers to sequences of each number of signs."""

    right: np.ndarray  # (n_signs, n_sequences) probability of a right answer
    steps: np.ndarray  # (n_signs, n_sequences) expected steps
    stopped: np.ndarray  # (most_steps, n_signs) accuracy if all stopped after the same step
    spikes: float  # per row of attention, nan without spikes

    def accuracy(self, rows: slice = slice(None)) -> Estimate:
        """Mean over sequences of some numbers of signs."""
        return mean(self.right[rows].ravel())

    def along(self, of: str) -> list[Estimate]:
        """The mean for each number of signs."""
        return [mean(row) for row in getattr(self, of)]


@dataclass(frozen=True, kw_only=True)
class Ponder:
    """One way to halt, trained, with each kind of head."""

    halting: str
    levels: np.ndarray  # (iterations,) most signs shown in training
    thoughts: Mapping[str, Thought]  # kind of head

    @property
    def softmax(self) -> Thought:
        return self.thoughts["softmax"]

    def fixed_depth(self) -> tuple[int, float]:
        """The step nearest to the mean depth, and the accuracy if every sequence stopped after it."""
        step = max(1, round(float(self.softmax.steps.mean())))
        return step, float(self.softmax.stopped[step - 1].mean())


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Rows of a trained model's attention, each run until one key leads."""

    entropy: np.ndarray  # (n_rows,) nats
    spikes: np.ndarray  # (n_rows,)
    unfinished: float  # fraction of rows that no key led when they were stopped
    rank: Estimate  # correlation of the two
    fixed_spikes: int  # of a budget of as many spikes in the mean
    error: Mapping[str, Estimate]  # "lead" and "fixed": squared error of the weights
    top: Mapping[str, Estimate]  # the same: rows whose strongest key is softmax's


def measure_ponder(params: Params, ctx: RunContext) -> list[Ponder]:
    """Train a machine for each way to halt, then ask it with every kind of head."""
    ponders = []
    for halting in params.halting:
        with ctx.progress.stage(f"train, halting by {halting}", share=0.25) as progress:
            machine, levels = _trained(halting, params, ctx, progress)
        thoughts = {kind: _think(machine, kind, params, ctx) for kind in ("softmax", *params.heads)}
        if "spiking" in params.heads:
            thoughts["lead"] = _think(machine, "lead", params, ctx)
            equal = max(1, round(thoughts["lead"].spikes))
            thoughts["equal"] = _think(machine, "equal", params, ctx, spikes=equal)
        ponders.append(Ponder(halting=halting, levels=levels, thoughts=thoughts))
    return ponders


def _trained(halting: str, params: Params, ctx: RunContext, progress: object) -> tuple[Ponderer, np.ndarray]:
    """Train, or take what an interrupted run has kept."""
    sizes = PonderParams(
        n_places=params.n_places,
        most_steps=params.most_steps,
        width=params.width,
        n_heads=params.n_heads,
        halting=halting,
    )
    rng = ctx.rng.spawn(1)[0]  # so that what follows does not depend on what was kept
    machine, kept = Ponderer(sizes, rng), ctx.checkpoint(halting)
    if kept is not None and kept.exists():
        tensors, _ = read_tensors(kept, {})
        levels = tensors.pop("levels").numpy()
        put_tensors(dict(machine.named_parameters()), tensors, str(kept))
        return machine, levels
    levels = learn(
        machine,
        most_signs=params.most_signs,
        iterations=params.iterations,
        batch=params.batch,
        learning_rate=params.learning_rate,
        rng=rng,
        progress=progress,  # type: ignore[arg-type]
    )
    if kept is not None:
        write_tensors(kept, {**dict(machine.named_parameters()), "levels": torch.from_numpy(levels)}, {})
    return machine, levels


def _think(machine: Ponderer, kind: str, params: Params, ctx: RunContext, spikes: int = 0) -> Thought:
    """Ask the machine the same sequences, its heads of one kind."""
    head = None if kind == "softmax" else spiking_head(kind, params, ctx, spikes or params.spikes)
    with ctx.progress.stage(f"heads: {kind}", share=0.01):
        if head is None:
            return _answers(machine, params)
        with swap(machine, head=head):
            answered = _answers(machine, params)
        return replace(answered, spikes=head.usage.spikes / head.usage.rows)


def spiking_head(kind: str, params: Params, ctx: RunContext, spikes: int) -> SpikingHead:
    """Make a head of so many spikes a row, sampled or simulated, or of rows that end when a key leads."""
    budget = Budget(spikes=spikes)
    if kind == "lead":
        budget = Budget(lead=params.lead, spikes=MOST_PER_LEAD * params.lead)
    mode = "sampled" if kind == "sampled" else "simulated"
    seed = int(ctx.rng.integers(2**31))
    return SpikingHead(
        params.row_circuit(), budget=budget, mode=mode, engine=ctx.engine, seed=seed, gradient=False
    )


def _answers(machine: Ponderer, params: Params) -> Thought:
    """Answer the same sequences every time, as many of each number of signs."""
    task, rng, answers = Parity(n_places=params.n_places), np.random.default_rng(0x0DD), []
    with torch.no_grad():
        for n_signs in range(1, params.n_places + 1):
            tokens, odd = task.batch(params.sequences, n_signs, n_signs, rng)
            pondered = machine(tokens)
            stopped = (pondered.logits.argmax(dim=-1) == odd).double().mean(dim=1)
            answers.append([part.numpy() for part in (pondered.right(odd), pondered.steps, stopped)])
    right, steps, stopped = (np.stack(parts) for parts in zip(*answers, strict=True))
    return Thought(right=right, steps=steps, stopped=stopped.T, spikes=np.nan)


def measure_attention(params: Params, ctx: RunContext) -> Attention | None:
    """Rows of MiniLM's heads, drawn at random: run each until a key leads, and with as many spikes in the mean."""
    if params.model == "none":
        return None
    with ctx.progress.stage("read the model", share=0.03):
        scores = minilm_heads(params.text).scores
        rows = scores.reshape(-1, scores.shape[-1])
        rows = rows[ctx.rng.permutation(len(rows))[: params.model_rows]]
    weights, circuit = softmax(rows, axis=1), params.row_circuit()
    with simulation(ctx, "MiniLM, until one leads", share=0.03) as options:
        budget = Budget(lead=params.lead, spikes=MOST_PER_LEAD * params.lead)
        led = circuit.attend(rows, budget=budget, record="counts", **options).counts
    fixed_spikes = max(1, round(led.sum(axis=1).mean()))
    with simulation(ctx, "MiniLM, as many spikes each", share=0.03) as options:
        fixed = circuit.attend(rows, budget=Budget(spikes=fixed_spikes), record="counts", **options).counts
    both = {"lead": led, "fixed": fixed}
    entropy = -xlogy(weights, weights).sum(axis=1)
    return Attention(
        entropy=entropy,
        spikes=led.sum(axis=1),
        unfinished=float(_unled(led, params.lead).mean()),
        rank=rank_correlation(entropy, led.sum(axis=1), ctx.rng, n_permutations=99)[0],
        fixed_spikes=fixed_spikes,
        error={name: mean(_squared_error(counts, weights)) for name, counts in both.items()},
        top={
            name: mean((counts.argmax(axis=1) == weights.argmax(axis=1)).astype(float))
            for name, counts in both.items()
        },
    )


def _unled(counts: np.ndarray, lead: int) -> np.ndarray:
    """Rows in which no key leads the next by so many spikes."""
    best = np.partition(counts, -2, axis=1)
    return best[:, -1] - best[:, -2] < lead


def _squared_error(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return ((shares - weights) ** 2).sum(axis=1)
