"""The numbers of mini-transformer-bill, from its data."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bridge import TABLES
from scenarios.mini_transformer_bill.pareto import DIGITAL, HARDWARE, IN_SPIKES, front, points_of
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, mean, mean_over_seeds, metric

__all__ = ["PHASES", "bill_metrics"]

PHASES = ("inference", "training")


def bill_metrics(dataset: xr.Dataset, *, goal: float) -> dict[str, Metric]:
    """Every number of the report.

    Parameters
    ----------
    dataset : Dataset
        Of `bill_dataset`.
    goal : float
        Accuracy that a model may lose to softmax and still count as good.
    """
    found = _over_tasks(dataset, goal)
    for name in dataset.task.values:
        found |= _of_task(str(name), dataset.sel(task=name), goal)
    return found


def _over_tasks(dataset: xr.Dataset, goal: float) -> dict[str, Metric]:
    tasks = [dataset.sel(task=name) for name in dataset.task.values]
    note = "mean over tasks"
    found = {
        "accuracy_gap": metric(
            "accuracy of simulated heads above softmax",
            _mean_gap(dataset, _most(dataset, "simulated")),
            floor=0.0,
            control=_mean_gap(dataset, "uniform").value,
            note=f"{note}, at the largest budget; control: uniform heads",
        )
    }
    fewest = _fewest(dataset)
    if fewest is not None:
        found["through_gain"] = metric(
            f"accuracy at {fewest} spikes, trained through them above put into softmax",
            _mean_gap(dataset, f"simulated {fewest}", f"swapped {fewest}"),
            floor=0.0,
            note=f"{note}, the same sequences",
        )
    for phase in PHASES:
        times = [_times(task, phase, goal).value for task in tasks]
        n_good = int(np.isfinite(times).sum())
        found[f"{phase}_times"] = metric(
            f"energy of {phase}, simulated / softmax",
            mean(np.array(times)),
            note=f"the cheapest that loses at most {goal:g} of accuracy, on the cheaper machine; over the {n_good} "
            f"of {len(tasks)} tasks that have one; error: spread over tasks",
        )
    fronts = [any(p.in_spikes for p in front(points_of(task, phase))) for task in tasks for phase in PHASES]
    found["fronts"] = Metric(
        label="fronts of accuracy against energy with a spiking model on them",
        value=float(sum(fronts)),
        note=f"of {len(fronts)}: inference and training of each task; on one is what is clearly more accurate than "
        "all that costs less",
    )
    return found


def _of_task(name: str, task: xr.Dataset, goal: float) -> dict[str, Metric]:
    found = {
        f"accuracy_{name}": metric(
            f"{name}: accuracy with softmax", mean_over_seeds(task.accuracy.sel(design="softmax").values)
        )
    }
    for kind in dict.fromkeys(task.kind.values.tolist()):
        if kind == "softmax":
            continue
        design = _most(task, kind)
        found[f"gap_{name}_{kind}"] = metric(
            f"– with {design} above softmax",
            _gap(task, str(design)),
            floor=0.0,
            note="the same sequences"
            + ("" if task.sizes["seed"] > 1 else "; one training, error over sequences"),
        )
    for phase in PHASES:
        found[f"{phase}_times_{name}"] = _times(task, phase, goal)
    found[f"training_drift_{name}"] = Metric(
        label="– change of operations from the first iteration to the last",
        value=float(task.training_drift.max()),
        note="two iterations are counted before and two after a training, and scaled by their number",
    )
    if _most(task, "simulated") is not None:
        found[f"break_even_{name}"] = _break_even(task)
    return found


def _most(dataset: xr.Dataset, kind: str) -> str | None:
    """The design of a kind with the largest budget."""
    named = dataset.design.values[dataset.kind.values == kind]
    return str(named[-1]) if len(named) else None


def _fewest(dataset: xr.Dataset) -> int | None:
    """The smallest budget of simulated heads."""
    budgets = dataset.spikes.values[dataset.kind.values == "simulated"]
    return int(budgets.min()) if len(budgets) else None


def _gap(task: xr.Dataset, design: str, other: str = "softmax") -> Estimate:
    accuracy = task.accuracy
    return mean_over_seeds(accuracy.sel(design=design).values - accuracy.sel(design=other).values)


def _mean_gap(dataset: xr.Dataset, design: str | None, other: str = "softmax") -> Estimate:
    """Mean over tasks, whose sequences are independent."""
    if design is None or design not in dataset.design.values:
        return Estimate(value=np.nan, error=np.nan)
    each = [_gap(dataset.sel(task=name), design, other) for name in dataset.task.values]
    error = np.sqrt(sum(gap.error**2 for gap in each)) / len(each)
    return Estimate(value=float(np.mean([gap.value for gap in each])), error=float(error))


def _times(task: xr.Dataset, phase: str, goal: float) -> Metric:
    """Energy of the cheapest good model with simulated heads over softmax's; for training, trained through them."""
    points = points_of(task, phase)
    softmax = next(point for point in points if point.kind == "softmax")
    kinds = IN_SPIKES if phase == "inference" else ("simulated",)
    spiking = [p for p in points if p.kind in kinds and p.above(softmax).value >= -goal]
    best = min(spiking, key=lambda point: point.cost, default=None)
    label = f"– energy of {phase}, cheapest good simulated / softmax"
    if best is None:
        return Metric(label=label, value=np.nan, note=f"none loses at most {goal:g} of accuracy")
    machine = "digital" if best.table == DIGITAL else "cells in hardware"
    return Metric(label=label, value=best.cost / softmax.cost, note=f"{best.design}, {machine}")


def _break_even(task: xr.Dataset) -> Metric:
    """What an update of a cell may cost for the smallest budget of spikes to match softmax at inference."""
    named = task.design.values[task.kind.values == "simulated"]
    spiking, softmax = task.sel(design=named[0]), task.sel(design="softmax")
    prices = TABLES[HARDWARE].prices_pJ
    updates = spiking.inference_counts.sel(machine="events", operation="neuron_updates").values
    joules = spiking.inference_joules.sel(table=HARDWARE).values
    rest = joules - 1e-12 * prices["neuron_updates"] * updates
    spare = softmax.inference_joules.sel(table=DIGITAL).values - rest
    return metric(
        "– update of a cell at which inference breaks even",
        mean(1e12 * spare / updates),
        control=prices["neuron_updates"],
        unit="pJ",
        note=f"{named[0]}, cells in hardware; below 0: not even free updates would do; control: Loihi",
    )
