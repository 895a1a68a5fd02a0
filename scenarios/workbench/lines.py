"""The numbers of a report, written line by line."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, mean, metric

__all__ = ["Lines"]


class Lines:
    """Named lines of value, standard error, floor and control, in the order in which they are added.

    >>> lines = Lines()
    >>> lines.add("loss", "loss with softmax", np.array([1.0, 2.0, 3.0]), unit="nat", floor=0.5).text()
    '2.00 ± 0.58 nat'
    """

    def __init__(self) -> None:
        self.metrics: dict[str, Metric] = {}

    def add(
        self,
        name: str,
        label: str,
        value: Any,
        *,
        floor: Any = None,
        control: Any = None,
        unit: str = "",
        note: str = "",
    ) -> Metric:
        """Add a line.

        Parameters
        ----------
        name, label : str
            For programs and for readers.
        value : Estimate, number or array
            Of an array the mean over its entries with its standard error; a bare number has no error.
        floor, control : Estimate, number or array, optional
            Their means alone are shown.
        unit, note : str
        """
        shown = [None if given is None else _estimate(given).value for given in (floor, control)]
        line = metric(label, _estimate(value), floor=shown[0], control=shown[1], unit=unit, note=note)
        self.metrics[name] = line
        return line

    def take(
        self,
        data: xr.Dataset,
        column: str,
        *,
        name: str = "",
        label: str = "",
        floor: Any = None,
        control: Any = None,
        note: str = "",
    ) -> Metric:
        """Add a line from a column of the dataset, with the label and the unit that it has there.

        Parameters
        ----------
        data : Dataset
            The part of the dataset that the line is about.
        column : str
            Its value is the mean over its entries with their standard error; of a single entry, the entry
            with the error in ``column_se``, if there is one.
        name, label : str
            The column's own if not given.
        floor, control : optional
            As `add` has them, or the name of a column.
        note : str
        """
        of = data[column]
        value: Any = of
        if of.ndim == 0 and f"{column}_se" in data:
            value = Estimate(value=float(of), error=float(data[f"{column}_se"]))
        beside = [data[given] if isinstance(given, str) else given for given in (floor, control)]
        return self.add(
            name or column,
            label or of.attrs["long_name"],
            value,
            floor=beside[0],
            control=beside[1],
            unit="" if of.attrs["units"] == "1" else of.attrs["units"],
            note=note,
        )


def _estimate(given: Any) -> Estimate:
    if isinstance(given, Estimate):
        return given
    values = np.asarray(given, dtype=float)
    return mean(values) if values.ndim else Estimate(value=float(values), error=np.nan)
