"""Figures of lettered panels, and what their axes repeat: legends, ticks, bands of error, maps of weights.

A scenario's `figures.py` is a row of functions from its results to a figure, each under its caption::

    @captioned("(A) Error against time, mean ± standard error over rows. (B) Rows decided.")
    def decision(study: Study) -> Figure:
        figure, ax = panels("AB", height_in=3.2)
        for name, circuit in study.circuits.items():
            band(ax["A"], circuit.time_ms, circuit.error, color=COLOURS[name], label=LABELS[name])
        legend_below(figure, ax["A"])
        return figure

    def figures(study: Study) -> dict[str, Picture]:
        return pictures(study, decision)

Capital letters of the mosaic are drawn as panel letters; small ones are further axes of the same panel, such as
the field under a raster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from scenarios.workbench.outcome import Picture
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.style import FLOOR, INK, SPIKING, WIDTH_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = [
    "Drawing",
    "against_floor",
    "band",
    "captioned",
    "dots",
    "head_map",
    "headroom",
    "legend",
    "legend_below",
    "letter",
    "panels",
    "percent_axis",
    "pictures",
    "plain_ticks",
    "weight_bar",
    "weight_map",
]

T = TypeVar("T")

WEIGHT_TICKS = (0.0, 0.05, 0.2, 0.5, 1.0)

HANDLE_in, CHARACTER_in = 0.75, 0.075  # of a legend: a line with the space around it, a letter of its text


@dataclass(frozen=True, kw_only=True)
class Drawing(Generic[T]):
    """A function from results to a figure, with its name and its caption."""

    name: str
    caption: str
    draw: Callable[[T], Figure]

    def __call__(self, results: T) -> Figure:
        return self.draw(results)


def captioned(caption: str) -> Callable[[Callable[[T], Figure]], Drawing[T]]:
    """Decorate a function that draws a figure; the file takes the function's name."""
    return lambda draw: Drawing(name=draw.__name__, caption=caption, draw=draw)


def pictures(results: T, *drawings: Drawing[T], **words: object) -> dict[str, Picture]:
    """The figures of a report in their order; `words` fill the fields of the captions."""
    return {
        drawing.name: Picture(
            draw=partial(drawing.draw, results),
            caption=drawing.caption.format(**words) if words else drawing.caption,
        )
        for drawing in drawings
    }


def panels(
    mosaic: str, *, height_in: float, width: float = 1.0, **options: Any
) -> tuple[Figure, dict[str, Axes]]:
    """A figure of named axes, each capital letter drawn at the upper left of its panel.

    Parameters
    ----------
    mosaic : str
        Rows parted by newlines, as for `Figure.subplot_mosaic`: ``"AB"``, ``"AB\\nab"``.
    height_in : float
    width : float
        Part of the full width.
    **options
        Of `Figure.subplot_mosaic`: ``width_ratios``, ``height_ratios``, ``sharex``, ``sharey``.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * WIDTH_in, height_in))
    axes = figure.subplot_mosaic(mosaic, **options)
    lettered = [name for name in axes if name.isupper()]
    for name in lettered if len(lettered) > 1 else []:
        letter(axes[name], name)
    return figure, axes


def letter(ax: Axes, name: str) -> None:
    """The letter of a panel, left of its title."""
    ax.annotate(
        name,
        (0, 1),
        xycoords="axes fraction",
        xytext=(-8, 5),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=12,
        fontweight="bold",
        color=INK,
    )


def band(ax: Axes, x: np.ndarray, rows: np.ndarray, *, axis: int = -1, **line: Any) -> None:
    """Mean over rows as a line and its standard error as a band; nan is left out.

    Parameters
    ----------
    ax : Axes
    x : (n,) array
    rows : array
        Values with the rows along `axis`, (n, n_rows) by default.
    axis : int
    **line
        Of `Axes.plot`: ``color`` and ``label`` above all.
    """
    centre = np.nanmean(rows, axis=axis)
    n = np.isfinite(rows).sum(axis=axis)
    error = np.nanstd(rows, axis=axis, ddof=1) / np.sqrt(n) if rows.shape[axis] > 1 else np.zeros_like(centre)
    low = np.maximum(centre - error, centre / 10)  # so that a logarithmic axis can show it
    ax.fill_between(x, low, centre + error, color=line.get("color"), alpha=0.22, lw=0)
    ax.plot(x, centre, **line)


def dots(ax: Axes, x: Any, estimates: Sequence[Estimate], **look: Any) -> None:
    """Estimates as points with their standard errors; `look` as of `Axes.errorbar`."""
    settings: dict[str, Any] = {"fmt": "o", "ms": 5, "capsize": 2, "color": SPIKING} | look
    ax.errorbar(x, [e.value for e in estimates], [e.error for e in estimates], **settings)


def headroom(ax: Axes, part: float) -> None:
    """Raise the upper limit by a part of the axis, linear or logarithmic, so that a legend covers no data."""
    bottom, top = ax.get_ylim()
    ax.set_ylim(
        bottom, top * (top / bottom) ** part if ax.get_yscale() == "log" else top + part * (top - bottom)
    )


def legend(ax: Axes, **options: Any) -> None:
    """The legend of an axis, each label once."""
    ax.legend(*_entries(ax), **options)


def legend_below(figure: Figure, *axes: Axes, ncols: int = 4) -> None:
    """One legend under the figure for the labels of several axes, each once, in columns that fit its width."""
    handles, labels = _entries(*axes)
    fitting = (n for n in range(ncols, 1, -1) if _width_in(labels, n) <= figure.get_figwidth())
    figure.legend(handles, labels, loc="outside lower center", ncols=next(fitting, 1))


def _width_in(labels: Sequence[str], n_columns: int) -> float:
    """About how wide a legend is, in inches; its first columns hold one label more where they do not divide."""
    columns = np.array_split(np.array(labels), n_columns)
    return sum(HANDLE_in + CHARACTER_in * max(map(len, column)) for column in columns if len(column))


def _entries(*axes: Axes) -> tuple[list[Any], list[str]]:
    entries = {
        label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    return list(entries.values()), list(entries)


def plain_ticks(ax: Axes, which: str, ticks: Iterable[float] | None = None, pattern: str = "{x:g}") -> None:
    """Ticks of a logarithmic axis in plain numbers.

    Parameters
    ----------
    ax : Axes
    which : str
        ``"x"``, ``"y"`` or ``"xy"``.
    ticks : iterable of float, optional
        Where; matplotlib's own choice if not given.
    pattern : str
        Of one number.
    """
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    for axis in [getattr(ax, f"{name}axis") for name in which]:
        axis.set_major_formatter(StrMethodFormatter(pattern))
        axis.set_minor_formatter(NullFormatter())
        if ticks is not None:
            axis.set_ticks(list(ticks))


def percent_axis(ax: Axes) -> None:
    """A vertical axis from 0 to 100 %."""
    from matplotlib.ticker import PercentFormatter

    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def against_floor(ax: Axes, floor: np.ndarray, distance: np.ndarray, label: str) -> None:
    """Distance to the softmax against what sampling alone gives: on the diagonal only spikes are missing."""
    top = 1.08 * float(np.nanmax([distance, floor], initial=1e-9))
    ax.plot([0, top], [0, top], color=FLOOR, lw=1.2, label="sampling floor")
    ax.plot(floor, distance, "o", color=SPIKING, ms=3.5, mew=0, alpha=0.75, label=label)
    ax.set(xlim=(0, top), ylim=(0, top), xlabel="sampling floor", ylabel="total variation to softmax")
    ax.legend(loc="upper left")


def weight_map(ax: Axes, weights: np.ndarray, title: str = "", **options: Any) -> AxesImage:
    """Weights (rows, keys) in [0, 1] as colours on a square-root scale, so that weak ones show."""
    settings: dict[str, Any] = {"cmap": "magma", "vmin": 0, "vmax": 1, "interpolation": "nearest"} | options
    image = ax.imshow(np.sqrt(np.clip(weights, 0, None)), **settings)
    ax.set_title(title)
    ax.grid(False)
    return image


def head_map(
    ax: Axes,
    layer: np.ndarray,
    head: np.ndarray,
    values: np.ndarray,
    title: str,
    *,
    spread: float,
    centre: float,
) -> AxesImage:
    """One quantity for every head, layers downwards; colours run over centre ± spread, blank where absent.

    Numbers are written into the cells as far as they fit: in models of more than 12 layers or heads the colour
    alone speaks, and only some layers and heads are named.
    """
    grid = np.full((int(layer.max()) + 1, int(head.max()) + 1), np.nan)
    grid[layer, head] = values
    image = ax.imshow(grid, cmap="RdBu_r", vmin=centre - spread, vmax=centre + spread, aspect="auto")
    ax.set(title=title, xlabel="head", ylabel="layer")
    ax.set_yticks(range(0, grid.shape[0], 1 + grid.shape[0] // 13))
    ax.set_xticks(range(0, grid.shape[1], 1 + grid.shape[1] // 25))
    ax.grid(False)
    for (row, column), value in np.ndenumerate(grid if max(grid.shape) <= 12 else grid[:0]):
        if np.isfinite(value):
            colour = "white" if abs(value - centre) > 0.65 * spread else INK
            text = f"{value:.2f}" if spread < 2 else f"{value:.0f}"
            ax.text(column, row, text, ha="center", va="center", fontsize=6, color=colour)
    return image


def weight_bar(
    figure: Figure, image: AxesImage, axes: Sequence[Axes], label: str = "attention weight"
) -> None:
    """The colour bar of `weight_map`, in weights."""
    bar = figure.colorbar(image, ax=list(axes), pad=0.015, fraction=0.03, label=label)
    bar.set_ticks([tick**0.5 for tick in WEIGHT_TICKS], labels=[f"{tick:g}" for tick in WEIGHT_TICKS])
