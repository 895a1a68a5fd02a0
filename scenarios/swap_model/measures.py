"""Measures of swap-model: weights layer by layer, hidden states block by block, and the output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bridge import Usage
from scenarios.swap_model.swapped import Pass
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import columns

__all__ = ["Passes", "passes_dataset", "table"]

KINDS = ("simulated", "sampled", "uniform")
BESIDE = "floor: as many exact samples; control: uniform attention"


@dataclass(frozen=True, kw_only=True)
class Passes:
    """Forward passes with spikes, with as many exact samples, with uniform attention, and the model's own."""

    plain: Pass
    spiking: list[Pass]  # one a draw
    sampled: list[Pass]
    uniform: Pass
    usage: Usage  # of the spiking passes

    @property
    def what(self) -> str:
        """The name of the output."""
        return "logits" if self.plain.has_logits else "last hidden state"


def passes_dataset(passes: Passes, labels: list[str]) -> xr.Dataset:
    """Distances of weights, changes of hidden states and of the output; `labels` of the swapped layers."""
    plain, spiking, draws = passes.plain, passes.spiking, range(len(passes.spiking))

    def kinds(of: Callable[[Pass], Any]) -> list[Any]:
        """Mean over draws of each kind; uniform attention has no noise."""
        return [np.mean([of(p) for p in each], 0) for each in (spiking, passes.sampled, [passes.uniform])]

    def each(of: Callable[[Pass], float]) -> list[list[float]]:
        return [[of(p) for p in each] for each in (spiking, passes.sampled, [passes.uniform] * len(draws))]

    def error(of: Callable[[Pass], np.ndarray]) -> list[float]:
        return [mean(values).error for values in np.stack([of(p) for p in spiking]).T]

    blocks = range(len(plain.hidden))
    return xr.Dataset(
        {
            **columns(("kind", "layer"), distance=kinds(lambda p: p.distance)),
            **columns("layer", distance_se=error(lambda p: p.distance)),
            **columns("layer", floor=np.mean([p.floor for p in spiking], 0)),
            **columns(("kind", "block"), hidden_change=kinds(lambda p: p.hidden_change(plain))),
            **columns("block", hidden_change_se=error(lambda p: p.hidden_change(plain))),
            **columns(("kind", "draw"), change=each(lambda p: p.change(plain))),
            **columns(("kind", "draw"), "nat", divergence=each(lambda p: p.divergence_nats(plain))),
            **columns(("kind", "draw"), same_choice=each(lambda p: p.same_choice(plain))),
        },
        {
            "kind": list(KINDS),
            "layer": labels,
            **columns("block", block=blocks),
            **columns("draw", draw=draws),
        },
    )


def table(dataset: xr.Dataset, passes: Passes) -> dict[str, Metric]:
    """Every number of the report."""
    lines, usage = Lines(), passes.usage
    outputs = {"change": (f"change of the {passes.what}", "", f"of its norm; {BESIDE}")}
    if passes.plain.has_logits:
        outputs["divergence"] = ("KL of what the logits predict", "nat", "")
        outputs["same_choice"] = ("tokens with the same largest logit", "", "")
    for name, (label, unit, note) in outputs.items():
        spiking, sampled, uniform = (dataset[name].sel(kind=kind) for kind in KINDS)
        lines.add(name, label, spiking, floor=sampled, control=uniform, unit=unit, note=note)
    _excess(lines, dataset)
    lines.add("spikes", "spikes counted per row", usage.spikes / usage.rows)
    lines.add("silent", "silent rows", usage.silent_rows, note=f"of {usage.rows}")
    times = min(p.seconds for p in passes.spiking) / passes.plain.seconds
    label = "time of the forward pass over the model's own"
    lines.add("seconds", label, times, note="the fastest draw, on this machine, one run")
    for i, layer in enumerate(dataset.layer.values):
        at, note = dataset.isel(layer=i), "floor: as many exact samples" if i == 0 else ""
        label, distance = f"layer {layer}: total variation to softmax", at.distance
        _line(lines, f"weights_{layer}", label, distance, at.distance_se, at.floor, note)
    for i in range(dataset.sizes["block"]):
        at, note = dataset.isel(block=i), "of its norm" if i == 0 else ""
        label, change = f"block {i}: change of the hidden state", at.hidden_change
        _line(lines, f"hidden_{i}", label, change, at.hidden_change_se, change[1], note)
    return lines.metrics


def _line(lines: Lines, name: str, label: str, kinds: Any, error: Any, floor: Any, note: str) -> None:
    spiking = Estimate(value=float(kinds[0]), error=float(error))
    lines.add(name, label, spiking, floor=floor, control=kinds[2], note=note)


def _excess(lines: Lines, dataset: xr.Dataset) -> None:
    """Over all chosen heads: how much further than sampling explains."""
    floor = float(dataset.floor.mean())
    error = float(np.sqrt((dataset.distance_se**2).sum()) / dataset.sizes["layer"])
    spiking = Estimate(value=float(dataset.distance[0].mean()) / floor, error=error / floor)
    lines.add(
        "excess",
        "total variation / sampling floor",
        spiking,
        floor=1,
        control=dataset.distance[2].mean() / floor,
        note="at the scores that the circuit was given",
    )
