"""What the circuits of a Hugging Face model do in a block: the spikes of each token, and the raster of any row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from bridge.heads.choice import HeadChoice, chosen_heads
from bridge.heads.score_map import SpikingScoreMap
from bridge.heads.spiking_head import SpikingHead
from bridge.huggingface.attend import GRID, LayerCall
from bridge.huggingface.model import GammaModel, outermost, plan_of, the_model
from bridge.huggingface.place import Place
from pragmatic.attention import Attended, Head
from spiking import Selection

__all__ = ["RecordedRow", "Recording", "attend_recorded", "record"]


@dataclass(frozen=True, kw_only=True)
class RecordedRow:
    """One query's competition in one head."""

    scores: np.ndarray  # (n_keys,) float32: -inf at a key that takes no part
    counts: np.ndarray  # (n_keys,) int64: spikes of each key, as they were in the model
    selection: Selection  # of this row alone: spike times, field, rhythm, time until the budget was met

    @property
    def weights(self) -> np.ndarray:
        """Spike shares, (n_keys,) float."""
        return self.counts / max(1, int(self.counts.sum()))

    @property
    def softmax(self) -> np.ndarray:
        """Weights of softmax attention on the same scores, (n_keys,) float."""
        return torch.softmax(torch.from_numpy(self.scores).double(), -1).numpy()


@dataclass(frozen=True, kw_only=True)
class _Call:
    """Rows of one layer that one head object computed in one forward pass."""

    heads: list[int]
    first: int  # position of the first query
    totals: np.ndarray  # (batch, heads, queries) int64: spikes of each row
    scores: Tensor | None  # (batch, heads, queries, keys), -inf at a masked key; None where rows are not kept
    counts: np.ndarray | None  # (batch, heads, queries, keys) int32
    streams: np.ndarray  # (batch, heads, queries) int64
    grid: float | None  # scores were rounded to multiples of it
    score_map: SpikingScoreMap

    def at(self, head: int, position: int, sequence: int) -> tuple[int, int, int] | None:
        """Where a row stands in the arrays, if it is one of these."""
        query = position - self.first
        n_sequences, _, n_queries = self.totals.shape
        if head not in self.heads or sequence >= n_sequences or not 0 <= query < n_queries:
            return None
        return sequence, self.heads.index(head), query


class Recording:
    """Spikes of a model's heads, filled while `record` is open.

    A row is named by layer, head, position of its query and sequence in the batch. One that is computed again, as
    generation without a cache does, or for a second text, takes the place of the earlier one.
    """

    def __init__(self, n_heads: list[int], kept: set[tuple[int, int]]) -> None:
        self._n_heads, self._kept = n_heads, kept
        self._calls: dict[int, list[_Call]] = {layer: [] for layer in range(len(n_heads))}

    @property
    def n_tokens(self) -> int:
        """Positions that were queries of a spiking head so far."""
        ends = [call.first + call.totals.shape[2] for calls in self._calls.values() for call in calls]
        return max(ends, default=0)

    def spikes(self, sequence: int = 0) -> np.ndarray:
        """Spikes of every row, (n_layers, heads of a layer, n_tokens) int64; 0 where a head does not spike."""
        spikes = np.zeros((len(self._n_heads), max(self._n_heads), self.n_tokens), dtype=np.int64)
        for layer, calls in self._calls.items():
            for call in calls:
                if sequence < len(call.totals):
                    stop = call.first + call.totals.shape[2]
                    spikes[layer, call.heads, call.first : stop] = call.totals[sequence]
        return spikes

    def per_token(self, sequence: int = 0) -> np.ndarray:
        """Spikes that each token took as a query, over all layers and heads, (n_tokens,) int64."""
        return self.spikes(sequence).sum(axis=(0, 1))

    def row(self, *, layer: int, head: int, query: int = -1, sequence: int = 0) -> RecordedRow:
        """Simulate one row again, with the same random numbers, and keep all of its spikes and its field.

        Parameters
        ----------
        layer, head : int
        query : int
            Position of the token that attends; from the end if negative.
        sequence : int
            Of the batch.

        Raises
        ------
        ValueError
            For a row that was not recorded, with what was, and for heads without spike times ("sampled") or
            whose engine does not key its random numbers.
        """
        position = query + self.n_tokens if query < 0 else query
        calls = self._calls.get(layer, []) if (layer, head) in self._kept else []
        for call in reversed(calls):
            at = call.at(head, position, sequence)
            if at is not None and call.scores is not None and call.counts is not None:
                selection = call.score_map.again(call.scores[at], int(call.streams[at]), grid=call.grid)
                return RecordedRow(
                    scores=call.scores[at].numpy(),
                    counts=call.counts[at].astype(np.int64),
                    selection=selection,
                )
        raise ValueError(
            f"row must be one that was recorded, got layer {layer}, head {head}, query {query}, sequence "
            f"{sequence}; {self._extent()}"
        )

    def _extent(self) -> str:
        layers = [layer for layer, calls in self._calls.items() if calls]
        if not layers:
            return "no spiking head has been called: run the model inside the block"
        return f"layers {layers[0]} to {layers[-1]} and {self.n_tokens} queries were, of the heads given to record"

    def keep(self, layer: int, call: _Call) -> None:
        """Add rows; scores and counts only where some of these heads are asked for."""
        self._calls[layer].append(call)

    def wants(self, layer: int, heads: list[int]) -> bool:
        """Whether rows of some of these heads are kept whole."""
        return any((layer, head) in self._kept for head in heads)


@contextmanager
def record(model: PreTrainedModel, heads: HeadChoice = "all") -> Iterator[Recording]:
    """Record the spikes of a model that has gamma attention, for the length of a block.

    Parameters
    ----------
    model : PreTrainedModel
        With gamma attention, by its configuration or by a `swap` around this block.
    heads : str or pairs of int
        Those whose rows `Recording.row` can show again: "all", pairs (layer, head), or a text such as "0.1,3.*".
        Of each row the scores and counts are kept, 8 bytes a key. The spikes of all heads are counted.

    Yields
    ------
    Recording

    Raises
    ------
    ValueError, TypeError
        For a model without gamma attention or without a `SpikingHead`, and heads that do not exist.

    Examples
    --------
    >>> with record(model, heads="3.1") as spikes:  # doctest: +SKIP
    ...     model.generate(**tokenizer("The brain", return_tensors="pt"), max_new_tokens=20)
    >>> spikes.per_token()  # doctest: +SKIP
    >>> spikes.row(layer=3, head=1, query=-1).selection.spikes.of_row(0).time_ms  # doctest: +SKIP
    """
    inside = the_model(model, "record")
    plan = plan_of(inside)
    if not any(isinstance(head, SpikingHead) for head in plan.heads.values()):
        got = sorted({getattr(head, "__name__", type(head).__name__) for head in plan.heads.values()})
        raise ValueError(
            f"record needs a SpikingHead among the heads of the model, got {', '.join(got)}; configure the model "
            "with flatness 1, or swap a SpikingHead in"
        )
    n_heads = [layer.n_heads for layer in plan.layers]
    recording = Recording(n_heads, set(chosen_heads(heads, n_heads)))
    open_ones = GammaModel.of(outermost(inside)).recordings
    open_ones.append(recording)
    try:
        yield recording
    finally:
        open_ones.remove(recording)


def attend_recorded(
    place: Place, call: LayerCall, head: Head, heads: list[int], streams: np.ndarray | None
) -> Attended:
    """Let a head attend, and show its rows to the recordings that are open, if it spikes."""
    if not (place.owner.recordings and isinstance(head, SpikingHead)):
        return call.by(head, streams)
    before, shape = head.next_stream, tuple(call.query.shape[:3])
    attended = call.by(head, streams)
    counts = head.score_map.counts
    assert counts is not None
    counts = counts.reshape(*shape, -1)
    whole = any(each.wants(place.layer, heads) for each in place.owner.recordings)
    kept = _Call(
        heads=heads,
        first=place.owner.first_position,
        totals=counts.sum(-1),
        scores=call.masked_scores(head).detach().float().cpu() if whole else None,
        counts=counts.astype(np.int32) if whole else None,
        streams=np.arange(before, before + counts[..., 0].size).reshape(shape)
        if streams is None
        else streams,
        grid=None if streams is None else GRID,
        score_map=head.score_map,
    )
    for each in place.owner.recordings:
        each.keep(place.layer, kept)
    return attended
