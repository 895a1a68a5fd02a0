"""Figures of a sweep, drawn on given axes: lines for one parameter, a map for two, parallel lines for more."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from scenarios.workbench.style import CONTROL, FLOOR, INK, MUTED, SPIKING

__all__ = ["draw_against", "draw_map", "draw_parallel"]

NARROW = 18  # characters that fit above a third of a figure


def draw_against(ax: Axes, dataset: xr.Dataset, name: str, against: str) -> None:
    """A metric against one parameter: every run, the mean over repeats, and its standard error.

    With a single repeat the bar is the metric's own standard error, if it has one.
    """
    variable = dataset[name]
    rows = variable.transpose(..., "repeat").values.reshape(
        -1, dataset.sizes["repeat"]
    )  # (n_settings, repeats)
    if against == "repeat":
        rows = rows.T
    labels = dataset[against].values
    x = _positions(labels)
    order = np.argsort(x, kind="stable")
    mean, error = _mean(rows), _error(dataset, name, rows)
    ax.plot(np.repeat(x, rows.shape[1]), rows.ravel(), "o", color=SPIKING, alpha=0.3, markersize=3)
    ax.errorbar(
        x[order],
        mean[order],
        error[order],
        fmt="-o" if _is_numeric(labels) else "o",
        color=SPIKING,
        capsize=2,
    )
    for beside, colour, line in (("floor", FLOOR, ":"), ("control", CONTROL, "--")):
        if f"{name}_{beside}" in dataset:
            values = dataset[f"{name}_{beside}"].mean("repeat" if against != "repeat" else ()).values.ravel()
            ax.plot(x[order], values[order], line, color=colour, label=beside)
            ax.legend()
    if not _is_numeric(labels):
        ax.set_xticks(x, [str(label) for label in labels])
    ax.set(xlabel=_axis_label(against, dataset[against]), title=_title(variable))


def draw_map(ax: Axes, dataset: xr.Dataset, name: str, x: str, y: str) -> None:
    """A metric over two parameters, mean over repeats, with a colour bar."""
    values = dataset[name].mean("repeat").transpose(y, x).values
    image = ax.imshow(values, origin="lower", aspect="auto")
    ax.figure.colorbar(image, ax=ax, shrink=0.9)
    ax.grid(False)
    for axis, parameter in ((ax.xaxis, x), (ax.yaxis, y)):
        labels = dataset[parameter].values
        every = max(1, len(labels) // 6)
        axis.set_ticks(range(0, len(labels), every), [_tick(label) for label in labels[::every]])
    ax.set(xlabel=_axis_label(x, dataset[x]), ylabel=_axis_label(y, dataset[y]), title=_title(dataset[name]))


def draw_parallel(ax: Axes, columns: Mapping[str, np.ndarray], *, colour_by: str) -> None:
    """Parallel coordinates (Inselberg 1985).

    Parameters
    ----------
    ax : Axes
    columns : mapping of str to (n_settings,) array
        The vertical axes from left to right, each scaled to its own range.
    colour_by : str
        The column by which lines are coloured; settings without it are grey.
    """
    heights = np.column_stack([_unit_range(values) for values in columns.values()])  # (n_settings, n_columns)
    colours = _unit_range(columns[colour_by])
    for height, colour in zip(heights, colours, strict=True):
        shade = mpl.colormaps["cividis"](colour) if np.isfinite(colour) else FLOOR
        ax.plot(height, color=shade, alpha=0.8, linewidth=1.1)
    for position, values in enumerate(columns.values()):
        ax.axvline(position, color=MUTED, linewidth=0.8)
        low, high = _ends(values)
        ax.text(position, -0.03, low, ha="center", va="top", color=INK)
        ax.text(position, 1.03, high, ha="center", va="bottom", color=INK)
    ax.set_xticks(range(len(columns)), [textwrap.fill(name, 14) for name in columns])
    ax.tick_params(axis="x", length=0, pad=16)
    ax.set(yticks=[], ylim=(-0.02, 1.02), xlim=(-0.3, len(columns) - 0.7))
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _mean(rows: np.ndarray) -> np.ndarray:
    """Mean over repeats, (n_settings,); nan where no repeat has a value."""
    known = np.isfinite(rows)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, rows, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _error(dataset: xr.Dataset, name: str, rows: np.ndarray) -> np.ndarray:
    """Standard error of the mean over repeats, or the metric's own where there is one repeat."""
    own = f"{name}_standard_error"
    if rows.shape[1] == 1:
        return dataset[own].values.ravel() if own in dataset else np.full(len(rows), np.nan)
    count = np.isfinite(rows).sum(axis=1)
    squares = _mean((rows - _mean(rows)[:, None]) ** 2)
    return np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)


def _is_numeric(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "iuf"


def _positions(labels: np.ndarray) -> np.ndarray:
    """Where the labels lie on an axis: numbers at their value, words in the order of their alphabet."""
    if _is_numeric(labels):
        return labels.astype(float)
    return np.unique(labels.astype(str), return_inverse=True)[1].astype(float)


def _unit_range(values: np.ndarray) -> np.ndarray:
    places = _positions(values)
    low, high = np.nanmin(places), np.nanmax(places)
    return (places - low) / (high - low) if high > low else np.where(np.isfinite(places), 0.5, np.nan)


def _ends(values: np.ndarray) -> tuple[str, str]:
    if _is_numeric(values):
        return _tick(np.nanmin(values)), _tick(np.nanmax(values))
    words = sorted(set(values.astype(str)))
    return words[0], words[-1]


def _tick(label: Any) -> str:
    return str(label) if isinstance(label, (str, bool, np.bool_)) else f"{label:.3g}"


def _axis_label(name: str, coordinate: xr.DataArray) -> str:
    unit = coordinate.attrs.get("units", "1")
    bare = name.removesuffix(f"_{unit}").replace("_", " ")
    return bare if unit == "1" else f"{bare} ({unit})"


def _title(variable: xr.DataArray) -> str:
    unit = variable.attrs["units"]
    label = variable.attrs["long_name"]
    return textwrap.fill(label if unit == "1" else f"{label} ({unit})", NARROW)
