"""What head-swap found: a model's losses under every swap, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bridge import Usage
from pragmatic.training.evaluation import SequenceScores
from scenarios.head_swap.head_probe import HeadFacts

__all__ = ["CONTROLS", "KINDS", "Findings", "findings_dataset"]

KINDS = ("simulated", "sampled")
CONTROLS = ("uniform", "hardmax")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Scores on the same windows; a swap is named "all" (the chosen heads together) or "layer.head"."""

    pairs: list[tuple[int, int]]  # (layer, head) of each chosen head
    spikes: tuple[int, ...]
    few: int  # spikes at which heads are compared
    goal: float  # nats, the rise whose price is told
    reference: SequenceScores  # of the model as trained
    scores: Mapping[tuple[str, str, int], SequenceScores]  # kind, swap, spikes
    controls: Mapping[tuple[str, str], SequenceScores]  # control, swap
    usage: Mapping[tuple[str, str, int], Usage]  # kind, swap, spikes
    facts: HeadFacts

    @property
    def heads(self) -> list[str]:
        """The names of the swaps of one head."""
        return [f"{layer}.{head}" for layer, head in self.pairs]

    @property
    def swaps(self) -> list[str]:
        return ["all", *self.heads]


def findings_dataset(found: Findings) -> xr.Dataset:
    """Loss and accuracy of every window, the rises with their standard errors, and facts about the heads."""
    full, controlled = ("kind", "swap", "spikes", "window"), ("control", "swap", "window")
    nats, share = {"units": "nat"}, {"units": "1"}
    dataset = xr.Dataset(
        {
            "softmax_loss": ("window", found.reference.loss, nats),
            "softmax_accuracy": ("window", found.reference.accuracy, share),
            "loss": (full, _grid(found, lambda key: found.scores[key].loss), nats),
            "accuracy": (full, _grid(found, lambda key: found.scores[key].accuracy), share),
            "control_loss": (controlled, _controls(found, "loss"), nats),
            "control_accuracy": (controlled, _controls(found, "accuracy"), share),
            "spikes_per_row": (full[:-1], _grid(found, lambda key: _per_row(found.usage[key])), share),
            "silent_rows": (full[:-1], _grid(found, lambda key: found.usage[key].silent_rows), share),
            "entropy": ("head", found.facts.entropy, nats),
            "effective_keys": ("head", found.facts.effective_keys, share),
            "scatter": ("head", found.facts.scatter, share),
        },
        {
            "kind": list(KINDS),
            "control": list(CONTROLS),
            "swap": found.swaps,
            "head": found.heads,
            "spikes": ("spikes", list(found.spikes), share),
            "layer": ("head", [layer for layer, _ in found.pairs], share),
            "place": ("head", [place for _, place in found.pairs], share),
        },
        {"few_spikes": found.few, "goal_nats": found.goal},
    )
    return dataset.merge(_rises(dataset, "loss")).merge(_rises(dataset, "accuracy"))


def _grid(found: Findings, of: Callable[[tuple[str, str, int]], np.ndarray | float]) -> np.ndarray:
    return np.array([[[of((k, s, n)) for n in found.spikes] for s in found.swaps] for k in KINDS])


def _controls(found: Findings, field: str) -> np.ndarray:
    return np.array([[getattr(found.controls[c, s], field) for s in found.swaps] for c in CONTROLS])


def _per_row(usage: Usage) -> float:
    return usage.exc_spikes / usage.rows


def _rises(dataset: xr.Dataset, field: str) -> xr.Dataset:
    """Mean difference to softmax over the same windows, and the standard error of that mean."""
    rises = {}
    for name in (field, f"control_{field}"):
        difference = dataset[name] - dataset[f"softmax_{field}"]
        rises[f"{name}_rise"] = difference.mean("window")
        rises[f"{name}_rise_se"] = difference.std("window", ddof=1) / np.sqrt(dataset.sizes["window"])
    return xr.Dataset({name: array.assign_attrs(dataset[field].attrs) for name, array in rises.items()})
