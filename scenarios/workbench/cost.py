"""What training and inference of a mini-transformer cost, counted in the run, as arrays by kind of operation."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, fields

import numpy as np
import torch

from bridge import TABLES, Bill, count
from bridge.bill.energy import IMPLEMENTATIONS
from bridge.bill.operations import Counts
from pragmatic.tasks.batch import Batch, Task
from pragmatic.training.train import TrainParams, start, step
from pragmatic.transformer import Transformer

__all__ = ["COUNTED", "OPERATIONS", "Cost", "forward_cost", "iteration_cost"]

COUNTED = 2  # iterations of a training that are counted at a time
OPERATIONS = (  # what one operation is; bytes are not
    *("macs", "multiplies", "acs", "synops", "divisions", "exponentials", "random_draws", "neuron_updates"),
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Operations and joules of one unit of work: an iteration of training, or a sequence."""

    counts: Mapping[str, np.ndarray]  # implementation -> (n_kinds,) of each field of `Counts`
    joules: Mapping[str, float]  # energy table -> J, of the machine that the table is about
    spikes_per_row: float  # nan where nothing spikes

    def operations(self, implementation: str = "simulated") -> float:
        """All operations of one unit, each kind counting alike; an update of a cell is one where it is hardware."""
        return float(sum(self.counts[implementation][_FIELDS.index(kind)] for kind in OPERATIONS))


def iteration_cost(model: Transformer, task: Task, params: TrainParams, rng: np.random.Generator) -> Cost:
    """Count `COUNTED` iterations on a copy of the model, forward, backward and step; means of one.

    The optimiser's own arithmetic is one kernel that the counter does not open up. It is the same for every
    kind of head.
    """
    copy = deepcopy(model)
    state = start(copy, task, params, rng=rng)
    with count(copy) as counter:
        for _ in range(COUNTED):
            step(state, task, params)
    return _cost(counter.bill(), COUNTED)


def forward_cost(model: Transformer, batch: Batch) -> Cost:
    """Count one forward pass; means of one sequence."""
    with torch.no_grad(), count(model) as counter:
        model(batch.tokens)
    return _cost(counter.bill(), len(batch.tokens))


_FIELDS = tuple(field.name for field in fields(Counts))


def _cost(bill: Bill, n: int) -> Cost:
    usage = bill.usage
    return Cost(
        counts={
            machine: np.array([getattr(bill.total(machine), name) / n for name in _FIELDS])
            for machine in IMPLEMENTATIONS
        },
        joules={table: bill.joules(table).total_J / n for table in TABLES},
        spikes_per_row=usage.exc_spikes / usage.rows if usage.rows else np.nan,
    )
