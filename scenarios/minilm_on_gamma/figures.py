"""Figures of minilm-on-gamma: correlation against spikes, layer by layer, every pair, and the bill."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bridge import TABLES, Bill
from bridge.bill.text import energies
from scenarios.minilm_on_gamma.measures import WANTED, each, of_kind
from scenarios.workbench.axes import layer_ticks, points, spikes_axis
from scenarios.workbench.bill_plots import draw_counts, draw_joules
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures
from scenarios.workbench.style import CONTROL, FLOOR, MUTED, SOFTMAX, SPIKING
from scenarios.workbench.tables import named

__all__ = ["figures"]


def figures(data: xr.Dataset, bills: Mapping[str, Bill]) -> dict[str, Picture]:
    """Every figure of the scenario."""
    layers = each(data, "one layer")
    words = {
        "A": "(A) " if layers else "",
        "heads": data.heads,
        "pairs": data.sizes["pair"],
        "layers": " (B) What is lost when all heads of one layer alone are simulated." if layers else "",
    }
    return {**pictures(data, spikes, pairs, **words), **pictures(bills, bill)}


@captioned(
    "{A}Rank correlation with people against spikes per row, {heads} replaced. Simulated: the gamma circuit. "
    "Sampled: as many independent draws from the softmax. The band is the "
    + f"{WANTED:g} below softmax that "
    "counts as no loss; bars are standard errors of the loss over the same {pairs} pairs.{layers}"
)
def spikes(data: xr.Dataset) -> Figure:
    alone = len(each(data, "one layer")) > 0
    figure, ax = panels("AB" if alone else "A", height_in=3.6, width_ratios=(1.5, 1) if alone else (1,))
    draw_correlation(ax["A"], data)
    if alone:
        draw_layers(ax["B"], data)
    legend_below(figure, ax["A"], ncols=5)
    return figure


@captioned(
    "Every pair: the cosine that the softmax model gives, and the one with {heads} simulated. Colour is how alike "
    "people judged the two sentences."
)
def pairs(data: xr.Dataset) -> Figure:
    simulated = each(data, "simulated")
    shown = {"A": simulated[0], "B": simulated[-1]} if len(simulated) > 1 else {"A": simulated[0]}
    figure, ax = panels("".join(shown), height_in=3.3, width=0.5 * len(shown))
    for name, trial in shown.items():
        draw_pairs(ax[name], data, trial)
    return figure


@captioned(
    "What the two models compute on the same sentences, counted in the run, and joules under the tables that say "
    "anything about both. Simulated: a digital machine that computes what the engine computed; events: hardware "
    "that has the cells, on which a synapse costs something only when a spike passes. A star: something counted "
    "has no price in the table."
)
def bill(bills: Mapping[str, Bill]) -> Figure:
    tables = [name for name in TABLES if any(e is not None for e in list(energies(bills, name).values())[1:])]
    mosaic = "ABCDEFGHIJ"[: 1 + len(tables)]
    ratios = (2.4, *[1.3] * len(tables))
    figure, ax = panels("\n".join(mosaic), height_in=2.6 + 1.7 * len(tables), height_ratios=ratios)
    draw_counts(ax["A"], bills)
    for n, (panel, name) in enumerate(zip(mosaic[1:], tables, strict=True)):
        draw_joules(ax[panel], bills, name, legend=n == 0)
    return figure


def draw_correlation(ax: Axes, data: xr.Dataset) -> None:
    """Rank correlation against spikes per row, with softmax, uniform and argmax as lines."""
    softmax = float(each(data, "softmax")[0].spearman)
    ax.axhspan(softmax - WANTED, softmax, color=SOFTMAX, alpha=0.15, lw=0)
    ax.axhline(softmax, color=SOFTMAX, label="softmax")
    for kind, line in (("argmax", "--"), ("uniform", ":")):
        ax.axhline(float(each(data, kind)[0].spearman), color=FLOOR, ls=line, lw=1.2, label=kind)
    paired = data.assign(spearman_se=data.loss_se)  # the error of the difference from softmax
    for kind, colour, marker in (("sampled", CONTROL, "^"), ("simulated", SPIKING, "o")):
        look = {"marker": marker, "color": colour, "label": kind, "capsize": 2}
        points(ax, of_kind(paired, kind), "spikes", "spearman", **look)
    spikes_axis(ax, data.spikes.values[np.isin(data.kind.values, ("sampled", "simulated"))])
    ax.set_title(data.heads[0].upper() + data.heads[1:])


def draw_layers(ax: Axes, data: xr.Dataset) -> None:
    """Loss with one layer alone in spikes."""
    layers = of_kind(data, "one layer")
    ax.bar(layers.layer, layers.loss, 0.65, yerr=layers.loss_se, color=SPIKING, ecolor=MUTED, capsize=2)
    ax.axhline(0, color=MUTED, lw=0.8)
    ax.set(xlabel=named(layers.layer), ylabel=named(layers.loss))
    ax.set_title(f"One layer, {int(layers.spikes[0])} spikes")
    layer_ticks(ax, layers.layer.values)


def draw_pairs(ax: Axes, data: xr.Dataset, trial: xr.Dataset) -> None:
    """Cosines with softmax against cosines in spikes, a dot a pair."""
    softmax = each(data, "softmax")[0]
    low = float(min(trial.similarity.min(), softmax.similarity.min())) - 0.03
    ax.plot([low, 1], [low, 1], color=FLOOR, lw=1)
    dots = ax.scatter(softmax.similarity, trial.similarity, c=data.score, cmap="viridis", s=10, lw=0)
    ax.set(xlim=(low, 1.02), ylim=(low, 1.02), aspect="equal")
    ax.set(xlabel="cosine, softmax", ylabel="cosine, spikes")
    ax.set_title(f"{int(trial.spikes)} spikes a row")
    ax.figure.colorbar(dots, ax=ax, label="judged", pad=0.02, fraction=0.05)
