"""Numbers of parse-geometry: edges and ranks of predicted distances by layer, next to baselines and controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from pragmatic.trees import Tree
from scenarios.parse_geometry.learnt import Learnts
from scenarios.parse_geometry.probe import Judged
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import fraction
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.parse_geometry import Params

__all__ = ["Condition", "Geometry", "Study", "in_data", "in_numbers", "title"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What the probes read under one kind of attention."""

    layers: Sequence[Judged]  # embeddings first
    attention: np.ndarray  # (n_pairs,) bool, whether the attention probe was right


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Trees whose words lie one direction from their heads."""

    dimensions: tuple[int, ...]
    right: np.ndarray  # (n_dimensions, n_trees) edges that random directions recover
    worst: float  # largest error of a squared distance with orthonormal directions


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured; a condition is a kind of attention and its spikes per row, 0 where it has none."""

    params: Params
    conditions: Mapping[tuple[str, int], Condition]
    linear: Judged
    trees: Sequence[Tree]  # held out
    n_fit: int
    geometry: Geometry
    learnts: Learnts

    @property
    def best(self) -> int:
        """The layer at which softmax has most edges right."""
        return int(np.argmax([judged.right.sum() for judged in self.conditions["softmax", 0].layers]))


def title(key: tuple[str, int]) -> str:
    """A condition in words: ``"spikes, 64 a row"``."""
    kind, spikes = key
    return f"{kind}, {spikes} a row" if spikes else kind


def in_data(study: Study, rng: np.random.Generator) -> xr.Dataset:
    """UUAS and DSpr by condition and layer, accuracy of the attention probe, and the geometry."""
    conditions = study.conditions.values()
    uuas = [[judged.uuas(rng) for judged in c.layers] for c in conditions]
    dspr = [[judged.dspr(rng) for judged in c.layers] for c in conditions]
    right = [fraction(c.attention) for c in conditions]
    n_layers = len(uuas[0])
    learnt = study.learnts.models
    grammar = [[judged.uuas(rng) for judged in own.layers] for own in learnt.values()]
    return xr.Dataset(
        {
            **estimate_column("uuas", ("condition", "layer"), uuas, "edges of the tree (UUAS)"),
            **estimate_column("dspr", ("condition", "layer"), dspr, "rank correlation (DSpr)"),
            **estimate_column("attention", "condition", right, "dependency seen in the attention"),
            **estimate_column(
                "uuas_linear", (), study.linear.uuas(rng), "UUAS of the distance in the sentence"
            ),
            **estimate_column(
                "dspr_linear", (), study.linear.dspr(rng), "DSpr of the distance in the sentence"
            ),
            **estimate_column("grammar", ("small", "depth"), grammar, "edges of the tree (UUAS)"),
            "guess": column("small", [own.loss for own in learnt.values()], "loss of a hidden word", "nats"),
            **estimate_column(
                "grammar_linear", (), study.learnts.linear.uuas(rng), "UUAS of the distance, in the grammar"
            ),
            "recovered": column(("dimension", "tree"), study.geometry.right, "edges recovered"),
        },
        {
            "condition": [title(key) for key in study.conditions],
            "small": list(learnt),
            "depth": column("depth", np.arange(len(grammar[0])), "layer"),
            "layer": column("layer", np.arange(n_layers), "layer"),
            "dimension": column("dimension", study.geometry.dimensions, "dimensions"),
        },
    )


def in_numbers(study: Study, data: xr.Dataset) -> Numbers:
    """Every number of the report."""
    lines, best = Lines(), study.best
    linear, untrained = data.uuas_linear, data.uuas.sel(condition="untrained", layer=best)
    for key in study.conditions:
        name = {"softmax": "", "spikes": f"_{key[1]}"}.get(key[0], f"_{key[0]}")
        at = data.sel(condition=title(key), layer=best)
        note = "floor: distance in the sentence; control: untrained model"
        lines.take(
            at, "uuas", name=f"uuas{name}", label=f"UUAS at layer {best}, {title(key)}", floor=linear,
            control=untrained, note=note,
        )  # fmt: skip
        lines.take(at, "dspr", name=f"dspr{name}", label=f"– DSpr, {title(key)}", floor=data.dspr_linear)
        lines.take(
            at, "attention", name=f"attention{name}", label=f"– dependency seen in the attention, {title(key)}",
            floor=0.5,
        )  # fmt: skip
    for layer in range(data.sizes["layer"]):
        at = data.sel(condition="softmax", layer=layer)
        lines.take(
            at, "uuas", name=f"uuas_layer_{layer}", label=f"UUAS at layer {layer}, softmax", floor=linear
        )
        if ("spikes", study.params.shown) in study.conditions:
            shown = data.sel(condition=title(("spikes", study.params.shown)), layer=layer)
            lines.take(shown, "uuas", name=f"uuas_spikes_layer_{layer}", label="– spikes", floor=linear)
    lines.take(data, "uuas_linear")
    lines.take(data, "dspr_linear")
    _small(lines, study, data)
    for i, dimension in enumerate(study.geometry.dimensions):
        label = f"edges of a random tree recovered, {dimension} random dimensions"
        lines.add(f"random_{dimension}", label, study.geometry.right[i])
    lines.add("worst", "largest error with orthonormal directions", study.geometry.worst)
    return lines.metrics


def _small(lines: Lines, study: Study, data: xr.Dataset) -> None:
    """Small models that learnt the grammar, at the layer that is best with softmax."""
    learnts = study.learnts
    fresh = data.sel(small="fresh", depth=learnts.best_fresh)
    note = "floor: distance in the sentence; control: before training, at its best layer"
    for small in data.small.values:
        if small != "fresh":
            lines.take(
                data.sel(small=small, depth=learnts.best), "grammar", name=f"grammar_{small}",
                label=f"UUAS at layer {learnts.best} of a small model, learnt with {small}",
                floor=data.grammar_linear, control=fresh.grammar, note=note,
            )  # fmt: skip
            lines.take(
                data.sel(small=small, depth=0), "grammar", name=f"grammar_{small}_layer_0", label="– embeddings",
                floor=data.grammar_linear,
            )  # fmt: skip
        lines.add(
            f"guess_{small}", "– loss of a hidden word", float(data.guess.sel(small=small)), unit="nats"
        )
    lines.take(
        fresh, "grammar", name="grammar_fresh", label=f"UUAS at layer {learnts.best_fresh} before training"
    )
    lines.take(data, "grammar_linear")
