"""A sentence model at its task, its rows of attention run until one key leads, or to a fixed number of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge import SpikingHead, swap
from scenarios.adaptive_depth.thinking import spiking_head
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pairs import SHIPPED, read_pairs
from scenarios.workbench.pretrained import MINILM, Pretrained, load_pretrained
from scenarios.workbench.sentence_vectors import encode, similarity, spearman
from scenarios.workbench.statistics import Estimate, bootstrap

if TYPE_CHECKING:
    from scenarios.adaptive_depth import Params

__all__ = ["Likeness", "measure_likeness"]


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """Rank correlation with people of how alike a model takes two sentences to be."""

    n_pairs: int
    spikes: Mapping[str, float]  # per row: "lead" and "fixed"
    rank: Mapping[str, Estimate]  # "softmax", "lead", "fixed"
    lost: Mapping[str, Estimate]  # against softmax, on the same pairs: "lead" and "fixed"
    gained: Estimate  # by the lead over the fixed number, on the same pairs


def measure_likeness(params: Params, ctx: RunContext) -> Likeness | None:
    """Encode the same sentences by softmax, until one key leads, and with as many spikes for every row."""
    if params.model == "none":
        return None
    pairs, pretrained = read_pairs(params.pairs or SHIPPED), load_pretrained(MINILM)
    sentences, n = (*pairs.first, *pairs.second), len(pairs.score)
    cosines = {"softmax": _cosines(pretrained, sentences, n, None, ctx)}
    spikes: dict[str, float] = {}
    for kind in ("lead", "fixed"):
        head = spiking_head(kind, params, ctx, max(1, round(spikes.get("lead", 1))))
        cosines[kind] = _cosines(pretrained, sentences, n, head, ctx)
        spikes[kind] = head.usage.spikes / head.usage.rows

    def rank(kind: str, rows: np.ndarray) -> float:
        return spearman(pairs.score[rows], cosines[kind][rows])

    def estimated(kind: str) -> Estimate:
        return bootstrap(lambda rows: rank(kind, rows), n, ctx.rng)

    def apart(a: str, b: str) -> Estimate:
        return bootstrap(lambda rows: rank(a, rows) - rank(b, rows), n, ctx.rng)

    return Likeness(
        n_pairs=n,
        spikes=spikes,
        rank={kind: estimated(kind) for kind in cosines},
        lost={kind: apart("softmax", kind) for kind in spikes},
        gained=apart("lead", "fixed"),
    )


def _cosines(
    pretrained: Pretrained, sentences: tuple[str, ...], n: int, head: SpikingHead | None, ctx: RunContext
) -> np.ndarray:
    with (
        ctx.progress.stage("MiniLM, pairs of sentences", share=0.05) as progress,
        nullcontext() if head is None else swap(pretrained.model, head=head),
    ):
        return similarity(encode(pretrained, sentences, progress=progress).vectors, n)
