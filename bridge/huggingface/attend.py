"""One call of a Hugging Face attention layer, translated into a call of a `pragmatic.Head`.

The two conventions differ in the factor on q·k, in keys that a group of queries shares, in a mask that is added to
the scores, in a bias of the scores, and in rows in which no key takes part.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bridge.heads.score_map import SpikingScoreMap
from bridge.heads.spiking_head import SpikingHead
from pragmatic.attention import Attended, DotProductHead, Head

__all__ = ["LayerCall", "plain_attention", "stream_numbers", "tolerance"]

BLOCKED = -1e4  # a key with this or less added to its score takes no part
GRID = 2.0**-12  # scores of rows with keyed noise are rounded to it
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-4}  # of weights, between an architecture's rule and ours
HALF_TOLERANCE = 0.05  # scores in half precision: up to 4 % of a weight at a score of 10
BITS = {"layer": 10, "head": 10, "sequence": 20, "position": 23}  # of a stream's number, from the top


@dataclass(frozen=True, kw_only=True)
class LayerCall:
    """What an attention layer hands over. B batch, H heads, Q queries, K keys; 1 stands for B or H too."""

    query: Tensor  # (B, H, Q, dim), single precision or better, as are the others
    key: Tensor  # (B, H or a divisor of it, K, dim): of fewer each serves a group of heads, one after another
    value: Tensor  # (B, as many as of key, K, dim_value)
    scaling: float  # of q·k
    mask: Tensor | None  # (B, H, Q, K) bool, True takes part; in an empty row all that share its weight
    empty: Tensor | None  # (B, H, Q, 1) bool: in these rows no key takes part
    bias: Tensor | None  # (B, H, Q, K), added to the scores
    softcap: float | None  # the scores become softcap * tanh(scores / softcap)
    dropout: float  # of weights; 0 outside of training

    @classmethod
    def of(
        cls,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        *,
        scaling: float | None,
        dropout: float,
        extra: Mapping[str, Any],
    ) -> LayerCall:
        """Read the arguments of an attention function, `extra` its keywords.

        An empty row, of padding most often, gets what plain attention gives it, where all of its scores are
        equally far down: the same weight for every key, except those that mask and window both block.
        """
        precise = torch.promote_types(query.dtype, torch.float32)
        mask, bias = _taken_apart(attention_mask, precise)
        position_bias = extra.get("position_bias")
        if position_bias is not None:
            bias = position_bias.to(precise) + (0.0 if bias is None else bias)
        mask, empty = _with_window(mask, extra.get("window"))
        return cls(
            query=query.to(precise),
            key=key.to(precise),
            value=value.to(precise),
            scaling=query.shape[-1] ** -0.5 if scaling is None else scaling,
            mask=mask,
            empty=empty,
            bias=bias,
            softcap=extra.get("softcap"),
            dropout=dropout,
        )

    def only(self, heads: list[int]) -> LayerCall:
        """Restrict the call to some of the heads."""
        if heads == list(range(self.query.shape[1])):
            return self
        of_all = self.ungrouped()

        def chosen(x: Tensor | None) -> Any:
            return x if x is None or x.shape[1] == 1 else x[:, heads]

        tensors = ("query", "key", "value", "mask", "empty", "bias")
        return replace(of_all, **{name: chosen(getattr(of_all, name)) for name in tensors})

    def ungrouped(self) -> LayerCall:
        """The same call with a key and a value to each head."""
        n_shared = self.query.shape[1] // self.key.shape[1]
        if n_shared == 1:
            return self
        k, v = (x.repeat_interleave(n_shared, dim=1) for x in (self.key, self.value))
        return replace(self, key=k, value=v)

    def scores(self, factor: float = 1.0) -> Tensor:
        """Compute the scores (B, H, Q, K); `factor` multiplies the layer's own."""
        with torch.autocast(self.query.device.type, enabled=False):
            scores = self._per_group(self.query * (self.scaling * factor), self.key.contiguous().mT)
        if self.softcap is not None:
            scores = self.softcap * torch.tanh(scores / self.softcap)
        if self.bias is not None:
            scores = scores + self.bias
        return scores if self.empty is None else scores.masked_fill(self.empty, 0.0)

    def scores_of(self, head: DotProductHead | SpikingHead) -> Tensor:
        """Compute the scores (B, H, Q, K) that a head gets, by its own factor on q·k if it has one."""
        return self.scores(1.0 if head.scaling is None else head.scaling * math.sqrt(self.query.shape[-1]))

    def masked_scores(self, head: SpikingHead) -> Tensor:
        """The same with -inf at a key that takes no part."""
        scores = self.scores_of(head)
        return scores if self.mask is None else scores.masked_fill(~self.mask, -math.inf)

    def read_out(self, weights: Tensor) -> Tensor:
        """Compute weights @ value, (B, H, Q, dim_value)."""
        return self._per_group(weights, self.value)

    def _per_group(
        self, of_heads: Tensor, shared: Tensor, product: Callable[[Tensor, Tensor], Tensor] = torch.matmul
    ) -> Tensor:
        """The product of (B, H, Q, n) with what heads share, (B, groups, n, m), without a copy for each head."""
        grouped = of_heads.unflatten(1, (shared.shape[1], -1)).flatten(
            2, 3
        )  # (B, groups, heads of one * Q, n)
        return product(grouped, shared).unflatten(2, (-1, of_heads.shape[2])).flatten(1, 2)

    def softmax(self) -> Tensor:
        """Compute the weights (B, H, Q, K) of plain attention, without dropout."""
        scores = self.scores()
        return torch.softmax(scores if self.mask is None else scores.masked_fill(~self.mask, -math.inf), -1)

    def plain(self) -> Attended:
        """Compute output (B, H, Q, dim) and weights of plain attention, with dropout."""
        weights = functional.dropout(self.softmax(), self.dropout)
        return Attended(self.read_out(weights), weights)

    def by(self, head: Head, streams: np.ndarray | None = None) -> Attended:
        """Let `head` attend.

        Parameters
        ----------
        head : Head
            A dot-product head gets the layer's own scores. Any other head gets queries rescaled so that its
            1 / sqrt(dim) amounts to the layer's factor.
        streams : (B, H, Q) array of int64, optional
            Keys of the rows' random numbers, for a head that takes them.

        Raises
        ------
        TypeError
            For another head where the layer has a bias, a soft cap or dropout, which that head ignores.
        """
        if not isinstance(head, (DotProductHead, SpikingHead)):
            return self._by_whole(head)
        score_map, options = head.score_map, {}
        if streams is not None:
            taken = inspect.signature(score_map).parameters
            keyed = {"streams": streams, "grid": GRID}
            options = {name: option for name, option in keyed.items() if name in taken}
        weights = functional.dropout(score_map(self.scores_of(head), self.mask, **options), self.dropout)
        if isinstance(score_map, SpikingScoreMap):
            by_spikes = partial(score_map.read_out, dropout=self.dropout)
            return Attended(self._per_group(weights, self.value, by_spikes), weights)
        return Attended(self.read_out(weights), weights)

    def _by_whole(self, head: Head) -> Attended:
        beyond = {"a bias": self.bias, "a soft cap": self.softcap, "dropout": self.dropout or None}
        for what, value in beyond.items():
            if value is not None:
                name = getattr(head, "__name__", type(head).__name__)
                raise TypeError(
                    f"{name} computes its own scores, got a layer with {what}, which it would ignore; use "
                    "dot_product_head, SpikingHead, or another layer"
                )
        each = self.ungrouped()
        rescaled = self.query * (self.scaling * math.sqrt(self.query.shape[-1]))
        return Attended(*head(rescaled, each.key, each.value, self.mask))


def plain_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **extra: Any,
) -> tuple[Tensor, Tensor]:
    """Softmax attention with the signature of the interface, for a layer that has an adapter."""
    call = LayerCall.of(
        *(query, key, value, attention_mask),
        scaling=scaling,
        dropout=dropout if module.training else 0.0,
        extra=extra,
    )
    output, weights = call.plain()
    return output.transpose(1, 2).contiguous().to(value.dtype), weights.to(value.dtype)


def tolerance(dtype: torch.dtype) -> float:
    """By how much an architecture's weights may differ from ours in this precision."""
    return TOLERANCE.get(dtype, HALF_TOLERANCE)


def stream_numbers(
    *, layer: int, heads: list[int], n_sequences: int, first: int, n_queries: int
) -> np.ndarray:
    """Number the rows by layer, head, sequence of the batch and position, each differently, (B, H, Q) int64.

    Parameters
    ----------
    first : int
        Position of the first query in its sequence: how many tokens a cache holds.

    Raises
    ------
    ValueError
        For more layers, heads, sequences or positions than the number has room for.
    """
    last = {
        "layer": layer,
        "head": max(heads),
        "sequence": n_sequences - 1,
        "position": first + n_queries - 1,
    }
    for name, bits in BITS.items():
        if last[name] >= 1 << bits:
            raise ValueError(
                f"{name} must be below {1 << bits} for rows with keyed noise, got {last[name]}; use fewer, or "
                "gamma_seed None"
            )
    sequence = np.arange(n_sequences, dtype=np.int64)[:, None, None]
    position = np.arange(first, first + n_queries, dtype=np.int64)
    number = np.array(layer, dtype=np.int64)
    for name, index in (("head", np.array(heads)[:, None]), ("sequence", sequence), ("position", position)):
        number = (number << BITS[name]) | index
    return number


def _taken_apart(attention_mask: Tensor | None, dtype: torch.dtype) -> tuple[Tensor | None, Tensor | None]:
    """Split an additive mask into which keys take part, and what is added to the scores of those."""
    if attention_mask is None:
        return None, None
    if attention_mask.dtype == torch.bool:
        return attention_mask, None
    present = attention_mask > BLOCKED
    added = attention_mask.to(dtype).masked_fill(~present, 0.0)
    return present, added if bool(added.any()) else None


def _with_window(mask: Tensor | None, window: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Decide which keys take part, and which rows had none, None where every row has one."""
    if window is None:
        allowed, shared = mask, None
    else:
        allowed, shared = (window, None) if mask is None else (mask & window, mask ^ window)
    empty = None if allowed is None else ~allowed.any(-1, keepdim=True)
    if allowed is None or empty is None or not bool(empty.any()):
        return allowed, None
    return allowed | (empty if shared is None else empty & shared), empty
