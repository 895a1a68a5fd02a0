"""A pretrained model's forward pass with other heads in it, measured against the same pass with its own."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge import SpikingScoreMap, swap
from bridge.comparison.metrics import total_variation
from bridge.comparison.sampling import total_variation_floor
from pragmatic.attention import dot_product_head
from pragmatic.masks import masked_scores
from pragmatic.score_maps import ScoreMap
from scenarios.workbench.statistics import mean

__all__ = ["Pass", "TakesNotes", "plain_pass", "swapped_pass"]


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What one forward pass gave."""

    hidden: list[np.ndarray]  # of each block, (n_tokens, width) float64
    output: np.ndarray  # (n_tokens, n) float64: logits, or the last hidden state of a model without
    has_logits: bool
    seconds: float
    distance: np.ndarray  # (n_layers,) total variation of weights to softmax, mean over rows; nan if silent
    floor: np.ndarray  # (n_layers,) what as many exact samples have of it
    row: np.ndarray  # (n_keys,) scores of the last query in the first chosen head, masked keys left out

    def change(self, plain: Pass) -> float:
        """Of the output, relative: |this - plain| / |plain|."""
        return _change(self.output, plain.output)

    def hidden_change(self, plain: Pass) -> np.ndarray:
        """The same for the hidden state after each block, (n_blocks,)."""
        return np.array([_change(one, other) for one, other in zip(self.hidden, plain.hidden, strict=True)])

    def divergence_nats(self, plain: Pass) -> float:
        """KL(plain || this) of what the logits predict, mean over tokens; nan without logits."""
        if not (self.has_logits and plain.has_logits):
            return float("nan")
        log_p, log_q = (torch.from_numpy(x.output).log_softmax(-1) for x in (plain, self))
        return float((log_p.exp() * (log_p - log_q)).sum(-1).mean())

    def same_choice(self, plain: Pass) -> float:
        """Share of tokens with the same largest logit; nan without logits."""
        if not (self.has_logits and plain.has_logits):
            return float("nan")
        return float((self.output.argmax(-1) == plain.output.argmax(-1)).mean())


@dataclass
class TakesNotes:
    """A score map that gives what another gives, and keeps how far each call is from its softmax.

    Parameters
    ----------
    inner : ScoreMap
    temperature : float
        Of that softmax.
    """

    inner: ScoreMap
    temperature: float = 1.0
    distance: list[float] = field(default_factory=list, init=False)  # of each call, mean over its rows
    floor: list[float] = field(default_factory=list, init=False)  # nan unless the rows have spikes
    row: np.ndarray = field(default_factory=lambda: np.array([]), init=False)

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        weights = self.inner(scores, mask)
        if not self.distance:
            last = masked_scores(scores, mask)[..., -1, :].reshape(-1, scores.shape[-1])[0]
            self.row = last[last.isfinite()].detach().double().numpy()
        exact = torch.softmax(masked_scores(scores, mask).double() / self.temperature, -1)
        rows, target = (x.detach().reshape(-1, x.shape[-1]).double().numpy() for x in (weights, exact))
        self.distance.append(mean(total_variation(rows, target)).value)
        counts = self.inner.counts if isinstance(self.inner, SpikingScoreMap) else None
        floor = np.array([]) if counts is None else total_variation_floor(target, counts.sum(axis=1))
        self.floor.append(mean(floor).value if len(floor) else np.nan)
        return weights


def plain_pass(model: Any, given: dict[str, Any]) -> Pass:
    """The model as it is; timed at the second call, since the first one warms up."""
    _forward(model, given)
    return _forward(model, given)


def swapped_pass(
    model: Any, given: dict[str, Any], *, heads: str, score_map: ScoreMap, temperature: float
) -> Pass:
    """With a score map in the chosen heads."""
    notes = TakesNotes(score_map, temperature)
    with swap(model, heads=heads, head=dot_product_head(notes)):
        return _forward(model, given, notes)


@torch.no_grad()
def _forward(model: Any, given: dict[str, Any], notes: TakesNotes | None = None) -> Pass:
    started = time.perf_counter()
    output = model(**given, output_hidden_states=True)
    seconds = time.perf_counter() - started
    states = [
        state
        for name in ("hidden_states", "encoder_hidden_states", "decoder_hidden_states")
        for state in (output.get(name) or ())[1:]  # the first one goes into the first block
    ]
    logits = output.get("logits")
    read_out = output["last_hidden_state"] if logits is None else logits
    return Pass(
        hidden=[_tokens(state) for state in states],
        output=_tokens(read_out),
        has_logits=logits is not None,
        seconds=seconds,
        distance=np.array([] if notes is None else notes.distance),
        floor=np.array([] if notes is None else notes.floor),
        row=np.array([]) if notes is None else notes.row,
    )


def _tokens(vectors: Tensor) -> np.ndarray:
    return vectors.double().reshape(-1, vectors.shape[-1]).numpy()


def _change(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))
