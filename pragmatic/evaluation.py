"""How well a model does on held-out sequences, with the standard error of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pragmatic.batch import IGNORED, Batch
from pragmatic.transformer import Transformer

__all__ = ["Evaluation", "evaluate", "token_losses"]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Means over sequences of each one's mean over its targets, with their standard errors.

    The errors take the sequences as independent; nan for a single one.
    """

    loss: float  # nats a target
    loss_se: float
    accuracy: float  # share of targets whose logit is the largest
    accuracy_se: float
    n_sequences: int
    iteration: int | None = None  # steps of training before it, where it is part of one


def evaluate(model: Transformer, batch: Batch, *, batch_size: int = 64) -> Evaluation:
    """Loss and accuracy on sequences, batch_size at a time, without gradients.

    Raises
    ------
    ValueError
        A sequence without targets, or what the model refuses.
    """
    asked = (batch.targets != IGNORED).sum(-1)  # (B,)
    if not bool((asked > 0).all()):
        raise ValueError("every sequence must have a target, got one without; drop it")
    losses, hits = [], []
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for tokens, targets in zip(*(part.split(batch_size) for part in batch), strict=True):
                logits = model(tokens)  # (B, T, V)
                losses.append(token_losses(logits, targets, reduction="none").view(targets.shape).sum(-1))
                hits.append((logits.argmax(-1) == targets).sum(-1))
    finally:
        model.train(was_training)
    loss, loss_se = _mean_and_error(torch.cat(losses) / asked)
    accuracy, accuracy_se = _mean_and_error(torch.cat(hits) / asked)
    return Evaluation(
        loss=loss, loss_se=loss_se, accuracy=accuracy, accuracy_se=accuracy_se, n_sequences=len(asked)
    )


def token_losses(logits: Tensor, targets: Tensor, *, reduction: str) -> Tensor:
    """Cross-entropy in nats of logits (B, T, V) against targets (B, T), those that are IGNORED left out."""
    return functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction=reduction
    )


def _mean_and_error(values: Tensor) -> tuple[float, float]:
    values = values.double()
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return values.mean().item(), error
