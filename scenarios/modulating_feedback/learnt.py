"""Decoders with and without feedback that learn to run programs, and their answers with exact or spiking heads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pragmatic.attention import dot_product_head
from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.machines.feedback import FeedbackParams, FeedbackTransformer, GatedReader, learn_programs
from pragmatic.tasks.batch import IGNORED
from pragmatic.tasks.programs import Programs
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import Progress
from scenarios.workbench.readers import Reader
from scenarios.workbench.trainings import schedule

if TYPE_CHECKING:
    from scenarios.modulating_feedback import Params

__all__ = ["KINDS", "SPIKED", "Kind", "Learnt", "answers", "learn"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One of the models that are compared."""

    label: str
    memory: str = "none"  # as in `FeedbackParams`; "gated" for the recurrent network
    deeper: bool = False  # of twice as many layers
    longer: bool = False  # trained for more iterations

    def sizes(self, params: Params, task: Programs) -> FeedbackParams:
        """Of its network."""
        return FeedbackParams(
            n_vocab=task.n_vocab,
            n_classes=task.n_values,
            n_context=task.length,
            n_layers=params.n_layers * (2 if self.deeper else 1),
            n_heads=params.n_heads,
            width=params.width,
            memory="all" if self.memory == "gated" else self.memory,
        )


KINDS = {
    "all": Kind(label="feedback", memory="all"),
    "plain": Kind(label="plain"),
    "longer": Kind(label="plain, trained longer", longer=True),
    "deeper": Kind(label="plain, twice as deep", deeper=True),
    "last": Kind(label="memory of the last layer", memory="last"),
    "first": Kind(label="memory of the embedding", memory="first"),
    "gated": Kind(label="recurrent network", memory="gated"),
}
SPIKED = ("all", "plain")  # that are read through spikes


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """All models of one kind."""

    right: np.ndarray  # (n_seeds, n_programs, length) 1 right, 0 wrong, nan where nothing is printed
    losses: np.ndarray  # (n_seeds, n_iterations) nats a print
    seconds: np.ndarray  # (n_seeds,) of processor time
    n_parameters: int
    levels: np.ndarray  # (n_seeds, n_layers + 1) weights of the embedding and of each layer in the memory
    read: Mapping[Reader, np.ndarray]  # through spikes, (n_seeds, n_programs, length)

    @property
    def accuracy(self) -> np.ndarray:
        """Share of each program's prints, (n_seeds, n_programs)."""
        return np.nanmean(self.right, axis=2)

    def through(self, reader: Reader) -> np.ndarray:
        """The same through spikes."""
        return np.nanmean(self.read[reader], axis=2)


def learn(name: str, params: Params, base: int, ctx: RunContext) -> Learnt:
    """Train a model for each seed, on the same batches whatever the kind, and ask it the same programs."""
    kind, task, models, kept = KINDS[name], params.task, [], []
    for seed in range(params.seeds):
        with ctx.progress.stage(f"{kind.label}, model {seed + 1}", share=0.9 / params.seeds) as progress:
            model, tensors = _trained(name, params, (base, seed), ctx, progress)
        models.append(model)
        kept.append(tensors)
    read = {}
    for reader in params.readers if name in SPIKED else ():
        with ctx.progress.stage(f"{kind.label}, {reader[0]} {reader[1]}", share=0.1 / len(params.readers)):
            read[reader] = np.stack([answers(m, task, params, reader, ctx) for m in models])
    levels = [
        m.level_logits.detach().softmax(0).numpy() for m in models if isinstance(m, FeedbackTransformer)
    ]
    return Learnt(
        right=np.stack([answers(m, task, params, ("softmax", 0), ctx) for m in models]),
        losses=np.stack([tensors["losses"].numpy() for tensors in kept]),
        seconds=np.array([float(tensors["seconds"]) for tensors in kept]),
        n_parameters=sum(p.numel() for p in models[0].parameters()),
        levels=np.stack(levels) if levels else np.zeros((len(models), 0)),
        read=read,
    )


def _trained(
    name: str, params: Params, source: tuple[int, int], ctx: RunContext, progress: Progress
) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    """A model after its training with its losses, or what an interrupted run has kept of it."""
    kind, task = KINDS[name], params.task
    make = GatedReader if kind.memory == "gated" else FeedbackTransformer
    model = make(kind.sizes(params, task), np.random.default_rng([*source, 0]))
    path = ctx.checkpoint(f"{name}-{source[1]}")
    if path is not None and path.exists():
        tensors, _ = read_tensors(path, {})
        about = {part: tensors.pop(part) for part in ("losses", "seconds")}
        put_tensors(dict(model.named_parameters()), tensors, str(path))
        return model, about
    n_iterations = params.iterations * (params.longer if kind.longer else 1)
    rates = schedule(n_iterations, params.batch, params.learning_rate)
    begun = time.process_time()
    losses = learn_programs(model, task, rates, rng=np.random.default_rng([*source, 1]), progress=progress)
    seconds = time.process_time() - begun
    about = {"losses": torch.from_numpy(losses), "seconds": torch.tensor(seconds, dtype=torch.float64)}
    if path is not None:
        write_tensors(path, {**dict(model.named_parameters()), **about}, {})
    return model, about


def answers(
    model: torch.nn.Module, task: Programs, params: Params, reader: Reader, ctx: RunContext
) -> np.ndarray:
    """Which prints of the held-out programs are right, (n_programs, length), nan where nothing is printed."""
    tokens, targets = task.held_out(params.programs)
    if reader[1]:
        model.head = dot_product_head(params.source_map(*reader, ctx))  # type: ignore[assignment]
    try:
        with torch.no_grad():
            choice = model(tokens).argmax(-1)
    finally:
        if isinstance(model, FeedbackTransformer):
            model.head = None
    right = (choice == targets).double().numpy()
    return np.where(targets.numpy() == IGNORED, np.nan, right)
