"""Numbers of parse-geometry: edges and ranks of predicted distances by layer, next to baselines and controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from pragmatic.trees import Tree
from scenarios.parse_geometry.probe import Judged
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import fraction
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.parse_geometry import Params

__all__ = ["SHOWN", "Condition", "Geometry", "Study", "in_data", "in_numbers", "title"]

SHOWN = 64  # spikes of the headline: the budget nearest to it


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

    @property
    def shown(self) -> int:
        """The budget of the headline."""
        return min(self.params.spikes, key=lambda n: abs(np.log(n / SHOWN)))

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
            "recovered": column(("dimension", "tree"), study.geometry.right, "edges recovered"),
        },
        {
            "condition": [title(key) for key in study.conditions],
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
        shown = data.sel(condition=title(("spikes", study.shown)), layer=layer)
        lines.take(shown, "uuas", name=f"uuas_spikes_layer_{layer}", label="– spikes", floor=linear)
    lines.take(data, "uuas_linear")
    lines.take(data, "dspr_linear")
    for i, dimension in enumerate(study.geometry.dimensions):
        label = f"edges of a random tree recovered, {dimension} random dimensions"
        lines.add(f"random_{dimension}", label, study.geometry.right[i])
    lines.add("worst", "largest error with orthonormal directions", study.geometry.worst)
    return lines.metrics
