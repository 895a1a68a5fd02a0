"""Figures of search-attention: the search, and the two shortcuts."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.search_attention.measures import Study, in_data
from scenarios.search_attention.solutions import CLEAN, FAMILIES, NOISY, SOLVED
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, panels, pictures
from scenarios.workbench.style import CONTROL, FLOOR, INK, SOFTMAX, SPIKING
from scenarios.workbench.tables import named

__all__ = ["figures"]

COLOURS = {
    "softmax": SOFTMAX,
    "column softmax": SOFTMAX,
    "spikes": SPIKING,
    "samples": FLOOR,
    "linear": CONTROL,
}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, found, solved=SOLVED) | pictures(study, shortcuts)


@captioned(
    "(A) Distinct expressions over queries, keys and values, by number of operations: exact primitives, and "
    "with those of circuits. Named, with its operations: the shortest of each family that reads {solved:.0%} of "
    "clean queries back. (B) Noisy queries that the best expression of each family reads back, chosen on other "
    "draws; grey: a guess."
)
def found(study: Study) -> Figure:
    data = in_data(study)
    figure, ax = panels("AB", height_in=3.8, width_ratios=(1, 1.6))
    _growth(ax["A"], study, data)
    _families(ax["B"], study, data)
    return figure


def _growth(ax: Axes, study: Study, data: xr.Dataset) -> None:
    for name, colour, label in ((CLEAN, INK, "exact"), (NOISY, SPIKING, "with circuits")):
        ax.plot(data.operations, data.expressions.sel(search=name), "o-", color=colour, label=label, ms=3)
    shortest = [made for family in FAMILIES if (made := study.searched[CLEAN].fewest(family)) is not None]
    solving = sorted(f"{made.n_operations}  {made.text}" for made in shortest)
    ax.text(0.98, 0.03, "\n".join(solving), transform=ax.transAxes, ha="right", va="bottom", fontsize=7.5)
    ax.set(yscale="log", xlabel="operations", ylabel="distinct expressions", xticks=data.operations.values)
    ax.legend(loc="upper left")


def _families(ax: Axes, study: Study, data: xr.Dataset) -> None:
    families = [str(name) for name in data.family.values]
    colours = [COLOURS.get(name, INK) for name in families]
    ax.barh(range(len(families)), data.recall, color=colours, height=0.7, alpha=0.85)
    ax.axvline(1 / study.params.n_items, color=FLOOR, lw=1)
    for at, text in enumerate(data.best.values):
        ax.text(0.02, at, str(text), va="center", fontsize=7, color="white")
    ax.set(yticks=range(len(families)), xlim=(0, 1), xlabel=named(data.recall))
    ax.set_yticklabels(families, fontsize=8)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)


@captioned(
    "(A) Loss of mini-transformers tuned with alpha times the softmax of the values over positions added to "
    "them, less that at alpha 0: a thin line a model, mean with its standard error. (B) Random mini-transformers: "
    "held-out loss after training against their score before it; larger dots have more parameters."
)
def shortcuts(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.4)
    alphas = np.array(study.params.all_alphas)
    loss = study.curve.mean(axis=2)  # (n_alphas, n_seeds)
    shift = loss - loss[alphas == 0]
    ax["A"].plot(alphas, shift, color=FLOOR, lw=0.8, alpha=0.7)
    error = shift.std(axis=1, ddof=1) / np.sqrt(shift.shape[1])
    ax["A"].errorbar(alphas, shift.mean(axis=1), error, fmt="o-", color=SPIKING, capsize=2)
    ax["A"].set(xlabel="alpha", ylabel="loss less that at 0 (nat)")
    of = study.candidates
    size = 12 + 80 * of.n_parameters / of.n_parameters.max()
    ax["B"].scatter(of.score, of.loss, s=size, color=SOFTMAX, alpha=0.6, lw=0)
    ax["B"].set(xlabel="score without training", ylabel="held-out loss (nat)")
    return figure
