"""Numbers of spikes-while-writing: spikes of each token, and what every row of the last one did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bridge.huggingface import RecordedRow
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_rows import token_label
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, words
from scenarios.workbench.statistics import Estimate, clear, difference, mean
from scenarios.workbench.tables import column

if TYPE_CHECKING:
    from scenarios.spikes_while_writing import Params

__all__ = ["Place", "Study", "chosen", "in_data", "in_numbers", "in_words"]

Place = tuple[int, int]  # layer, head
ALONE = 0.8  # share of its spikes with which one token has a row to itself


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was recorded."""

    params: Params
    tokens: tuple[str, ...]  # of the prompt and written; the last is the answer to the last query
    n_prompt: int
    spikes: np.ndarray  # (n_layers, n_heads, n_tokens - 1) int64: of each row
    rows: Mapping[Place, RecordedRow]  # every head at the last query
    shown: Place

    @property
    def read(self) -> tuple[str, ...]:
        """The tokens that compete at the last query, itself among them."""
        return self.tokens[:-1]

    @property
    def per_token(self) -> np.ndarray:
        """Spikes of all heads, (n_tokens - 1,)."""
        return self.spikes.sum(axis=(0, 1))

    def times(self) -> tuple[Estimate, Estimate]:
        """Time in ms of rows that one token has to itself, and of the others; unknown where there are none."""
        row_ms, alone = self.of_rows("row_ms"), self.of_rows("largest") >= ALONE
        return mean(row_ms[alone]), mean(row_ms[~alone])

    def of_rows(self, name: str) -> np.ndarray:
        """One number for each head at the last query, in the order of `rows`."""
        return np.array([getattr(_Look(row=row), name) for row in self.rows.values()])


@dataclass(frozen=True, kw_only=True)
class _Look:
    """One row in numbers."""

    row: RecordedRow

    @property
    def first(self) -> float:
        """Share of the spikes on the first token of the text."""
        return float(self.row.weights[0])

    @property
    def first_softmax(self) -> float:
        return float(self.row.softmax[0])

    @property
    def largest(self) -> float:
        return float(self.row.weights.max())

    @property
    def keys(self) -> float:
        return _effective(self.row.weights)

    @property
    def keys_softmax(self) -> float:
        return _effective(self.row.softmax)

    @property
    def row_ms(self) -> float:
        return float(self.row.selection.row_ms[0])

    @property
    def distance(self) -> float:
        """Total variation from softmax."""
        return float(np.abs(self.row.weights - self.row.softmax).sum() / 2)


def _effective(weights: np.ndarray) -> float:
    """Exponential of the entropy, which is n for n equal weights (Hill 1973, Ecology 54:427)."""
    positive = weights[weights > 0]
    return float(np.exp(-(positive * np.log(positive)).sum()))


def chosen(params: Params, rows: Mapping[Place, RecordedRow]) -> Place:
    """The head that was asked for, or the one whose second and third key, the first token aside, spike most.

    Most heads rest on the first token or on one other; this one divides its spikes between a few.
    """
    fits = [place for place in rows if params.layer in (None, place[0]) and params.head in (None, place[1])]
    if not fits:
        last = max(rows)
        raise UsageError(
            f"layer and head must be at most {last[0]} and {last[1]}, got {params.layer} and {params.head}; leave "
            "them out to see the head that divides its spikes"
        )
    return max(fits, key=lambda place: np.sort(rows[place].counts[1:])[-3:-1].sum())


def in_data(study: Study) -> xr.Dataset:
    """Spikes of every row, and each head at the last query."""
    layers, heads = zip(*study.rows, strict=True)
    place = "place"
    data = xr.Dataset(
        {
            "spikes": column(("layer", "head", "token"), study.spikes, "spikes of a row"),
            "per_token": column("token", study.per_token, "spikes of a token"),
            "first": column(place, study.of_rows("first"), "share of the spikes on the first token"),
            "first_softmax": column(
                place, study.of_rows("first_softmax"), "softmax weight of the first token"
            ),
            "largest": column(place, study.of_rows("largest"), "largest share of the spikes"),
            "keys": column(place, study.of_rows("keys"), "effective number of tokens"),
            "keys_softmax": column(place, study.of_rows("keys_softmax"), "the same of softmax"),
            "row_ms": column(place, study.of_rows("row_ms"), "time of a row", "ms"),
            "distance": column(place, study.of_rows("distance"), "total variation to softmax"),
            "layer_of": column(place, np.array(layers), "layer of each head"),
            "head_of": column(place, np.array(heads), "head in that layer"),
        }
    )
    return data.assign_coords(token=("token", np.array(study.read, dtype=str)))


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, data = Lines(), in_data(study)
    lines.take(data, "per_token", name="spikes", label="spikes of a token, all heads")
    label = "share of the spikes on the first token, mean over heads"
    lines.take(
        data, "first", label=label, control="first_softmax", note="control: softmax of the same scores"
    )
    label = "tokens among which a row divides its spikes (effective number)"
    lines.take(data, "keys", label=label, floor=1, control="keys_softmax", note="control: softmax")
    lines.take(data, "distance", note="mean over heads")
    lines.take(data, "row_ms", label=f"simulated time until {study.params.spikes} spikes, mean over heads")
    alone, divided = study.times()
    label = f"– of rows with {ALONE:.0%} of the spikes or more on one token"
    lines.add("alone_ms", label, alone, control=divided, unit="ms", note="control: all other rows")
    slowest = [data.row_ms.values[data.layer_of == layer].max() for layer in np.unique(data.layer_of)]
    label = "simulated time of the last token: the slowest head of each layer, layer after layer"
    lines.add("token_ms", label, float(np.sum(slowest)), unit="ms")
    return lines.metrics


def in_words(m: Numbers, study: Study) -> Words:
    """The answer, from the numbers."""
    signs = clear(_differences(study))
    asked, told = (token_label(token) for token in study.tokens[-2:])
    layer, head = study.shown
    row = study.rows[study.shown]
    best = [token_label(study.read[key]) for key in np.argsort(-row.counts)[:3] if row.counts[key]]
    taken = f"A token takes {m['spikes']} spikes in {len(study.rows)} heads."
    rest = (
        f"At the last, where “{asked}” is followed by “{told}”, {m['first']:.0%} of them fall on the first token "
        f"of the text, {choose(signs['first'], 'more than', 'as many as', 'fewer than')} softmax puts "
        f"there ({m['first'].control:.0%}); a row divides its spikes among {m['keys']} tokens, "
        f"{choose(signs['keys'], 'more than', 'as many as', 'fewer than')} softmax ({m['keys'].control:.1f})."
    )
    alone, _ = study.times()
    time = (
        f"A row has its {study.params.spikes} spikes after {m['row_ms']}"
        f"{choose(signs['time'], f', one that a single token wins only after {alone} ms', '', '')}; layer after "
        f"layer the token takes {m['token_ms']} of simulated time."
    )
    one = f"Head {head} of layer {layer} looks at {', '.join(f'“{word}”' for word in best)}."
    return words(taken, rest, time, one, short=(taken, rest, time))


def _differences(study: Study) -> dict[str, Estimate]:
    pairs = {"first": "first_softmax", "keys": "keys_softmax"}
    paired = {ours: mean(study.of_rows(ours) - study.of_rows(theirs)) for ours, theirs in pairs.items()}
    return {**paired, "time": difference(*study.times())}
