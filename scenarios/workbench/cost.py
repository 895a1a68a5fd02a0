"""What training and inference of a mini-transformer cost, counted in the run, as arrays by kind of operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields

import numpy as np
import torch

from bridge import TABLES, Bill, count
from bridge.bill.counts import Counts
from bridge.bill.energy import IMPLEMENTATIONS
from pragmatic.tasks.batch import Batch, Task
from pragmatic.training.train import TrainParams, start, step
from pragmatic.transformer import Transformer
from scenarios.workbench.tables import Variables, columns

__all__ = [
    *("COST_AXES", "COUNTED", "DIGITAL", "HARDWARE", "OPERATIONS", "Cost", "cost_columns", "forward_cost"),
    "iteration_cost",
]

DIGITAL, HARDWARE = "fp32_45nm", "loihi_fp32"  # energy tables of the two machines that reports are about
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


def cost_columns(dims: Sequence[str], costs: np.ndarray, prefix: str = "") -> Variables:
    """Give counts, operations and joules of an array of `Cost` as variables; `COST_AXES` are their coordinates."""

    def of(measure: Callable[[Cost], object]) -> np.ndarray:
        values = np.array([measure(cost) for cost in costs.flat], dtype=float)
        return values.reshape(*costs.shape, *values.shape[1:])

    counts = of(lambda cost: [cost.counts[machine] for machine in IMPLEMENTATIONS])
    operations = of(lambda cost: [cost.operations(machine) for machine in IMPLEMENTATIONS])
    joules = of(lambda cost: [cost.joules[table] for table in TABLES])
    return {
        **columns((*dims, "machine", "operation"), **{f"{prefix}counts": counts}),
        **columns((*dims, "machine"), **{f"{prefix}operations": operations}),
        **columns((*dims, "table"), "J", **{f"{prefix}joules": joules}),
        **columns(dims, **{f"{prefix}spikes_per_row": of(lambda cost: cost.spikes_per_row)}),
    }


_FIELDS = tuple(field.name for field in fields(Counts))
COST_AXES = {"machine": list(IMPLEMENTATIONS), "operation": list(_FIELDS), "table": list(TABLES)}


def _cost(bill: Bill, n: int) -> Cost:
    usage = bill.usage
    return Cost(
        counts={
            machine: np.array([getattr(bill.total(machine), name) / n for name in _FIELDS])
            for machine in IMPLEMENTATIONS
        },
        joules={table: bill.joules(table).total_J / n for table in TABLES},
        spikes_per_row=usage.spikes / usage.rows if usage.rows else np.nan,
    )
