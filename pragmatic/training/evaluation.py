"""How well a model does on held-out sequences, with the standard error of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pragmatic.checks import at_least, shown
from pragmatic.tasks.batch import IGNORED, Batch
from pragmatic.transformer import Transformer

__all__ = ["Evaluation", "SequenceScores", "evaluate", "score_sequences", "token_losses"]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Means over sequences of each one's mean over its targets, with their standard errors.

    The errors take the sequences as independent; nan for a single one.
    """

    loss: float  # nats per target
    loss_se: float
    accuracy: float  # share of targets whose logit is the largest
    accuracy_se: float
    n_sequences: int
    iteration: int | None = None  # training steps before it, if it is part of a training


@dataclass(frozen=True, kw_only=True)
class SequenceScores:
    """How well a model does on each sequence: means over its targets."""

    loss: np.ndarray  # (B,) nats a target
    accuracy: np.ndarray  # (B,) share of targets whose logit is the largest


def evaluate(model: Transformer, batch: Batch, *, batch_size: int = 64) -> Evaluation:
    """Loss and accuracy over sequences; errors as `score_sequences`."""
    scores = score_sequences(model, batch, batch_size=batch_size)
    loss, loss_se = _mean_and_error(scores.loss)
    accuracy, accuracy_se = _mean_and_error(scores.accuracy)
    return Evaluation(
        loss=loss, loss_se=loss_se, accuracy=accuracy, accuracy_se=accuracy_se, n_sequences=len(scores.loss)
    )


def score_sequences(
    model: Transformer,
    batch: Batch,
    *,
    batch_size: int = 64,
    progress: Callable[[float], None] | None = None,
) -> SequenceScores:
    """Loss and accuracy on each sequence, batch_size at a time, without gradients.

    Parameters
    ----------
    model : Transformer
    batch : Batch
    batch_size : int
    progress : callable, optional
        Called with the fraction of the sequences that is done.

    Raises
    ------
    ValueError
        A sequence without targets, or what the model refuses.
    """
    if not isinstance(model, Transformer):
        raise TypeError(f"model must be a Transformer, got {shown(model)}; build one with TransformerParams")
    if not isinstance(batch, Batch):
        raise TypeError(f"batch must be a Batch, got {shown(batch)}; use task.held_out(64)")
    at_least("evaluate", "batch_size", batch_size, 1)
    batch_size = int(batch_size)
    asked = (batch.targets != IGNORED).sum(-1)  # (B,)
    if not bool((asked > 0).all()):
        raise ValueError("every sequence must have a target, got one without; drop it")
    losses: list[Tensor] = []
    hits: list[Tensor] = []
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for i, (tokens, targets) in enumerate(
                zip(*(part.split(batch_size) for part in batch), strict=True), start=1
            ):
                logits = model(tokens)  # (B, T, V)
                losses.append(token_losses(logits, targets, reduction="none").view(targets.shape).sum(-1))
                hits.append((logits.argmax(-1) == targets).sum(-1))
                if progress is not None:
                    progress(min(1.0, i * batch_size / len(asked)))
    finally:
        model.train(was_training)
    return SequenceScores(
        loss=(torch.cat(losses) / asked).double().numpy(), accuracy=(torch.cat(hits) / asked).double().numpy()
    )


def token_losses(logits: Tensor, targets: Tensor, *, reduction: str) -> Tensor:
    """Cross-entropy in nats of logits (B, T, V) against targets (B, T), those that are IGNORED left out."""
    return functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction=reduction
    )


def _mean_and_error(values: np.ndarray) -> tuple[float, float]:
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return float(values.mean()), error
