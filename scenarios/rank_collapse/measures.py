"""Numbers of rank-collapse: what was measured next to what was published or follows from theory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.rank_collapse.circle import apart
from scenarios.rank_collapse.initial import PUBLISHED
from scenarios.rank_collapse.law import Dispersed, late_factor, sampled_factor
from scenarios.rank_collapse.probe import N_TOKEN_KINDS, Probed
from scenarios.rank_collapse.sorting import Gradients, Paths
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import Estimate, fraction
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.rank_collapse import Params

__all__ = ["CIRCUITS", "VARIANT_LABELS", "Law", "Sorting", "Study", "in_data", "in_numbers"]

CIRCUITS = ("spiking", "regular", "sampled")
VARIANT_LABELS = {
    "pure": "attention alone",
    "mlp": "attention and MLP",
    "skip": "attention and skip",
    "both": "whole layers",
    "spikes": "attention alone, in spikes",
}
KIND_LABELS = {"spiking": "spikes", "regular": "regular spikes", "sampled": "samples"}
SHOWN = 64  # spikes of the headline: the budget nearest to it
CIRCLES = {
    "softmax": "softmax",
    "spiking": "spikes",
    "skip": "softmax, skips",
    "published": "softmax, as published",
    "published, skip": "softmax, as published, skips",
}
KEPT = 0.5  # of the distance at the start: points that are further apart at the end count as kept apart


@dataclass(frozen=True, kw_only=True)
class Law:
    """What a layer does to the residual; a kind is that of the head, and its spikes per row."""

    residual: Mapping[tuple[str, int], np.ndarray]  # (depth + 1, n_nets)
    dispersion: Mapping[tuple[str, int], Dispersed]

    @cached_property
    def factor(self) -> dict[tuple[str, int], Estimate]:
        """Of each kind and budget, once rows agree."""
        return {key: late_factor(reached) for key, reached in self.residual.items()}


@dataclass(frozen=True, kw_only=True)
class Sorting:
    """The network that sorts, by kind of attention."""

    gradients: Mapping[str, Gradients]
    accuracy: Mapping[str, np.ndarray]  # (n_sequences,)
    chance: np.ndarray  # (n_sequences,)
    paths: Paths


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    params: Params
    initial: Mapping[str, np.ndarray]  # variant -> (draws, n_layers + 1)
    pretrained: Mapping[str, Mapping[str, np.ndarray]]  # model -> variant -> (n_layers + 1, n_texts)
    law: Law
    probe: Mapping[str, Probed]
    sorting: Sorting
    circles: Mapping[str, np.ndarray]  # kind -> (seeds, steps, 2, 2)

    @property
    def circuits(self) -> list[str]:
        """Kinds of heads with spikes whose law was measured."""
        return [kind for kind in CIRCUITS if (kind, self.params.spikes[0]) in self.law.residual]

    @property
    def shown(self) -> int:
        """The budget of the headline."""
        return min(self.params.spikes, key=lambda n: abs(np.log(n / SHOWN)))

    @property
    def informative(self) -> int:
        """The deepest layer at which softmax has a residual above rounding."""
        known = np.isfinite(self.probe["softmax"].accuracy).all(axis=1)
        return int(np.flatnonzero(known)[-1])

    def kept_apart(self, kind: str) -> np.ndarray:
        """Whether the two points stay apart, of each training."""
        return apart(self.circles[kind])[:, -1] > KEPT


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines = Lines()
    _initial(lines, study)
    _pretrained(lines, study)
    _law(lines, study)
    _information(lines, study)
    _learning(lines, study)
    return lines.metrics


def _initial(lines: Lines, study: Study) -> None:
    last = study.params.bert_layers
    for variant, layers in (
        ("pure", (0, 1, 2)),
        ("mlp", (2,)),
        ("skip", (last,)),
        ("both", (last,)),
        ("spikes", (2,)),
    ):
        for layer in layers:
            published = PUBLISHED.get(variant, {}).get(layer)
            reached = study.initial[variant][:, layer]
            spread = f"s.d. over draws {np.std(reached, ddof=1):.2g}; control: published, BERT"
            lines.add(
                f"{variant}_{layer}",
                f"residual at layer {layer}, {VARIANT_LABELS[variant]}, at the start",
                reached,
                control=published,
                note=spread.partition(";")[0] if published is None else spread,
            )


def _pretrained(lines: Lines, study: Study) -> None:
    for model, variants in study.pretrained.items():
        for variant, reached in variants.items():
            last = np.flatnonzero(np.isfinite(reached).all(axis=1))[-1]
            label = f"residual at layer {last}, {model}, {VARIANT_LABELS[variant]}"
            lines.add(f"{model.lower()}_{variant}", label, reached[last])


def _law(lines: Lines, study: Study) -> None:
    law, n = study.law, study.params.n_tokens
    lines.add("factor_softmax", "factor of a layer once rows agree, softmax", law.factor["softmax", 0])
    for spikes in study.params.spikes:
        theory = float(sampled_factor(np.array(spikes), n))
        law_note = f"floor: 1 / sqrt({spikes}), control: from the dispersion"
        lines.add(
            f"factor_{spikes}",
            f"factor of a layer, {spikes} spikes",
            law.factor["spiking", spikes],
            floor=spikes**-0.5,
            control=law.dispersion["spiking", spikes].factor,
            note=law_note,
        )
        lines.add(f"phi_{spikes}", "– dispersion of equal keys", law.dispersion["spiking", spikes].phi)
        if ("sampled", spikes) in law.factor:
            lines.add(
                f"sampled_{spikes}", "– samples, as many", law.factor["sampled", spikes], control=theory
            )
        lines.add(
            f"regular_{spikes}",
            "– regular cells",
            law.factor["regular", spikes],
            control=law.dispersion["regular", spikes].regular,
            note="control: sqrt(n f (1 - f)) / N",
        )
        lines.add(f"norm_{spikes}", "– with layer norm", law.factor["norm", spikes])
    deep = min(4, study.params.depth)
    labels = {"softmax": "softmax", "shared": "rows share their noise", "spiking": "rows draw their own"}
    for kind in labels:
        key = (kind, 0 if kind == "softmax" else study.shown)
        if key in law.residual:
            reached = np.nan_to_num(law.residual[key][deep])
            lines.add(f"after_{kind}", f"residual after {deep} layers, {labels[kind]}", reached)


def _information(lines: Lines, study: Study) -> None:
    """What a probe reads where the exact network has lost its rank, but not yet to rounding."""
    layer, chance = study.informative, 1 / N_TOKEN_KINDS
    for kind, name, label in (
        ("spiking", "says", f"token read from the residual after {layer} layers, spikes"),
        ("softmax", "says_softmax", "– softmax"),
        ("regular", "says_regular", "– regular spikes"),
        ("sampled", "says_sampled", "– samples, as many"),
        ("shared", "says_shared", "– rows share their noise"),
        ("skip", "says_skip", "– spikes, with skips"),
    ):
        if kind in study.probe:
            probed = study.probe[kind]
            size = f"residual {probed.size[layer]:.1e}"
            lines.add(name, label, probed.accuracy[layer], floor=chance, note=size)


def _learning(lines: Lines, study: Study) -> None:
    sorting = study.sorting
    labels = {**KIND_LABELS, "softmax": "softmax", "skip": "softmax, skips", "skip, spiking": "spikes, skips"}
    for kind, accuracy in sorting.accuracy.items():
        name = kind.replace(", ", "_")
        lines.add(f"sort_{name}", f"places sorted right, {labels[kind]}", accuracy, floor=sorting.chance)
        slopes = sorting.gradients[kind]
        lines.add(
            f"gradient_{name}", "– last layer's gradient of queries and keys, at the start", slopes.size[-1]
        )
        lines.add(f"agreement_{name}", "– its cosine between two draws of spikes", slopes.agreement[-1])
    lines.add("paths_all", "places sorted right by all paths, softmax, skips", sorting.paths.up_to[-1])
    half = len(sorting.paths.up_to) // 2
    lines.add("paths_half", f"– by paths of length up to {half}", sorting.paths.up_to[half])
    for kind, label in CIRCLES.items():
        lines.add(
            f"circle_{kind.replace(', ', '_')}",
            f"trainings that keep two points apart, {label}",
            fraction(study.kept_apart(kind)),
        )


def in_data(study: Study) -> xr.Dataset:
    """All curves: residual by layer, factor by spikes, accuracy and gradients by layer, tracks."""
    law, spikes, n = study.law, list(study.params.spikes), study.params.n_tokens
    probes, slopes = list(study.probe.values()), list(study.sorting.gradients.values())
    label = "relative residual"
    data = {
        "initial": column(("variant", "draw", "layer"), list(study.initial.values()), label),
        **estimate_column(
            "factor",
            ("circuit", "spikes"),
            [[law.factor[kind, s] for s in spikes] for kind in study.circuits],
            "factor of a layer",
        ),
        "sampled_law": column("spikes", sampled_factor(np.array(spikes), n), "sqrt((1 - 1/n) / N)"),
        "regular_law": column(
            "spikes", [law.dispersion["regular", s].regular for s in spikes], "sqrt(n f (1 - f)) / N"
        ),
        "identity": column(
            ("kind", "probe_layer", "sequence"), [p.accuracy for p in probes], "token read right"
        ),
        "residual": column(("kind", "probe_layer"), [p.size for p in probes], label),
        "gradient": column(
            ("sorter", "sort_layer"), [g.size for g in slopes], "gradient of queries and keys"
        ),
        "agreement": column(("sorter", "sort_layer"), [g.agreement for g in slopes], "cosine of two draws"),
        "sorted": column(("sorter", "number"), list(study.sorting.accuracy.values()), "places sorted right"),
        "path_residual": column("path", study.sorting.paths.residual, label),
        "path_alone": column(("path", "number"), study.sorting.paths.alone, "places sorted right"),
        "path_up_to": column(("path", "number"), study.sorting.paths.up_to, "places sorted right"),
        "track": column(("moved", "seed", "step", "point", "xy"), list(study.circles.values()), "place"),
    }
    for model, variants in study.pretrained.items():
        dims = ("variant", f"{model}_layer", "text")
        data[model] = column(dims, [variants[v] for v in study.initial], label)
    coords = {
        "variant": list(study.initial),
        "circuit": study.circuits,
        "spikes": column("spikes", spikes, "spikes per row"),
        "kind": list(study.probe),
        "sorter": list(study.sorting.gradients),
        "moved": list(study.circles),
    }
    return xr.Dataset(data, coords)
