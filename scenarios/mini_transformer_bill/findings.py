"""What mini-transformer-bill found: every design on every task, with its costs, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import xarray as xr

from bridge import TABLES
from bridge.bill.energy import IMPLEMENTATIONS
from bridge.bill.operations import Counts
from pragmatic.training.evaluation import SequenceScores
from scenarios.workbench.cost import Cost

__all__ = ["Built", "Design", "bill_dataset"]


@dataclass(frozen=True, kw_only=True)
class Design:
    """A kind of attention, and how the model came by it."""

    kind: str
    spikes: int = 1  # of a row, where the kind has spikes
    swapped: bool = False  # trained with softmax, the heads put in afterwards

    @property
    def name(self) -> str:
        if self.kind not in ("sampled", "simulated"):
            return self.kind
        return f"{'swapped' if self.swapped else self.kind} {self.spikes}"


@dataclass(frozen=True, kw_only=True)
class Built:
    """A design on a task: what it can do and what it takes."""

    scores: SequenceScores
    training: tuple[Cost, Cost]  # of an iteration, before the training and after it
    iterations: int
    inference: Cost  # of a sequence
    seconds: float  # of the training


Key = tuple[str, int, Design]
Measure = Callable[[Cost], np.ndarray]


def bill_dataset(
    built: Mapping[Key, Built], tasks: Sequence[str], n_seeds: int, designs: Sequence[Design]
) -> xr.Dataset:
    """Scores of every window, counts and joules of a training and of a sequence."""
    share = {"units": "1"}
    lead = ("task", "seed", "design")
    n_windows = max(len(b.scores.loss) for b in built.values())

    def grid(of: Callable[[Built], object]) -> np.ndarray:
        return np.array(
            [[[of(built[t, s, d]) for d in designs] for s in range(n_seeds)] for t in tasks], dtype=float
        )

    def padded(scores: np.ndarray) -> np.ndarray:
        return np.pad(scores, (0, n_windows - len(scores)), constant_values=np.nan)  # a short text has fewer

    dataset = xr.Dataset(
        {
            "loss": ((*lead, "window"), grid(lambda b: padded(b.scores.loss)), {"units": "nat"}),
            "accuracy": ((*lead, "window"), grid(lambda b: padded(b.scores.accuracy)), share),
            "training_seconds": (lead, grid(lambda b: b.seconds), {"units": "s"}),
            "training_drift": (lead, grid(_drift), share),
            "spikes_per_row": (lead, grid(lambda b: b.inference.spikes_per_row), share),
        },
        {
            "task": list(tasks),
            "seed": ("seed", np.arange(n_seeds), share),
            "design": [design.name for design in designs],
            "kind": ("design", ["swapped" if d.swapped else d.kind for d in designs]),
            "spikes": ("design", [d.spikes for d in designs], share),
            "machine": list(IMPLEMENTATIONS),
            "operation": [field.name for field in fields(Counts)],
            "table": list(TABLES),
        },
    )
    measures: dict[str, tuple[Measure, tuple[str, ...], str]] = {
        "counts": (_counts, ("machine", "operation"), "1"),
        "operations": (_operations, ("machine",), "1"),
        "joules": (_joules, ("table",), "J"),
    }
    for name, (measure, axes, units) in measures.items():
        training, inference = partial(_of_training, measure), partial(_of_inference, measure)
        dataset[f"training_{name}"] = ((*lead, *axes), grid(training), {"units": units})
        dataset[f"inference_{name}"] = ((*lead, *axes), grid(inference), {"units": units})
    return dataset


def _of_training(measure: Measure, built: Built) -> np.ndarray:
    """Of the whole training: the mean of its first and last iterations, times their number."""
    first, last = built.training
    return built.iterations * (measure(first) + measure(last)) / 2


def _of_inference(measure: Measure, built: Built) -> np.ndarray:
    return measure(built.inference)


def _counts(cost: Cost) -> np.ndarray:
    return np.array([cost.counts[machine] for machine in IMPLEMENTATIONS])


def _operations(cost: Cost) -> np.ndarray:
    return np.array([cost.operations(machine) for machine in IMPLEMENTATIONS])


def _joules(cost: Cost) -> np.ndarray:
    return np.array([cost.joules[table] for table in TABLES])


def _drift(built: Built) -> float:
    """How far the operations of an iteration moved from the first to the last."""
    first, last = (cost.operations() for cost in built.training)
    return abs(last / first - 1)
