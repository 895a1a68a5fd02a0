"""What train-with-spikes found: the course of every training, as data that runs can share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import xarray as xr

from bridge import TABLES
from bridge.bill.energy import IMPLEMENTATIONS
from bridge.bill.operations import Counts
from pragmatic.training.evaluation import SequenceScores
from pragmatic.training.train import TrainResult
from scenarios.workbench.cost import Cost

__all__ = ["READS", "Training", "join", "trainings_dataset"]

READS = ("softmax", "simulated")  # heads that may be put into a trained model in the place of its own


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training from scratch."""

    kind: str
    seed: int
    result: TrainResult
    scores: Mapping[str, SequenceScores]  # of the trained model, by the heads in it; its own are `kind`
    costs: tuple[Cost, Cost]  # of an iteration, before the training and after it


def trainings_dataset(trainings: Sequence[Training], settings: str) -> xr.Dataset:
    """Losses by iteration, held-out losses along the way and at the end, counts and joules of an iteration."""
    first = trainings[0].result
    nats, share, seconds = {"units": "nat"}, {"units": "1"}, {"units": "s"}
    evaluations = [[e.loss for e in t.result.evaluations] for t in trainings]
    accuracies = [[e.accuracy for e in t.result.evaluations] for t in trainings]
    counts = [[[cost.counts[m] for m in IMPLEMENTATIONS] for cost in t.costs] for t in trainings]
    operations = [[[cost.operations(m) for m in IMPLEMENTATIONS] for cost in t.costs] for t in trainings]
    joules = [[[cost.joules[table] for table in TABLES] for cost in t.costs] for t in trainings]
    return xr.Dataset(
        {
            "batch_loss": (("training", "iteration"), [t.result.losses for t in trainings], nats),
            "seconds": (("training", "iteration"), [t.result.seconds for t in trainings], seconds),
            "held_out_loss": (("training", "evaluation"), evaluations, nats),
            "held_out_accuracy": (("training", "evaluation"), accuracies, share),
            "loss": (("training", "window"), [t.scores[t.kind].loss for t in trainings], nats),
            "accuracy": (("training", "window"), [t.scores[t.kind].accuracy for t in trainings], share),
            "loss_with": (("training", "read", "window"), [_others(t) for t in trainings], nats),
            "counts": (("training", "when", "machine", "operation"), counts, share),
            "operations": (("training", "when", "machine"), operations, share),
            "joules": (("training", "when", "table"), joules, {"units": "J"}),
            "spikes_per_row": (
                ("training", "when"),
                [[cost.spikes_per_row for cost in t.costs] for t in trainings],
                share,
            ),
        },
        {
            "kind": ("training", [t.kind for t in trainings]),
            "seed": ("training", [t.seed for t in trainings], share),
            "iteration": ("iteration", np.arange(1, len(first.losses) + 1), share),
            "evaluation": ("evaluation", [e.iteration for e in first.evaluations], share),
            "read": list(READS),
            "when": ["first", "last"],
            "machine": list(IMPLEMENTATIONS),
            "operation": [field.name for field in fields(Counts)],
            "table": list(TABLES),
        },
        {"settings": settings},
    )


def join(one: xr.Dataset | None, other: xr.Dataset | None) -> xr.Dataset:
    """The trainings of both, each (kind, seed) once; of either alone where the other is None."""
    given = [
        dataset.drop_encoding() for dataset in (one, other) if dataset is not None
    ]  # read text has a width
    both = given[0] if len(given) == 1 else xr.concat(given, dim="training", combine_attrs="override")
    pairs = list(zip(both.kind.values, both.seed.values.tolist(), strict=True))
    return both.isel(training=sorted({pair: i for i, pair in reversed(list(enumerate(pairs)))}.values()))


def _others(training: Training) -> np.ndarray:
    """Losses (n_reads, n_windows) with other heads put in; nan where that was not measured."""
    n_windows = len(training.scores[training.kind].loss)
    unknown = np.full(n_windows, np.nan)
    own = {training.kind}
    return np.array(
        [
            training.scores[read].loss if read in training.scores and read not in own else unknown
            for read in READS
        ]
    )
