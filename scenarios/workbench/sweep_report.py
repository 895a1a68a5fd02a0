"""What came out of a sweep, as an `Outcome`: dataset, ranges of the headline metrics, figures and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from scenarios.workbench.outcome import Metric, Outcome, Picture, number_text
from scenarios.workbench.points import PointResult
from scenarios.workbench.style import WIDTH_in
from scenarios.workbench.sweep import SweepPlan
from scenarios.workbench.sweep_dataset import sweep_dataset
from scenarios.workbench.sweep_plots import draw_against, draw_map, draw_parallel

__all__ = ["summarise"]

SHOWN_ERRORS = 5


def summarise(plan: SweepPlan, results: Sequence[PointResult]) -> Outcome:
    """Turn the results of a plan's points, in the plan's order, into what a run folder holds."""
    dataset = sweep_dataset(plan, results)
    names = _headline(plan, results, dataset)
    failed = [result.error for result in results if result.error is not None]
    metrics = {
        **{name: _range(plan, dataset, name) for name in names},
        "points": Metric(label="points", value=len(results), note=" x ".join(map(str, plan.shape))),
        "failed": Metric(label="points that failed", value=len(failed)),
        "settings": Metric(label="settings of the parameters", value=len(plan.values)),
    }
    counts = ("points", "failed", "settings")
    first, second, third = (*names, *counts)[:3]
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=(first, second, third),
        pictures=_pictures(plan, dataset, names),
        verdict=_verdict(plan, dataset, names, failed),
    )


def _headline(plan: SweepPlan, results: Sequence[PointResult], dataset: xr.Dataset) -> list[str]:
    """The variables of the scenario's headline, of the first point that has one."""
    wanted = next((result.headline for result in results if result.error is None), ())
    names = [f"{name}_measured" if f"{name}_measured" in dataset else name for name in wanted]
    return [name for name in names if np.isfinite(dataset[name]).any()]


def _flat(plan: SweepPlan, dataset: xr.Dataset, name: str) -> np.ndarray:
    """The variable's mean over repeats, (n_settings,); nan where no repeat has it."""
    values = dataset[name].mean("repeat").values
    return np.asarray(values).reshape(-1)


def _range(plan: SweepPlan, dataset: xr.Dataset, name: str) -> Metric:
    values, attributes = _flat(plan, dataset, name), dataset[name].attrs
    low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
    return Metric(
        label=f"{attributes['long_name']}, median over settings",
        value=float(np.nanmedian(values)),
        unit="" if attributes["units"] == "1" else attributes["units"],
        note=f"from {number_text(float(values[low]))} at {_where(plan, low)} "
        f"to {number_text(float(values[high]))} at {_where(plan, high)}",
    )


def _where(plan: SweepPlan, setting: int) -> str:
    pairs = zip(plan.swept, plan.values[setting], strict=True)
    parts = [
        f"{axis.name} {value:g}" if isinstance(value, float) else f"{axis.name} {value}"
        for axis, value in pairs
    ]
    return ", ".join(parts) or "the one setting"


def _verdict(plan: SweepPlan, dataset: xr.Dataset, names: list[str], failed: list[str]) -> str:
    lines = [_influence(plan, dataset, name) for name in names if plan.swept]
    if failed:
        lines.append(f"{len(failed)} of {len(plan.points)} points failed:")
        for error, times in Counter(failed).most_common(SHOWN_ERRORS):
            lines.append(f"  {times} x {error}")
    return "\n".join(lines) or f"{len(plan.points)} runs of one setting, each with its own seed."


def _influence(plan: SweepPlan, dataset: xr.Dataset, name: str) -> str:
    """How much of a metric's spread over settings goes with each parameter alone."""
    values = _flat(plan, dataset, name)
    total = float(np.nanvar(values))
    label = dataset[name].attrs["long_name"]
    label = label[:1].upper() + label[1:]
    if not total > 0:
        return f"{label}: the same at all settings."
    shares = {axis.name: _explained(plan, values, column) / total for column, axis in enumerate(plan.swept)}
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    (first, most), *others = ranked
    by = first if plan.samples is None else f"a parabola in {first}"
    rest = "".join(f", {parameter} alone {share:.0%}" for parameter, share in others)
    return f"{label}: {by} alone explains {most:.0%} of the variance over settings{rest}."


def _explained(plan: SweepPlan, values: np.ndarray, column: int) -> float:
    """Variance that one parameter explains: between its levels on a grid, by a parabola on a hypercube."""
    known = np.isfinite(values)
    at = np.array([row[column] for row in plan.values], dtype=object)[known]
    levels, index = np.unique(at.astype(str), return_inverse=True)
    if plan.samples is None or plan.swept[column].field.kind in (str, bool):
        means = np.bincount(index, values[known]) / np.bincount(index)
        return float(np.var(means[index]))
    degree = min(2, len(levels) - 1)
    return float(
        np.var(np.polynomial.Polynomial.fit(at.astype(float), values[known], degree)(at.astype(float)))
    )


def _pictures(plan: SweepPlan, dataset: xr.Dataset, names: list[str]) -> dict[str, Picture]:
    if not names:
        return {}
    if len(plan.swept) <= 1:
        against = plan.swept[0].name if plan.swept else "repeat"
        return {
            "lines": Picture(
                draw=lambda: _draw_lines(dataset, names, against),
                caption=f"The headline metrics against {against}: mean over repeats with its standard error; dots: "
                "single runs. Dotted: floor; dashed: control, where the scenario has them.",
            )
        }
    if len(plan.swept) == 2 and plan.samples is None:
        first, second = (axis.name for axis in plan.swept)
        return {
            "maps": Picture(
                draw=lambda: _draw_maps(dataset, names, second, first),
                caption=f"The headline metrics over {second} and {first}, mean over repeats. Blank: no run has the "
                "metric.",
            )
        }
    return {
        "parallel": Picture(
            draw=lambda: _draw_parallel(plan, dataset, names),
            caption="A line per setting, through its parameters and the metrics that it led to (mean over "
            f"repeats), coloured by the first metric: {dataset[names[0]].attrs['long_name']}.",
        )
    }


def _draw_lines(dataset: xr.Dataset, names: list[str], against: str) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 2.9))
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        draw_against(ax, dataset, name, against)
    return figure


def _draw_maps(dataset: xr.Dataset, names: list[str], x: str, y: str) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 2.9))
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        draw_map(ax, dataset, name, x, y)
    return figure


def _draw_parallel(plan: SweepPlan, dataset: xr.Dataset, names: list[str]) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.8))
    columns = {axis.name: np.array([row[i] for row in plan.values]) for i, axis in enumerate(plan.swept)}
    measured = {dataset[name].attrs["long_name"]: _flat(plan, dataset, name) for name in names}
    draw_parallel(figure.subplots(), {**columns, **measured}, colour_by=next(iter(measured)))
    return figure
