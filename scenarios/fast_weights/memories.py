"""Memories that overwrite: Hebb and delta rule, columns by softmax or spikes, and tasks that share columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pragmatic.machines.fast_weights import read, write
from pragmatic.score_maps import ScoreMap, TopK

if TYPE_CHECKING:
    from scenarios.fast_weights import Params

__all__ = ["Draws", "Gate", "Tasks", "best", "forgotten", "overwritten"]

Gate = Callable[[Tensor], Tensor]  # scores (B, n_columns) -> bool, which columns a task has


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Keys that get values again and again, in random order; only the last value counts."""

    keys: Tensor  # (B, n_keys, dim), unit vectors
    order: Tensor  # (B, n_writes) which key is written
    values: Tensor  # (B, n_writes)
    columns: Tensor  # (B, n_columns, dim) directions; a key's score on a column is their product

    @classmethod
    def of(cls, params: Params, n_keys: int, rng: np.random.Generator) -> Draws:
        """Draw `writes` values for each key."""
        n, total = params.memories, n_keys * params.writes
        order = np.argsort(rng.random((n, total)), axis=1) % n_keys
        return cls(
            keys=_units(rng, n, n_keys, params.dim),
            order=torch.from_numpy(order),
            values=torch.from_numpy(rng.integers(params.n_values, size=(n, total))),
            columns=torch.from_numpy(rng.normal(size=(n, params.columns, params.dim))),
        )

    def last(self) -> Tensor:
        """Read the last value of each key off the order, (B, n_keys)."""
        last = torch.zeros(self.keys.shape[:2], dtype=torch.long)
        for key, value in zip(self.order.T, self.values.T, strict=True):
            last[torch.arange(len(last)), key] = value
        return last

    def scores(self, sharpness: float) -> Tensor:
        """Score every key on every column, (B, n_keys, n_columns)."""
        return sharpness * self.keys @ self.columns.transpose(1, 2)


def overwritten(
    params: Params, draws: Draws, rule: str, score_map: ScoreMap | None = None, *, shared: bool = False
) -> np.ndarray:
    """Write all values and ask for the last one of every key: the share that is right, (n_memories,).

    Parameters
    ----------
    params : Params
    draws : Draws
    rule : {"hebb", "delta"}
        Add the value, or what it lacks of what the key reads.
    score_map : ScoreMap, optional
        Makes columns of a key's scores; without it the key itself is the feature, of `dim` columns.
    shared : bool
        Whether a write uses the columns of its own read, in place of columns drawn anew.
    """
    scores = draws.keys if score_map is None else draws.scores(params.sharpness)
    columns: Callable[[Tensor], Tensor] = (lambda s: s) if score_map is None else score_map
    one_hot, rows = torch.eye(params.n_values, dtype=torch.float64), torch.arange(len(scores))
    matrix = torch.zeros(len(scores), params.n_values, scores.shape[-1], dtype=torch.float64)
    for key, value in zip(draws.order.T, draws.values.T, strict=True):
        matrix = _written(matrix, scores[rows, key], one_hot[value], columns, rule, shared=shared)
    answer = (columns(scores) @ matrix.transpose(1, 2)).argmax(dim=-1)
    return np.asarray((answer == draws.last()).double().mean(dim=1).numpy())


def _written(
    matrix: Tensor,
    scores: Tensor,
    value: Tensor,
    columns: Callable[[Tensor], Tensor],
    rule: str,
    *,
    shared: bool = False,
) -> Tensor:
    """Write once, divided by the squared length of the feature: the delta rule then fills the whole gap."""
    had, anew = columns(torch.stack([scores, scores])).unbind()
    written = had if shared else anew
    lacks = value if rule == "hebb" else value - read(matrix, had)
    return write(matrix, lacks / (written**2).sum(dim=-1, keepdim=True).clamp(min=1e-9), written)


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """Recall of tasks that give the same keys other values, learnt one by one; (n_memories,) each."""

    fresh: np.ndarray  # of the first task, right after it was learnt
    first: np.ndarray  # of the first task, after the last one
    all: np.ndarray  # of all tasks, after the last one


def forgotten(
    params: Params,
    n_tasks: int,
    score_map: ScoreMap,
    gate: Gate | str,
    rng: np.random.Generator,
    *,
    keeps: bool = False,
) -> Tasks:
    """Learn tasks one by one, and ask for all.

    Parameters
    ----------
    params : Params
    n_tasks : int
    score_map : ScoreMap
        Makes columns of scores, among those that the gate leaves.
    gate : callable or {"none", "added"}
        Takes a task's scores on the columns to those it may use; it is asked anew at every visit of a task. "none":
        every task has all columns; "added": it has all, and a key's scores are added to the task's.
    rng : numpy.random.Generator
    keeps : bool
        Whether a task keeps the columns of its first visit.
    """
    n, pairs, dim = params.task_memories, params.pairs, params.dim
    keys, contexts = _units(rng, n, pairs, dim), _units(rng, n, n_tasks, dim)
    values = torch.from_numpy(rng.integers(params.n_values, size=(n, n_tasks, pairs)))
    directions = [torch.from_numpy(rng.normal(size=(n, params.columns, dim))) for _ in range(2)]
    scores = params.sharpness * keys @ directions[0].transpose(1, 2)  # (B, pairs, columns)
    of_task = params.gate_sharpness * contexts @ directions[1].transpose(1, 2)  # (B, tasks, columns)
    one_hot = torch.eye(params.n_values, dtype=torch.float64)
    matrix = torch.zeros(n, params.n_values, params.columns, dtype=torch.float64)

    masks: dict[int, Tensor] = {}

    def visit(task: int) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        added = (
            scores + of_task[:, task, None] / params.gate_sharpness * params.sharpness
            if gate == "added"
            else scores
        )
        if isinstance(gate, str):
            return added, score_map
        if not (keeps and task in masks):
            masks[task] = gate(of_task[:, task])  # (B, columns)
        mask = masks[task]
        return added, lambda s: score_map(s, mask if s.shape[-2] == n else mask[:, None])

    def recalled(task: int) -> Tensor:
        its, columns = visit(task)
        answer = (columns(its) @ matrix.transpose(1, 2)).argmax(dim=-1)
        return (answer == values[:, task]).double().mean(dim=1)

    fresh = torch.zeros(n)
    for task in range(n_tasks):
        its, columns = visit(task)
        for key in np.concatenate([rng.permutation(pairs) for _ in range(params.writes)]):
            matrix = _written(matrix, its[:, key], one_hot[values[:, task, key]], columns, "delta")
        fresh = recalled(0) if task == 0 else fresh
    ended = torch.stack([recalled(task) for task in range(n_tasks)])
    return Tasks(fresh=fresh.numpy(), first=ended[0].numpy(), all=ended.mean(dim=0).numpy())


def best(k: int) -> Gate:
    """Take the k columns of the highest scores."""
    return lambda scores: TopK(k=k)(scores) > 0


def _units(rng: np.random.Generator, *shape: int) -> Tensor:
    vectors = rng.normal(size=shape)
    return torch.from_numpy(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
