"""Pictures of minilm-on-gamma: correlation against spikes, layer by layer, time, and the bill."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bridge import TABLES, Bill
from bridge.bill.text import energies
from scenarios.minilm_on_gamma.energy_plots import draw_counts, draw_joules
from scenarios.minilm_on_gamma.findings import WANTED, of_kind
from scenarios.workbench.outcome import Picture
from scenarios.workbench.style import CONTROL, FLOOR, MUTED, SOFTMAX, SPIKING, WIDTH_in

__all__ = ["draw_correlation", "draw_layers", "draw_pairs", "pictures"]


def pictures(data: xr.Dataset, bills: Mapping[str, Bill]) -> dict[str, Picture]:
    """Every figure of the scenario."""
    return {
        "spikes": Picture(
            draw=lambda: _draw_spikes(data),
            caption="Left: rank correlation with people against spikes per row, every head of every layer "
            "replaced. Simulated: the gamma circuit. Sampled: as many independent draws from the softmax. The "
            f"band is the {WANTED:g} below softmax that counts as no loss; bars are standard errors of the loss "
            "over the same pairs. Right: what is lost when one layer alone is simulated.",
        ),
        "pairs": Picture(
            draw=lambda: _draw_pairs(data),
            caption="Every pair: the cosine that the softmax model gives, and the one with all heads simulated. "
            "Colour is how alike people found the two sentences.",
        ),
        "bill": Picture(
            draw=lambda: _draw_bill(bills),
            caption="What the two models compute on the same sentences, counted in the run, and joules under the "
            "tables that say anything about both. Simulated: a digital machine that steps every cell; events: "
            "hardware on which a synapse costs something only when a spike passes. A star: something counted "
            "has no price in the table.",
        ),
    }


def draw_correlation(ax: Axes, data: xr.Dataset) -> None:
    """Rank correlation against spikes per row, with softmax, uniform and argmax as lines."""
    softmax = float(of_kind(data, "softmax").spearman[0])
    ax.axhspan(softmax - WANTED, softmax, color=SOFTMAX, alpha=0.15, lw=0)
    ax.axhline(softmax, color=SOFTMAX, label="softmax")
    for kind, line in (("argmax", "--"), ("uniform", ":")):
        ax.axhline(float(of_kind(data, kind).spearman[0]), color=FLOOR, ls=line, lw=1.2, label=kind)
    for kind, colour, marker in (("sampled", CONTROL, "^"), ("simulated", SPIKING, "o")):
        part = of_kind(data, kind)
        ax.errorbar(
            part.spikes, part.spearman, part.loss_se, fmt=f"{marker}-", color=colour, label=kind, capsize=2
        )
    ticks = sorted(
        {*of_kind(data, "sampled").spikes.values.tolist(), *of_kind(data, "simulated").spikes.values}
    )
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set(xlabel="spikes per row", ylabel="rank correlation with people", title="All heads")
    ax.legend(loc="lower right")


def draw_layers(ax: Axes, data: xr.Dataset) -> None:
    """Loss with one layer alone in spikes."""
    part = of_kind(data, "one layer")
    ax.bar(part.layer, part.loss, 0.65, yerr=part.loss_se, color=SPIKING, ecolor=MUTED, capsize=2)
    ax.axhline(0, color=MUTED, lw=0.8)
    ax.set(
        xlabel="layer",
        ylabel="rank correlation lost",
        xticks=part.layer.values,
        title=f"One layer at {int(part.spikes[0])} spikes a row",
    )


def draw_pairs(ax: Axes, data: xr.Dataset, spikes: int) -> None:
    """Cosines with softmax against cosines in spikes, a dot a pair."""
    simulated = of_kind(data, "simulated")
    at = simulated.isel(condition=int(np.flatnonzero(simulated.spikes == spikes)[0]))
    softmax = of_kind(data, "softmax").isel(condition=0)
    low = float(min(at.similarity.min(), softmax.similarity.min())) - 0.03
    ax.plot([low, 1], [low, 1], color=FLOOR, lw=1)
    dots = ax.scatter(softmax.similarity, at.similarity, c=data.score, cmap="viridis", s=10, lw=0)
    ax.set(
        xlim=(low, 1.02),
        ylim=(low, 1.02),
        xlabel="cosine, softmax",
        ylabel="cosine, spikes",
        title=f"{spikes} spikes a row",
        aspect="equal",
    )
    ax.figure.colorbar(dots, ax=ax, label="judged", pad=0.02, fraction=0.05)


def _draw_spikes(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.4))
    if not of_kind(data, "one layer").sizes["condition"]:
        draw_correlation(figure.subplots(), data)
        return figure
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    draw_correlation(left, data)
    draw_layers(right, data)
    return figure


def _draw_pairs(data: xr.Dataset) -> Figure:
    spikes = of_kind(data, "simulated").spikes.values.tolist()
    shown = list(dict.fromkeys([spikes[0], spikes[-1]]))
    figure = Figure(figsize=(WIDTH_in, 3.3))
    for ax, n in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        draw_pairs(ax, data, n)
    return figure


def _draw_bill(bills: Mapping[str, Bill]) -> Figure:
    tables = [name for name in TABLES if any(e is not None for e in list(energies(bills, name).values())[1:])]
    figure = Figure(figsize=(WIDTH_in, 2.6 + 1.7 * len(tables)))
    axes = figure.subplots(1 + len(tables), 1, height_ratios=(2.4, *[1.3] * len(tables)))
    draw_counts(axes[0], bills)
    for n, (ax, table) in enumerate(zip(axes[1:], tables, strict=True)):
        draw_joules(ax, bills, table, legend=n == 0)
    return figure
