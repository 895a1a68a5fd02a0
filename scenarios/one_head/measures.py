"""Numbers of one-head: the row of the query, the whole map of the head, and the next token."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bridge.comparison.metrics import total_variation
from bridge.comparison.sampling import total_variation_floor
from scenarios.one_head.reader import Read
from scenarios.workbench.head_rows import token_label
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import words
from scenarios.workbench.tables import column

__all__ = ["in_data", "in_numbers", "in_words"]

SAMPLES = "floor: as many independent samples of the softmax"


def in_data(read: Read) -> xr.Dataset:
    """Both maps, the row of the query key by key, and the next tokens."""
    n, map_ = len(read.tokens), ("query", "key")
    data = xr.Dataset(
        {
            "softmax_map": column(map_, read.softmax, "attention of the plain model"),
            "share_map": column(map_, read.share, "spike shares, all heads in spikes"),
            "n_spikes": column("query", read.spikes, "spikes of each row"),
            "distance": column("query", total_variation(read.share, read.softmax), "total variation"),
            "floor": column("query", total_variation_floor(read.softmax, read.spikes), SAMPLES),
            "counts": column("key", read.row.counts[:n], "spikes of each key in the row of the query"),
            "softmax": column("key", read.row.softmax[:n], "softmax of the same scores"),
        }
    )
    places = np.array(read.tokens, dtype=str)
    data = data.assign_coords(query_token=("query", places), key_token=("key", places))
    if read.words:
        softmax, spikes = read.probabilities
        data["next_softmax"] = column("word", softmax, "probability of the next token by softmax")
        data["next_spikes"] = column("word", spikes, "probability of the next token with spikes")
        data = data.assign_coords(word=("word", np.array(read.words, dtype=str)))
    return data


def in_numbers(read: Read) -> Numbers:
    """Every number of the report."""
    lines, data, row = Lines(), in_data(read), read.row
    n_spikes = int(row.counts.sum())
    lines.add(
        "total_variation",
        "total variation of the row to the softmax of its scores",
        total_variation(row.weights, row.softmax),
        floor=total_variation_floor(row.softmax[None], np.array([n_spikes]))[0],
        note=SAMPLES,
    )
    best = int(row.counts.argmax())
    label = f"share of the spikes on “{token_label(read.tokens[best])}”, the most of any key"
    lines.add("best", label, row.weights[best], control=row.softmax[best], note="control: softmax")
    lines.add("spikes", "spikes of the row", n_spikes)
    lines.add("row_ms", "simulated time of the row", row.selection.row_ms[0], unit="ms")
    label = "total variation of the head's map to the plain model's, mean over queries"
    lines.take(data, "distance", name="map", label=label, floor="floor", note=SAMPLES)
    if read.words:
        softmax, spikes = read.probabilities
        lines.add("kl", "KL of the next token, softmax from spikes", read.kl_nats, unit="nat")
        label = f"probability of the next token “{token_label(read.words[0])}” with spikes"
        lines.add(
            "next", label, spikes[0], control=softmax[0], note="control: softmax, whose most probable it is"
        )
    return lines.metrics


def in_words(m: Numbers, read: Read) -> Words:
    """The answer, from the numbers."""
    asked = token_label(read.tokens[read.params.query])
    best = token_label(read.tokens[int(read.row.counts.argmax())])
    won = (
        f"At “{asked}”, head {read.params.head} of layer {read.params.layer} puts {m['best']:.0%} of its "
        f"{m['spikes']} spikes on “{best}”, where softmax puts {m['best'].control:.0%} of its weight."
    )
    apart = (
        f"After {m['row_ms']:.1f} ms of simulated time the row lies {m['total_variation']:.3f} (total variation) "
        f"from the softmax of the same scores; {m['total_variation'].floor:.3f} is expected of as many independent "
        "samples."
    )
    whole = (
        f"Over all queries the head's shares lie {m['map']} from the attention of the plain model, with all "
        f"{read.n_heads} heads in spikes; {m['map'].floor:.3f} is expected of samples of that attention."
    )
    told = _next_token(m, read)
    return words(won, apart, whole, told, short=(won, apart, told or whole))


def _next_token(m: Numbers, read: Read) -> str:
    """What follows the query, of a causal model."""
    if not read.words:
        return ""
    softmax, spikes = read.probabilities
    now = int(spikes.argmax())
    first = token_label(read.words[0])
    kept = (
        f"stays “{first}”" if now == 0 else f"becomes “{token_label(read.words[now])}” instead of “{first}”"
    )
    return (
        f"With all {read.n_heads} heads in spikes the most probable next token {kept} ({spikes[now]:.1%}; by "
        f"softmax {softmax[now]:.1%}), and the distribution of all next tokens moves by {m['kl']}."
    )
