"""Quantities declared once, as columns of the dataset, and measures of several conditions as lines of a report.

A column has its dimensions, a reader's words for it and its unit. The report takes them from there
(`scenarios.workbench.lines.Lines.take`), and so do the axes of a figure (`scenarios.workbench.axes.points`)::

    data = xr.Dataset({"f_gamma": column("row", peaks, "gamma peak", "Hz")})

circuits = Conditions(runs, labels=LABELS, control="matched", note="control: no loop, same rate")
metrics = circuits.lines("cv", "spread of total spikes (CV)", spread, floor=poisson)
# -> "cv" with its floor and control, and "cv_matched", "cv_slow" with their own errors

xr.Dataset({**columns("row", "Hz", f_gamma=peaks), **columns(("row", "key"), counts=counts)})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import xarray as xr

from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, metric

__all__ = [
    "Column",
    "Conditions",
    "Variables",
    "column",
    "columns",
    "estimate_column",
    "named",
]

T = TypeVar("T")
Column = tuple[str | Sequence[str], Any, dict[str, str]]  # dimensions, values, attributes
Variables = dict[str, Column]


@dataclass(frozen=True, kw_only=True)
class Conditions(Generic[T]):
    """Results under several conditions; the first is the one in question."""

    runs: Mapping[str, T]
    labels: Mapping[str, str]  # condition -> a reader's words
    control: str  # the condition that stands as control
    note: str = ""  # on every line of the first condition

    def each(self, measure: Callable[[T], Estimate]) -> dict[str, Estimate]:
        """A measure of every condition, in their order."""
        return {name: measure(run) for name, run in self.runs.items()}

    def lines(
        self,
        name: str,
        label: str,
        measured: Callable[[T], Estimate] | Mapping[str, Estimate],
        *,
        floor: float | Estimate | None = None,
        unit: str = "",
    ) -> dict[str, Metric]:
        """A measure as one line a condition: `name`, then ``name_condition`` for each of the others.

        Parameters
        ----------
        name, label : str
        measured : callable or mapping
            The measure of a condition's results, or the estimate of each condition.
        floor : float, optional
            What chance or sampling alone would give.
        unit : str
        """
        estimates = self.each(measured) if callable(measured) else measured
        first, *others = self.runs
        return {
            name: metric(
                label,
                estimates[first],
                floor=floor,
                control=estimates[self.control],
                unit=unit,
                note=self.note,
            ),
            **{f"{name}_{c}": metric(f"– {self.labels[c]}", estimates[c], unit=unit) for c in others},
        }


def column(dims: str | Sequence[str], values: Any, label: str, unit: str = "") -> Column:
    """A quantity as a variable of an `xarray.Dataset`: its values, a reader's words for it, and its unit."""
    return dims, np.asarray(values), {"units": unit or "1", "long_name": label}


def estimate_column(
    name: str, dims: str | Sequence[str], estimates: Any, label: str, unit: str = ""
) -> Variables:
    """Estimates, nested as deep as there are dimensions, as two columns: `name`, and ``name_se`` their errors."""
    return {
        f"{name}{suffix}": column(dims, _part(estimates, part), label + of, unit)
        for suffix, part, of in (("", "value", ""), ("_se", "error", ", standard error"))
    }


def named(column: xr.DataArray) -> str:
    """What an axis says of a column: ``"gamma peak (Hz)"``."""
    label, unit = column.attrs.get("long_name", str(column.name)), column.attrs.get("units", "1")
    return label if unit == "1" else f"{label} ({unit})"


def columns(dims: str | Sequence[str], units: str = "1", /, **values: Any) -> Variables:
    """Arrays of the same dimensions and units as variables of an `xarray.Dataset`."""
    return {name: (dims, np.asarray(value), {"units": units}) for name, value in values.items()}


def _part(nested: Any, part: str) -> Any:
    return getattr(nested, part) if isinstance(nested, Estimate) else [_part(inner, part) for inner in nested]
