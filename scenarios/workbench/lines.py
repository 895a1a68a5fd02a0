"""The numbers of a report, written line by line."""

from __future__ import annotations

from typing import Any

import numpy as np

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


def _estimate(given: Any) -> Estimate:
    if isinstance(given, Estimate):
        return given
    values = np.asarray(given, dtype=float)
    return mean(values) if values.ndim else Estimate(value=float(values), error=np.nan)
