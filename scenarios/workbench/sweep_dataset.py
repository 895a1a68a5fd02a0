"""The points of a sweep as one labelled dataset: a variable a metric, a dimension a swept parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scenarios.workbench.outcome import Metric
from scenarios.workbench.params import Field
from scenarios.workbench.points import PointResult
from scenarios.workbench.sweep import SweepPlan

__all__ = ["BESIDE", "sweep_dataset"]

BESIDE = ("standard_error", "floor", "control")  # each a variable <metric>_<name> where any point has it
UNITS = ("ms", "Hz", "mV", "s")  # by which the name of a parameter may end


def sweep_dataset(plan: SweepPlan, results: Sequence[PointResult]) -> xr.Dataset:
    """Put the results into arrays of the plan's shape.

    Parameters
    ----------
    plan : SweepPlan
    results : sequence of PointResult
        In the order of the plan's points, however they were computed.

    Returns
    -------
    xarray.Dataset
        nan where a point failed or has no such metric; `error` says why, empty where nothing is amiss. A metric
        that is called like a dimension gets ``_measured`` behind its name.
    """
    data: dict[str, Any] = {}
    first: dict[str, Metric] = {}
    for result in results:
        first = {**result.metrics, **first}
    for name, metric in sorted(first.items()):
        attributes = {"units": metric.unit or "1", "long_name": metric.label}
        taken = name in plan.fixed or name in plan.dims or name in {axis.name for axis in plan.swept}
        variable = f"{name}_measured" if taken else name
        data[variable] = _array(plan, results, name, "value", attributes)
        for beside in BESIDE:
            if any(getattr(r.metrics.get(name), beside, None) is not None for r in results):
                data[f"{variable}_{beside}"] = _array(plan, results, name, beside, attributes)
    errors = np.array([result.error or "" for result in results], dtype=object)
    data["error"] = (plan.dims, errors.reshape(plan.shape))
    return xr.Dataset(data, _coordinates(plan), {"scenario": plan.scenario, "engine": plan.engine})


def _array(
    plan: SweepPlan, results: Sequence[PointResult], name: str, part: str, attributes: dict[str, str]
) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
    """One number of a metric, at all points: its value, or what stands beside it."""
    found = [getattr(result.metrics.get(name), part, None) for result in results]
    values = np.array([math.nan if value is None else value for value in found])
    return plan.dims, values.reshape(plan.shape), attributes


def _coordinates(plan: SweepPlan) -> dict[str, Any]:
    coordinates: dict[str, Any] = {
        "repeat": ("repeat", np.arange(plan.repeats), {"units": "1"}),
        "seed": ("repeat", np.array(plan.seeds), {"units": "1", "long_name": "seed of the run"}),
    }
    for column, axis in enumerate(plan.swept):
        levels = axis.levels if plan.samples is None else [row[column] for row in plan.values]
        dim = axis.name if plan.samples is None else "sample"
        coordinates[axis.name] = (dim, _labels(levels), _attributes(axis.field))
    if plan.samples is not None:
        coordinates["sample"] = ("sample", np.arange(plan.samples), {"units": "1"})
    for name, value in plan.fixed.items():
        coordinates[name] = ((), value, {"units": _unit(name)})
    return coordinates


def _labels(levels: Sequence[Any]) -> np.ndarray:
    return np.array(levels, dtype=object if isinstance(levels[0], str) else None)


def _attributes(field: Field) -> dict[str, str]:
    return {"units": _unit(field.name), "long_name": field.help}


def _unit(name: str) -> str:
    """The unit that a parameter's name ends by: ``tau_gaba_ms``."""
    ending = name.rpartition("_")[2]
    return ending if ending in UNITS and ending != name else "1"
