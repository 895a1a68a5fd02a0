"""Pictures of head-swap: loss and accuracy against spikes, and the heads one by one."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, SOFTMAX, SPIKING

__all__ = ["draw_accuracy", "draw_by_entropy", "draw_legend", "draw_map", "draw_rise"]

SMALL = 8.0
NAMED = 5  # most fragile heads that are named
LOWEST = 3e-4  # nats; what lies below is not drawn on the logarithmic axis
CONTROL_LOOKS = {"uniform": (CONTROL, "--", "uniform attention"), "hardmax": (INH, ":", "hardmax")}


def draw_rise(ax: Axes, dataset: xr.Dataset) -> None:
    """Rise in loss against spikes per row, both logarithmic: all heads, and thin each head alone."""
    for name in dataset["head"].values:
        alone = dataset.loss_rise.sel(kind="simulated", swap=name).values
        ax.plot(dataset.spikes, _above(alone), color=SPIKING, lw=0.6, alpha=0.45)
    ax.plot([], [], color=SPIKING, lw=0.6, alpha=0.6, label="one head alone")
    _curves(ax, dataset, "loss")
    for control, (colour, line, label) in CONTROL_LOOKS.items():
        level = float(dataset.control_loss_rise.sel(control=control, swap="all"))
        if level > LOWEST:
            ax.axhline(level, color=colour, ls=line, lw=1.3, label=label)
    ax.set(xscale="log", yscale="log", xlabel="spikes per row", ylabel="rise in loss (nat)")
    highest = max(float(dataset.loss_rise.max()), float(dataset.control_loss_rise.sel(swap="all").max()))
    ax.set_ylim(LOWEST, 2 * max(highest, 10 * LOWEST))
    ax.set_title("What spikes cost")
    _plain(ax, dataset)


def draw_accuracy(ax: Axes, dataset: xr.Dataset) -> None:
    """Accuracy against spikes per row, between softmax and the controls."""
    softmax = float(dataset.softmax_accuracy.mean())
    ax.axhline(softmax, color=SOFTMAX, lw=1.3, label="softmax")
    _curves(ax, dataset, "accuracy", above=softmax)
    for control, (colour, line, label) in CONTROL_LOOKS.items():
        level = float(dataset.control_accuracy.sel(control=control, swap="all").mean())
        ax.axhline(level, color=colour, ls=line, lw=1.3, label=label)
    ax.set(xscale="log", xlabel="spikes per row", ylabel="accuracy")
    ax.set_title("What is still right")
    ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))
    _plain(ax, dataset)


def draw_map(ax: Axes, dataset: xr.Dataset) -> None:
    """The rise with each head swapped alone at few spikes, and in brackets with uniform attention there."""
    few = dataset.attrs["few_spikes"]
    at = dataset.sel(kind="simulated", spikes=few, swap=dataset["head"].values)
    uniform = dataset.control_loss_rise.sel(control="uniform", swap=dataset["head"].values).values
    shape = int(dataset.layer.max()) + 1, int(dataset.place.max()) + 1
    grid = np.full(shape, np.nan)
    grid[dataset.layer.values, dataset.place.values] = at.loss_rise.values
    top = max(float(np.nanmax(grid)), LOWEST)
    ax.imshow(grid, cmap="Oranges", vmin=min(0.0, float(np.nanmin(grid))), vmax=1.1 * top, aspect="auto")
    for layer, place, rise, error, control in zip(
        dataset.layer.values,
        dataset.place.values,
        at.loss_rise.values,
        at.loss_rise_se.values,
        uniform,
        strict=True,
    ):
        colour = "white" if rise > 0.8 * top else INK
        size = SMALL if max(shape) <= 4 else 6.0
        text = f"{rise:.3f}\n± {error:.3f}\n({control:.2f})"
        ax.text(place, layer, text, ha="center", va="center", fontsize=size, color=colour)
    ax.set(xlabel="head", ylabel="layer", xticks=range(shape[1]), yticks=range(shape[0]))
    ax.set_title(f"Rise with one head at {few} spikes (nat)")
    ax.grid(False)


def draw_by_entropy(ax: Axes, dataset: xr.Dataset) -> None:
    """The same rise against the entropy of each head's attention, coloured by layer, the most fragile named."""
    few = dataset.attrs["few_spikes"]
    at = dataset.sel(kind="simulated", spikes=few, swap=dataset["head"].values)
    colours = mpl.colormaps["viridis"](np.linspace(0.1, 0.85, int(dataset.layer.max()) + 1))
    for layer, colour in enumerate(colours):
        here = dataset.layer.values == layer
        if here.any():
            ax.errorbar(
                dataset.entropy.values[here],
                at.loss_rise.values[here],
                at.loss_rise_se.values[here],
                fmt="o",
                ms=5,
                lw=1.0,
                color=colour,
                label=f"layer {layer}",
            )
    for i in np.argsort(at.loss_rise.values)[-NAMED:]:
        point = (float(dataset.entropy[i]), float(at.loss_rise[i]))
        name = str(dataset["head"].values[i])
        ax.annotate(name, point, xytext=(4, 3), textcoords="offset points", fontsize=7, color=INK)
    if float(at.loss_rise.min()) > 0:
        ax.set_yscale("log")
    else:
        ax.axhline(0, color=FLOOR, lw=0.8)
    ax.set(xlabel="entropy of the attention (nat)", ylabel=f"rise in loss at {few} spikes (nat)")
    ax.set_title("Fragility and entropy")
    ax.legend(fontsize=SMALL)


def draw_legend(figure: Figure, axes: list[Axes]) -> None:
    """One legend for the lines of several axes, above them."""
    entries = {
        label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    order = ["all heads in spikes", "exact samples", "one head alone", "softmax"]
    order += [label for _, _, label in CONTROL_LOOKS.values()]
    named = [label for label in order if label in entries]
    figure.legend(
        [entries[label] for label in named], named, loc="outside upper center", ncols=4, fontsize=SMALL
    )


def _curves(ax: Axes, dataset: xr.Dataset, field: str, above: float | None = None) -> None:
    """All heads together, simulated and as many exact samples; rises, or on top of a level."""
    looks = (("sampled", FLOOR, "s--", "exact samples"), ("simulated", SPIKING, "o-", "all heads in spikes"))
    for kind, colour, form, label in looks:
        at = dataset.sel(kind=kind, swap="all")
        rise = at[f"{field}_rise"].values
        ax.errorbar(
            dataset.spikes,
            _above(rise) if above is None else above + rise,
            at[f"{field}_rise_se"],
            fmt=form,
            color=colour,
            lw=1.8 if kind == "simulated" else 1.3,
            label=label,
        )


def _above(rise: np.ndarray) -> np.ndarray:
    """What a logarithmic axis can show, nan elsewhere."""
    return np.where(rise > LOWEST, rise, np.nan)


def _plain(ax: Axes, dataset: xr.Dataset) -> None:
    """Spikes in plain numbers, every other one where they are many."""
    ticks = dataset.spikes.values
    ax.set_xticks(ticks[:: 1 + len(ticks) // 7], minor=False)
    ax.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    ax.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
