"""A sentence model with spikes split between keys and rows: how far the cosines of pairs are from softmax's."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from bridge import UnevenScoreMap, swap
from bridge.heads.uneven import FLATNESS, row_spread
from pragmatic import dot_product_head
from pragmatic.masks import masked_scores
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pairs import SHIPPED, read_pairs
from scenarios.workbench.pretrained import load_pretrained
from scenarios.workbench.progress import silent
from scenarios.workbench.sentence_vectors import encode, similarity

if TYPE_CHECKING:
    from scenarios.spikes_where_they_matter import Params

__all__ = ["Sentences", "judge"]

NONE = "none"
WAYS: dict[str, dict[str, Any]] = {  # plan -> what the score map is told
    "even": {"rows": "even", "flatness": 1.0},
    "keys": {"rows": "even"},
    "keys and rows": {"rows": "spread"},
}
CHOOSE = 16  # sentences, the first of as many pairs, that the level of the rows is chosen on; all others are judged


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """Cosines of the pairs that were judged."""

    judged: np.ndarray  # (n_pairs,) by people
    softmax: np.ndarray  # (n_pairs,)
    cosines: dict[tuple[str, int], np.ndarray]  # plan, spikes -> (n_pairs,)
    spent: dict[tuple[str, int], float]  # spikes per row

    def error(self, plan: str, spikes: int) -> np.ndarray:
        """Squared difference of each cosine from softmax's, (n_pairs,)."""
        return (self.cosines[plan, spikes] - self.softmax) ** 2


@dataclass
class _Spread:
    """A softmax that keeps the spread of its rows."""

    found: list[Tensor] = field(default_factory=list)

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        log_weights = masked_scores(scores, mask).log_softmax(-1)
        self.found.append(row_spread(log_weights).mean())
        return log_weights.exp()


def judge(params: Params, ctx: RunContext) -> Sentences | None:
    """Encode all pairs by softmax and under each plan; None where no sentence model is asked for."""
    if params.sentence_model == NONE:
        return None
    pairs = read_pairs(SHIPPED if params.pairs is None else params.pairs)
    pretrained = load_pretrained(params.sentence_model)
    n = min(CHOOSE, len(pairs.score) // 3)
    spread = _Spread()
    with swap(pretrained.model, head=dot_product_head(spread)):
        encode(pretrained, pairs.first[:n], progress=silent())
    per_row = float(np.mean([float(each) for each in spread.found]))
    sentences = (*pairs.first[n:], *pairs.second[n:])

    def cosines(block: AbstractContextManager[Any]) -> np.ndarray:
        with block:
            return similarity(encode(pretrained, sentences).vectors, len(pairs.score) - n)

    found: dict[tuple[str, int], np.ndarray] = {}
    spent: dict[tuple[str, int], float] = {}
    cases = [(plan, spikes) for plan in WAYS for spikes in params.sentence_spikes]
    softmax = cosines(nullcontext())
    for at, (plan, spikes) in enumerate(cases):
        scale = spikes / per_row if WAYS[plan]["rows"] == "spread" else spikes
        options = {"flatness": FLATNESS, **WAYS[plan]}
        rng = np.random.default_rng(ctx.rng.integers(2**63))
        score_map = UnevenScoreMap(params.row_circuit(), scale, rng, ctx.engine, **options)
        found[plan, spikes] = cosines(swap(pretrained.model, head=dot_product_head(score_map)))
        spent[plan, spikes] = score_map.usage.spikes / score_map.usage.rows
        ctx.progress((at + 1) / len(cases), f"sentences, {plan}, {spikes} a row")
    return Sentences(judged=pairs.score[n:], softmax=softmax, cosines=found, spent=spent)
