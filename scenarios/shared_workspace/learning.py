"""Trainings of point readers with attention or a workspace, and circuits that choose the writers afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bridge.heads.first_keys import FirstKeys
from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.machines.shared_workspace import PointReader, SelfAttention, SharedWorkspace
from pragmatic.score_maps import ScoreMap, Softmax, TopK
from pragmatic.tasks.triangles import FEATURES, draw_triangles
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader, spiking_map

if TYPE_CHECKING:
    from scenarios.shared_workspace import Params

__all__ = ["KINDS", "Chosen", "Results", "learnt", "most_shares"]

KINDS = ("attention", "own", "top", "soft", "hard", "random")
LEARNING_RATE = 3e-3  # at its highest
MOST_SPIKES = 256  # of a row that waits for its k-th writer


@dataclass(frozen=True, kw_only=True)
class Results:
    """Shares of sets answered right."""

    kinds: dict[str, np.ndarray]  # (n_seeds, n_test)
    chosen: dict[Reader, np.ndarray]  # writers chosen by: (n_seeds, n_test)
    parameters: dict[str, int]  # of a model of each kind


@dataclass(frozen=True)
class Chosen:
    """A score map: softmax over the keys that a choice leaves."""

    choose: Callable[[Tensor], Tensor]  # scores (..., n_keys) -> bool of their shape

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        return scores.masked_fill(~self.choose(scores), -torch.inf).softmax(-1)


def learnt(params: Params, ctx: RunContext) -> Results:
    """Train each kind with each seed, and measure it with every number of other points."""
    base = int(ctx.rng.integers(2**31))
    kinds: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    chosen: dict[Reader, list[np.ndarray]] = {}
    parameters = {}
    for seed in range(params.seeds):
        for at, kind in enumerate(KINDS):
            model = _trained(params, ctx, kind, (base, seed))
            parameters[kind] = sum(p.numel() for p in model.parameters())
            kinds[kind].append(_measured(model, params))
            if kind == "hard":
                for reader, score_map in _choices(params, ctx).items():
                    model.select_by(score_map)
                    chosen.setdefault(reader, []).append(_measured(model, params))
            ctx.progress((seed + (at + 1) / len(KINDS)) / params.seeds)
    return Results(
        kinds={kind: np.stack(shares) for kind, shares in kinds.items()},
        chosen={reader: np.stack(shares) for reader, shares in chosen.items()},
        parameters=parameters,
    )


def _made(params: Params, kind: str, source: tuple[int, int]) -> PointReader:
    rng = np.random.default_rng([*source, 0])
    width, n_own = params.width, params.layers if kind == "own" else 1
    mixers: list[SelfAttention] | list[SharedWorkspace]
    if kind in ("attention", "own", "top"):
        mixers = [SelfAttention(width, rng) for _ in range(n_own)]
    else:
        mixers = [SharedWorkspace(width, params.slots, rng)]
    model = PointReader(mixers, FEATURES, width, params.layers, rng)
    lots = np.random.default_rng([*source, 2])
    maps: dict[str, ScoreMap] = {
        "top": TopK(k=params.writers),
        "hard": TopK(k=params.writers),
        "random": Chosen(lambda scores: _by_lot(scores, params.writers, lots)),
    }
    model.select_by(maps.get(kind, Softmax()))
    return model


def _trained(params: Params, ctx: RunContext, kind: str, source: tuple[int, int]) -> PointReader:
    """A model after its training, or from where an interrupted run kept it."""
    model = _made(params, kind, source)
    path = ctx.checkpoint(f"{kind}-{source[1]}")
    if path is not None and path.exists():
        put_tensors(dict(model.state_dict()), read_tensors(path, {})[0], str(path))
        return model
    rng = np.random.default_rng([*source, 1])  # the same sets for every kind
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=max(2, params.iterations)
    )
    for _ in range(params.iterations):
        points, equilateral = draw_triangles(params.batch, params.others, rng)
        loss = functional.binary_cross_entropy_with_logits(model(points), equilateral.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
    if path is not None:
        write_tensors(path, dict(model.state_dict()), {})
    return model


@torch.no_grad()
def _measured(model: PointReader, params: Params) -> np.ndarray:
    """Share of sets answered right, (n_test,); the same sets for every model."""
    shares = []
    for n in params.test_others:
        points, equilateral = draw_triangles(params.held_out, n, np.random.default_rng([n, 0x7213]))
        shares.append(float(((model(points) > 0) == equilateral).double().mean()))
    return np.array(shares)


def _choices(params: Params, ctx: RunContext) -> dict[Reader, ScoreMap]:
    """Writers by the first k distinct keys to spike (0 spikes in its name), or by most of so many."""
    circuit, k, maps = params.row_circuit(), params.writers, {}
    for head, mode in (("spiking", "simulated"), ("sampled", "sampled")):
        if head not in params.heads:
            continue

        def first(scores: Tensor, mode: str = mode) -> Tensor:
            few = min(k, scores.shape[-1])
            return FirstKeys(circuit, few, ctx.rng, ctx.engine, mode=mode, most_spikes=MOST_SPIKES)(scores)

        maps[head, 0] = Chosen(first)
        for n in params.spikes:
            counts = spiking_map(circuit, (head, n), ctx)
            maps[head, n] = Chosen(
                lambda scores, counts=counts: most_shares(counts(scores), k, ctx.rng)  # type: ignore[misc]
            )
    return maps  # type: ignore[return-value]


def most_shares(shares: Tensor, k: int, rng: np.random.Generator) -> Tensor:
    """Choose the k keys with the largest share of spikes, ties by lot; of keys without a spike none but by lot.

    Where fewer than k keys spiked, those that did are chosen; in a silent row lots decide.
    """
    chosen = _by_lot(shares, k, rng, before=shares)
    spiked = shares > 0
    return chosen & (spiked | ~spiked.any(-1, keepdim=True))


def _by_lot(scores: Tensor, k: int, rng: np.random.Generator, *, before: Tensor | None = None) -> Tensor:
    """Choose k keys of each row by lot, after what counts `before` it, if given."""
    lots = torch.from_numpy(rng.random(tuple(scores.shape)))
    if before is not None:
        lots = before + 1e-6 * lots
    return lots >= lots.topk(min(k, scores.shape[-1]), dim=-1).values[..., -1:]
