"""The figure of head-swap: loss and accuracy against spikes, and the heads one by one."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from scenarios.workbench.axes import SMALL, curve, rise_axis, spikes_axis
from scenarios.workbench.panels import captioned, legend_below, panels
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, SOFTMAX, SPIKING
from scenarios.workbench.tables import named

__all__ = ["heads"]

NAMED = 5  # most fragile heads that are named
LOWEST = 3e-4  # nats; what lies below is not drawn on the logarithmic axis
LINEAR_nat = 0.01  # rises are drawn linearly up to here, and on a logarithm above
READABLE = 6  # heads or layers up to which the map holds numbers
CONTROLS: dict[str, dict[str, Any]] = {
    "uniform": {"color": CONTROL, "ls": "--", "label": "uniform attention"},
    "hardmax": {"color": INH, "ls": ":", "label": "hardmax"},
}
LOOKS: dict[str, dict[str, Any]] = {
    "sampled": {"color": FLOOR, "marker": "s", "line": "--", "lw": 1.3, "label": "exact samples"},
    "simulated": {"color": SPIKING, "marker": "o", "line": "-", "lw": 1.8, "label": "chosen heads in spikes"},
}


@captioned(
    "(A) Rise of the held-out loss with {chosen} swapped, against spikes per row; for comparison as many "
    "exact samples of the same softmax, uniform attention and hardmax; thin lines: each head alone. (B) "
    "Accuracy, the same. (C) The rise with one head swapped at {few} spikes per row, its standard error, and "
    "in brackets with uniform attention in that head. (D) The same rise against the entropy of the head's "
    "attention, by layer. Bars: standard errors of paired differences over the same {windows} windows."
)
def heads(dataset: xr.Dataset) -> Figure:
    figure, ax = panels("AB\nCD", height_in=6.6)
    draw_rise(ax["A"], dataset)
    draw_accuracy(ax["B"], dataset)
    draw_map(ax["C"], dataset)
    draw_by_entropy(ax["D"], dataset)
    legend_below(figure, ax["A"], ax["B"], ncols=3)
    return figure


def draw_rise(ax: Axes, dataset: xr.Dataset) -> None:
    """Rise in loss against spikes per row, both logarithmic: all chosen heads, and thin each head alone."""
    for i, name in enumerate(dataset["head"].values):
        alone = _above(dataset.loss_rise.sel(kind="simulated", swap=name).values)
        label = None if i else "one head alone"
        ax.plot(dataset.spikes, alone, color=SPIKING, lw=0.6, alpha=0.45, label=label)
    _curves(ax, dataset, "loss")
    levels = dataset.control_loss_rise.sel(swap="all")
    _controls(ax, levels)
    ax.set(yscale="log", ylabel=named(dataset.loss_rise), title="What spikes cost")
    ax.set_ylim(LOWEST, 2 * max(float(dataset.loss_rise.max()), float(levels.max()), 10 * LOWEST))
    ax.yaxis.set_minor_formatter(NullFormatter())


def draw_accuracy(ax: Axes, dataset: xr.Dataset) -> None:
    """Accuracy against spikes per row, between softmax and the controls."""
    softmax = float(dataset.softmax_accuracy.mean())
    ax.axhline(softmax, color=SOFTMAX, lw=1.3, label="softmax")
    _curves(ax, dataset, "accuracy", above=softmax)
    levels = dataset.control_accuracy.sel(swap="all").mean("window")
    _controls(ax, levels)
    ax.set(ylabel="accuracy", title="What is still right")
    ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))


def draw_map(ax: Axes, dataset: xr.Dataset) -> None:
    """The rise with each head swapped alone at few spikes, and in brackets with uniform attention there."""
    at = _alone(dataset)
    uniform = dataset.control_loss_rise.sel(control="uniform", swap=dataset["head"].values).values
    layers, places, rises = dataset.layer.values, dataset.place.values, at.loss_rise.values
    grid = np.full((int(layers.max()) + 1, int(places.max()) + 1), np.nan)
    grid[layers, places] = rises
    top = max(float(np.nanmax(grid)), LOWEST)
    image = ax.imshow(
        grid, cmap="Oranges", vmin=min(0.0, float(np.nanmin(grid))), vmax=1.1 * top, aspect="auto"
    )
    ax.set(xlabel="head", ylabel="layer", title=f"One head at {dataset.few_spikes} spikes (nat)")
    ax.grid(False)
    if max(grid.shape) > READABLE:
        ax.figure.colorbar(image, ax=ax)
        return
    ax.set(xticks=range(grid.shape[1]), yticks=range(grid.shape[0]))
    for cell in zip(layers, places, rises, at.loss_rise_se.values, uniform, strict=True):
        layer, place, rise, error, control = cell
        size, colour = SMALL if max(grid.shape) <= 4 else 6.0, "white" if rise > 0.8 * top else INK
        text = f"{rise:.3f}\n± {error:.3f}\n({control:.2f})"
        ax.text(place, layer, text, ha="center", va="center", fontsize=size, color=colour)


def draw_by_entropy(ax: Axes, dataset: xr.Dataset) -> None:
    """The same rise against the entropy of each head's attention, coloured by layer, the most fragile named."""
    at, n_layers = _alone(dataset), int(dataset.layer.max()) + 1
    colours = mpl.colormaps["viridis"].resampled(n_layers)
    ax.errorbar(dataset.entropy, at.loss_rise, at.loss_rise_se, fmt="none", ecolor=FLOOR, lw=1.0)
    dots = ax.scatter(dataset.entropy, at.loss_rise, c=dataset.layer, cmap=colours, s=26, zorder=3)
    dots.set_clim(-0.5, n_layers - 0.5)
    ax.figure.colorbar(dots, ax=ax, label="layer", ticks=range(0, n_layers, -(-n_layers // 6)))
    for i in np.argsort(at.loss_rise.values)[-NAMED:]:
        point, name = (float(dataset.entropy[i]), float(at.loss_rise[i])), str(dataset["head"].values[i])
        ax.annotate(name, point, xytext=(5, 3), textcoords="offset points", fontsize=7, color=INK)
    rise_axis(ax, LINEAR_nat)
    ax.set(xlabel=named(dataset.entropy), ylabel=named(at.loss_rise), title="Fragility and entropy")


def _alone(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.sel(kind="simulated", spikes=dataset.few_spikes, swap=dataset["head"].values)


def _controls(ax: Axes, levels: xr.DataArray) -> None:
    for control, look in CONTROLS.items():
        if (level := float(levels.sel(control=control))) > LOWEST:
            ax.axhline(level, lw=1.3, **look)


def _curves(ax: Axes, dataset: xr.Dataset, field: str, above: float | None = None) -> None:
    """All chosen heads, simulated and as many exact samples; rises, or on top of a level."""
    for kind, look in LOOKS.items():
        at = dataset.sel(kind=kind, swap="all")
        rise, error = at[f"{field}_rise"].values, at[f"{field}_rise_se"]
        curve(ax, dataset.spikes, _above(rise) if above is None else above + rise, error, **look)
    spikes_axis(ax, dataset.spikes.values)


def _above(rise: np.ndarray) -> np.ndarray:
    """What a logarithmic axis can show, nan elsewhere."""
    return np.where(rise > LOWEST, rise, np.nan)
