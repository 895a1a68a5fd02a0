"""Fields that modulate the attention of a trained transformer, pass after pass: feedback without training.

A pass leaves logits and attention weights. Something is read off them, each token's surprise for one, and added to
the attention scores of the next pass; the field of that pass is read off it in turn, and so on. What the surprise
of a decoder does to itself is triangular: a token's surprise depends on those of earlier tokens alone. So after k
passes the first k tokens do not change any more, and T passes over T tokens end at the fixed point, whatever the
strength. It is the field of a model that reads token by token, each with the surprise of those before.

Letters of the shapes: B batch, H heads, T length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from pragmatic.attention import Attended
from pragmatic.checks import at_least, within
from pragmatic.score_maps import ScoreMap
from pragmatic.transformer import Output, Transformer

__all__ = ["FIELDS", "ModulatedHead", "fields_of", "passes", "surprise"]

FIELDS = ("surprise", "logit", "gain", "layer")
_LEAST_WEIGHT = 0.01  # added to weights before their logarithm: of rows that some tens of spikes estimate


@dataclass
class ModulatedHead:
    """Scaled dot-product attention whose scores are multiplied and shifted by a field.

    Without a field it is the head that it replaces, bit for bit. One that `keeps` reads the mean of the weights of
    all its passes since it was made, as a circuit does whose spikes of all cycles count.
    """

    score_map: ScoreMap
    keeps: bool = False
    shift: Tensor | None = None  # broadcastable to (B, H, T, T)
    log_gain: Tensor | None = None  # the same
    _total: Tensor | None = field(default=None, init=False, repr=False)
    _passes: int = field(default=0, init=False, repr=False)

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        scores = (
            query * (1.0 / query.shape[-1] ** 0.5)
        ) @ key.mT  # (B, H, T, T), in the order of DotProductHead
        if self.log_gain is not None:
            scores = scores * self.log_gain.exp()
        if self.shift is not None:
            scores = scores + self.shift
        weights = self.score_map(scores, mask)
        if self.keeps:
            self._total = weights if self._total is None else self._total + weights
            self._passes += 1
            weights = self._total / self._passes
        return Attended(weights @ value, weights)


def surprise(logits: Tensor, tokens: Tensor) -> Tensor:
    """-log p of each token given those before it, in nats, (B, T); 0 for the first, which nothing predicts."""
    cost = functional.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    return functional.pad(cost, (1, 0))


def fields_of(kind: str, output: Output, tokens: Tensor, *, reference: float = 0.0) -> list[Tensor | None]:
    """Read the field of a pass for every layer, None where it has none.

    Parameters
    ----------
    kind : str
        "surprise": the key's -log p, the same in all layers. "logit": minus the key's own raw logit instead.
        "gain": the query's -log p less `reference`, for the logarithm of its gain. "layer": for each layer but the
        last, the logarithm of the next layer's weights, mean over heads, relative to equal ones.
    output : Output
        Logits (B, T, V) and weights.
    tokens : Tensor, (B, T)
    reference : float
        Surprise at which the gain is left as it is.
    """
    n_layers = len(output.weights)
    if kind == "surprise":
        return [surprise(output.logits, tokens)[:, None, None, :]] * n_layers
    if kind == "gain":
        return [surprise(output.logits, tokens)[:, None, :, None] - reference] * n_layers
    if kind == "logit":
        own = output.logits[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]  # (B, T - 1)
        return [-functional.pad(own, (1, 0))[:, None, None, :]] * n_layers
    if kind != "layer":
        raise ValueError(f"kind must be one of {', '.join(FIELDS)}; got {kind!r}")
    n_seen = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)[:, None]  # keys that a causal row has
    above = [weights.mean(1, keepdim=True) for weights in output.weights[1:]]  # (B, 1, T, T) each
    return [((each + _LEAST_WEIGHT) / (1 / n_seen + _LEAST_WEIGHT)).log() for each in above] + [None]


def passes(
    model: Transformer,
    tokens: Tensor,
    kind: str,
    strength: float,
    n_passes: int,
    score_map: ScoreMap,
    *,
    keeps: bool = False,
    reference: float = 0.0,
    shuffled: bool = False,
    source: list[list[Tensor | None]] | None = None,
) -> Iterator[Output]:
    """Yield what the first pass makes of the tokens, without a field, and each of n_passes more with that of the
    last.

    Parameters
    ----------
    model : Transformer
        A decoder; its heads are replaced for the time of each pass, and nothing of it is changed.
    tokens : Tensor, (B, T)
    kind : str
        As in `fields_of`.
    strength : float
        Factor of the field, -10 to 10; with 0 every pass is the first.
    n_passes : int
    score_map : ScoreMap
        Softmax, or a circuit.
    keeps : bool
        Whether heads read all passes together.
    reference : float
        As in `fields_of`.
    shuffled : bool
        Whether each text gets the field of the next one in the batch: the same numbers without what they say.
    source : list, optional
        The fields of each pass, in place of the model's own.
    """
    at_least("passes", "n_passes", n_passes, 0)
    within("passes", "strength", strength, -10.0, 10.0)
    if not model.params.causal:
        raise ValueError(
            "passes needs a decoder, whose tokens are predicted from those before, got an encoder; use "
            "TransformerParams(causal=True)"
        )
    heads = [ModulatedHead(score_map, keeps) for _ in model.blocks]
    for number in range(n_passes + 1):
        with _replaced(model, heads), torch.no_grad():
            output = model(tokens, keep_weights=True)
        yield output
        read = fields_of(kind, output, tokens, reference=reference) if source is None else source[number]
        for head, of_layer in zip(heads, read, strict=True):
            acts = None if of_layer is None or strength == 0 else strength * of_layer
            acts = acts.roll(1, 0) if shuffled and acts is not None else acts
            head.shift, head.log_gain = (None, acts) if kind == "gain" else (acts, None)


@contextmanager
def _replaced(model: Transformer, heads: list[ModulatedHead]) -> Iterator[None]:
    before = [block.attention.heads[:] for block in model.blocks]
    try:
        for block, head in zip(model.blocks, heads, strict=True):
            block.attention.heads[:] = [head] * len(block.attention.heads)
        yield
    finally:
        for block, original in zip(model.blocks, before, strict=True):
            block.attention.heads[:] = original
