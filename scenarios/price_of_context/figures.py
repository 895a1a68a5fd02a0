"""The figures of price-of-context: costs over the context, energy by every table, and cost against error."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from bridge import TABLES
from scenarios.price_of_context.measures import KINDS
from scenarios.price_of_context.verdict import error, over_softmax
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, INH, SOFTMAX, SPIKING

__all__ = ["figures"]

COLOURS = {"samples": CONTROL, "escape": INH, "regular": SPIKING}
LINES = {"spikes": "-", "product": ":"}


def figures(dataset: xr.Dataset, budget: int) -> dict[str, Picture]:
    """The three figures."""
    at_budget, keys = dataset.sel(spikes=budget), int(dataset.n_keys[-1])
    return {
        **pictures(at_budget, context, energy, budget=budget),
        **pictures(dataset, budgets, keys=keys, spikes=", ".join(map(str, dataset.spikes.values))),
    }


@captioned(
    "One query over a context of keys, at {budget} spikes, each cost over that of softmax attention (blue line): "
    "(A) operations, all kinds alike, (B) bytes of K and V that are touched, (C) processor time of a call, median "
    "of rounds in turn, one thread. Solid: values added spike by spike; dotted: by the product with the weights. "
    "(D) Root mean squared error of the output over its size; grey: expected of independent samples."
)
def context(data: xr.Dataset) -> Figure:
    figure, ax = panels("AB\nCD", height_in=5.2)
    labels = {"operations": "operations", "kv_bytes": "bytes of K and V", "time": "processor time"}
    for name, (measure, label) in zip("ABC", labels.items(), strict=True):
        _along_keys(ax[name], data, over_softmax(data, measure))
        ax[name].set_ylabel(f"{label}\nover softmax's")
    ax["B"].set(yscale="linear", ylim=(0, 1.1))
    expected = [error(data.sel(n_keys=n), "squared_floor").value for n in data.n_keys]
    ax["D"].plot(data.n_keys, expected, color=FLOOR, lw=4, alpha=0.4)
    for kind, colour in COLOURS.items():
        here = data.sel(kind=kind, readout="spikes")
        errors = [error(here.sel(n_keys=n), "squared_error") for n in data.n_keys]
        dots(ax["D"], data.n_keys, errors, fmt="o-", color=colour)
    ax["D"].set(ylabel="error over the\noutput's size", yscale="log")
    _logarithmic(ax["D"], "y")
    _keys_axis(ax["D"], data)
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "Energy of a row at {budget} spikes over that of softmax attention (blue line), values added spike by spike, "
    "by every table of prices; counts are of the run."
)
def energy(data: xr.Dataset) -> Figure:
    names = "ABCDEFGH"[: len(TABLES)]
    figure, ax = panels(f"{names[:3]}\n{names[3:]}{'.' * (6 - len(names))}", height_in=4.6)
    for name, (table, about) in zip(names, TABLES.items(), strict=True):
        here = data.sel(table=table, readout=["spikes"])
        _along_keys(ax[name], here, here.joules / here.softmax_joules)
        ax[name].set_title(about.title, fontsize=8.5)
    ax[names[0]].set_ylabel("energy over softmax's")
    legend_below(figure, ax[names[0]])
    return figure


@captioned(
    "What a smaller error costs over {keys} keys, at {spikes} spikes (larger markers: more): error of the output "
    "over its size against (A) operations and (B) processor time over softmax attention's, values added spike by "
    "spike."
)
def budgets(data: xr.Dataset) -> Figure:
    figure, ax = panels("AB", height_in=3.0)
    here = data.isel(n_keys=-1).sel(readout="spikes")
    for name, (measure, label) in zip(
        "AB", {"operations": "operations", "time": "processor time"}.items(), strict=True
    ):
        over = over_softmax(here, measure)
        for kind, colour in COLOURS.items():
            errors = [error(here.sel(kind=kind, spikes=n), "squared_error").value for n in here.spikes]
            costs = over.sel(kind=kind).values
            ax[name].plot(costs, errors, color=colour, lw=1.0, label=KINDS[kind])
            ax[name].scatter(costs, errors, s=12 * (1 + np.arange(len(errors))), color=colour)
        ax[name].axvline(1.0, color=SOFTMAX, lw=1.2)
        ax[name].set(xscale="log", yscale="log", xlabel=f"{label} over softmax's")
        _logarithmic(ax[name], "x")
        _logarithmic(ax[name], "y")
    ax["A"].set_ylabel("error over the output's size")
    legend_below(figure, ax["A"])
    return figure


def _along_keys(ax: Axes, data: xr.Dataset, over: xr.DataArray) -> None:
    for kind, colour in COLOURS.items():
        for readout in over.readout.values:
            label = KINDS[kind] if readout == "spikes" else None
            line = over.sel(kind=kind, readout=readout).transpose("n_keys")
            ax.plot(data.n_keys, line, LINES[str(readout)], marker="o", ms=3.5, color=colour, label=label)
    ax.axhline(1.0, color=SOFTMAX, lw=1.2)
    ax.set_yscale("log")
    _logarithmic(ax, "y")
    _keys_axis(ax, data)


def _logarithmic(ax: Axes, which: str) -> None:
    """Ticks in plain numbers; over less than a decade at every tenth of it."""
    low, high = getattr(ax, f"get_{which}lim")()
    decades = np.log10(high / low)
    steps = range(1, 10) if decades < 0.7 else (1, 2, 5) if decades < 2 else (1,)
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)))
    plain_ticks(ax, which, [n * power for power in powers for n in steps if low < n * power < high])
    getattr(ax, f"{which}axis").set_minor_locator(NullLocator())


def _keys_axis(ax: Axes, data: xr.Dataset) -> None:
    ax.set(xscale="log", xlabel="keys")
    ax.set_xticks(data.n_keys.values, [f"{n}" for n in data.n_keys.values])
    ax.xaxis.set_minor_locator(NullLocator())
