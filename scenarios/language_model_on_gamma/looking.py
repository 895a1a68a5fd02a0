"""One row of one head of a language model in spikes: what it attends to as it reads the last token of a prompt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bridge import SpikingScoreMap, swap
from bridge.heads.choice import chosen_heads
from pragmatic import dot_product_head
from pragmatic.masks import masked_scores
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pretrained import Pretrained
from spiking import Budget, Selection

if TYPE_CHECKING:
    from scenarios.language_model_on_gamma import Params

__all__ = ["Looked", "look"]

SHOWN_ms = 200.0  # some eight cycles at 40 Hz
SPREAD = 5.0  # keys over which the head that is shown should spread


@dataclass(frozen=True, kw_only=True)
class Looked:
    """The row of the last token, in spikes for longer than the model needs."""

    layer: int
    head: int
    tokens: tuple[str, ...]  # (n_keys,)
    weights: np.ndarray  # (n_keys,) by softmax
    selection: Selection
    spikes: int  # that a row of the model has

    @property
    def shares(self) -> np.ndarray:
        """Each key's share of the spikes that a row of the model has, (n_keys,)."""
        keys = self.selection.spikes.key[: self.spikes]
        return np.bincount(keys, minlength=len(self.tokens)) / max(1, len(keys))

    @property
    def ends_ms(self) -> float:
        """When the last of these falls."""
        times = self.selection.spikes.time_ms[: self.spikes]
        return float(times[-1]) if len(times) else np.nan


@dataclass
class _LastRows:
    """A softmax that keeps the scores of the last row of every head that it is called for."""

    rows: list[np.ndarray] = field(default_factory=list)  # one a layer, (n_heads, n_keys)

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        allowed = masked_scores(scores, mask)
        self.rows.append(allowed[0, :, -1].detach().double().numpy())
        return torch.softmax(allowed, -1)


def look(pretrained: Pretrained, n_heads: list[int], params: Params, ctx: RunContext) -> Looked:
    """Simulate the last row of a head that spreads over a few tokens other than the first.

    Most heads put much of their weight on the first token, wherever that is (Xiao et al. 2024, ICLR).
    """
    given, notes = pretrained.read([params.prompt]), _LastRows()
    with swap(pretrained.model, heads=params.heads, head=dot_product_head(notes)), torch.inference_mode():
        pretrained.model(**given)
    scores = np.concatenate(notes.rows)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    entropy = -(weights * np.log(np.maximum(weights, 1e-300))).sum(axis=-1)
    chosen = int(np.argmin(abs(entropy - np.log(SPREAD)) + 10 * weights[:, 0]))
    layer, head = chosen_heads(params.heads, n_heads)[chosen]
    circuit = SpikingScoreMap(
        params.row_circuit(), Budget(duration_ms=SHOWN_ms), ctx.rng.spawn(1)[0], ctx.engine, record="all"
    )
    circuit(torch.from_numpy(scores[chosen : chosen + 1]))
    assert circuit.selection is not None
    decode: Any = pretrained.tokenizer.decode
    return Looked(
        layer=layer,
        head=head,
        tokens=tuple(decode([int(token)]) for token in given["input_ids"][0]),
        weights=weights[chosen],
        selection=circuit.selection,
        spikes=params.shown,
    )
