"""Trainings of readers whose heads may read k variables, all of them, or those that a circuit selects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bridge.heads.first_keys import FirstKeys
from pragmatic.machines.slot_reader import SlotReader
from pragmatic.tasks.factors import FactorGraph
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import spiking_map

if TYPE_CHECKING:
    from scenarios.sparse_factors import Params

__all__ = ["Learnt", "Results", "learnt", "most_counted", "narrowed"]

DIM, HIDDEN = 8, 16
LEARNING_RATE, DECAY = 2e-2, 1e-3
MOST_SPIKES = 256  # of a row that waits for its k-th key
NARROWING = 0.6  # of the iterations, over which k falls from all to its end

Pick = Callable[[Tensor, int], Tensor | None]  # scores (G, H, n, n), k -> which keys are read, None for all


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """How one kind of head predicts, and what it reads."""

    accuracy: np.ndarray  # (n_seeds, n_samples)
    precision: np.ndarray  # (n_seeds, n_samples) of the pairs that are read, nan if none is
    recall: np.ndarray  # (n_seeds, n_samples) of the true pairs


@dataclass(frozen=True, kw_only=True)
class Results:
    """What was measured."""

    kinds: dict[str, Learnt]
    swapped: dict[
        tuple[str, int], np.ndarray
    ]  # (selection, spikes; of "first" times colder) -> (n_seeds,) accuracy
    best: np.ndarray  # (n_seeds,) accuracy of the true conditional probabilities
    weights: dict[str, np.ndarray]  # kind -> (n, n) weights of the first graph, most samples
    graph: FactorGraph  # the first


@dataclass(frozen=True, kw_only=True)
class _Data:
    """Samples for G = n_seeds x n_samples models, and the true edges."""

    train: Tensor  # (G, most, n)
    sizes: np.ndarray  # (G,) of them that a model sees
    test: Tensor  # (G, held_out, n)
    edges: Tensor  # (G, n, n) bool


def learnt(params: Params, ctx: RunContext) -> Results:
    """Train every kind on the same samples, from the same first weights."""
    graphs = [
        FactorGraph.drawn(params.variables, params.factors, params.strength, ctx.rng)
        for _ in range(params.seeds)
    ]
    data = _drawn(params, graphs, ctx.rng)
    source = int(ctx.rng.integers(2**31))
    picks, kinds, weights, readers = _picks(params, data, ctx), {}, {}, {}
    for at, (kind, pick) in enumerate(picks.items()):
        reader = _trained(params, data, pick, source, at_once=kind == "at once")
        kinds[kind], weights[kind] = _measured(params, data, reader, pick)
        readers[kind] = reader
        ctx.progress((at + 1) / (len(picks) + 1))
    return Results(
        kinds=kinds,
        swapped=_swapped(params, data, readers["top"], ctx),
        best=np.array([_best(graph, ctx.rng) for graph in graphs]),
        weights=weights,
        graph=graphs[0],
    )


def _drawn(params: Params, graphs: list[FactorGraph], rng: np.random.Generator) -> _Data:
    each, most = len(params.samples), params.samples[-1]

    def samples(n: int) -> Tensor:
        drawn = np.stack([graph.draw(n, rng) for graph in graphs])
        return torch.from_numpy(drawn).float().repeat_interleave(each, dim=0)

    edges = torch.from_numpy(np.stack([graph.edges for graph in graphs])).repeat_interleave(each, dim=0)
    sizes = np.tile(params.samples, len(graphs))
    return _Data(train=samples(most), sizes=sizes, test=samples(params.held_out), edges=edges)


def _picks(params: Params, data: _Data, ctx: RunContext) -> dict[str, Pick]:
    """How each kind of head chooses what it reads."""
    others = ~torch.eye(params.variables, dtype=torch.bool)
    shape = (len(data.sizes), params.reading_heads, params.variables, params.variables)
    lots = torch.from_numpy(ctx.rng.random(shape)).masked_fill(~others, -1)
    picks: dict[str, Pick] = {
        "all": lambda scores, k: None,
        "top": _top,
        "at once": _top,
        "random": lambda scores, k: _top(lots, params.top),
        "true": lambda scores, k: data.edges[:, None].expand(shape) | _alone(data.edges)[:, None],
    }
    if "spiking" in params.heads:
        picks["first"] = partial(_first, params, ctx)
        picks["counts"] = partial(_counted, params, ctx, ("spiking", params.spikes))
    if "sampled" in params.heads:
        picks["sampled"] = partial(_counted, params, ctx, ("sampled", params.spikes))
    return picks


def _alone(edges: Tensor) -> Tensor:
    """Variables without a neighbour may read all others, (G, n, n)."""
    itself = torch.eye(edges.shape[-1], dtype=torch.bool)
    return ~edges.any(-1, keepdim=True) & ~itself


def _top(scores: Tensor, k: int) -> Tensor:
    return scores >= scores.topk(k, dim=-1).values[..., -1:]


def _first(params: Params, ctx: RunContext, scores: Tensor, k: int, *, times: int = 1) -> Tensor:
    """The first k distinct keys to spike, in a race so many times colder."""
    select = FirstKeys(params.row_circuit(), k, ctx.rng, ctx.engine, most_spikes=MOST_SPIKES)
    return select(scores.detach() * times, scores > -torch.inf)


def _counted(params: Params, ctx: RunContext, reader: tuple[str, int], scores: Tensor, k: int) -> Tensor:
    """The k keys with most of the spikes."""
    shares = spiking_map(params.row_circuit(), reader, ctx)(scores.detach())
    return most_counted(shares, k, ctx.rng)


def most_counted(shares: Tensor, k: int, rng: np.random.Generator) -> Tensor:
    """Choose the k keys with the largest share of spikes, ties by lot; keys without a spike are not chosen.

    A row that stayed silent chooses by lot among all that it could.
    """
    lots = torch.from_numpy(rng.random(shares.shape)).to(shares.dtype) * 1e-6
    silent = shares.sum(-1, keepdim=True) == 0
    others = ~torch.eye(shares.shape[-1], dtype=torch.bool)
    return _top(shares + lots, k) & ((shares > 0) | (silent & others))


def narrowed(step: int, n_steps: int, most: int, least: int) -> int:
    """Keys that are read at a step: all at first, falling evenly to `least` over the first part of the training."""
    done = min(1.0, step / (NARROWING * n_steps))
    return max(least, round(most - (most - least) * done))


def _trained(params: Params, data: _Data, pick: Pick, source: int, *, at_once: bool) -> SlotReader:
    G, n = len(data.sizes), params.variables
    first = np.random.default_rng([source, 0])
    reader = SlotReader(G, n, params.reading_heads, DIM, HIDDEN, first)
    optimizer = torch.optim.AdamW(reader.parameters(), LEARNING_RATE, weight_decay=DECAY)
    rng = np.random.default_rng([source, 1])
    for step in range(params.iterations):
        k = params.top if at_once else narrowed(step, params.iterations, n - 1, params.top)
        chosen = (rng.random((G, params.batch)) * data.sizes[:, None]).astype(np.int64)
        x = torch.gather(data.train, 1, torch.from_numpy(chosen)[..., None].expand(-1, -1, n))
        logits = reader(x, reader.weights(pick(reader.masked(), k)))
        # models add up: each has its own parameters
        loss = functional.binary_cross_entropy_with_logits(logits, (x > 0).float(), reduction="none")
        optimizer.zero_grad()
        loss.mean((1, 2)).sum().backward()
        optimizer.step()
    return reader


@torch.no_grad()
def _measured(params: Params, data: _Data, reader: SlotReader, pick: Pick) -> tuple[Learnt, np.ndarray]:
    """Accuracy, and the edges that are read: weights above those of a head that reads all alike."""
    shape = (params.seeds, len(params.samples))
    right, total = torch.zeros(len(data.sizes)), torch.zeros(())
    for _ in range(params.draws):
        weights = reader.weights(pick(reader.masked(), params.top))
        right += ((reader(data.test, weights) > 0) == (data.test > 0)).float().mean((1, 2))
        total = total + weights
    mean = (total / params.draws).amax(dim=1)  # (G, n, n), of the head that reads most
    read = mean > 1 / (params.variables - 1) + 1e-6
    hits, n_read = (read & data.edges).sum((1, 2)), read.sum((1, 2))
    precision = torch.where(n_read > 0, hits / n_read.clamp(min=1), torch.nan)
    recall = hits / data.edges.sum((1, 2)).clamp(min=1)
    done = [of.view(shape).numpy() for of in (right / params.draws, precision, recall)]
    learnt = Learnt(accuracy=done[0], precision=done[1], recall=done[2])
    return learnt, mean[shape[1] - 1].numpy()


@torch.no_grad()
def _swapped(
    params: Params, data: _Data, reader: SlotReader, ctx: RunContext
) -> dict[tuple[str, int], np.ndarray]:
    """Put circuits into the head that learnt with top-k: accuracy with most samples."""
    picks: dict[tuple[str, int], Pick] = {}
    if "spiking" in params.heads:
        for times in params.colder:
            picks["first", times] = partial(_first, params, ctx, times=times)
        picks |= {("spiking", n): partial(_counted, params, ctx, ("spiking", n)) for n in params.budgets}
    if "sampled" in params.heads:
        picks |= {("sampled", n): partial(_counted, params, ctx, ("sampled", n)) for n in params.budgets}
    last = len(params.samples) - 1
    return {name: _measured(params, data, reader, pick)[0].accuracy[:, last] for name, pick in picks.items()}


def _best(graph: FactorGraph, rng: np.random.Generator, n: int = 4000) -> float:
    x = graph.draw(n, rng)
    return float(((graph.log_odds(x) > 0) == (x > 0)).mean())
