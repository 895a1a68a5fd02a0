"""The figure of adapt-language-model: the rise in loss while learning, by budget, and how widely rows attend."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from scenarios.adapt_language_model.measures import AS_IS, SOFTMAX, Study
from scenarios.workbench.axes import layer_ticks
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import FLOOR, INH, INK, MUTED, SPIKING
from scenarios.workbench.style import SOFTMAX as BLUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = (SPIKING, INH, INK)  # of arms with spikes in the loop
MARKERS = "os^D"  # of budgets


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, learning, chosen=study.chosen, windows=study.params.windows)


@captioned(
    "Simulated: {chosen}. (A) Rise of the held-out loss over softmax that learnt as long, against steps, "
    "with what stands in the loop by colour and the measured budget by marker. (B) KL of the next token from "
    "softmax with the same weights: what the noise does, whatever the text. (C) Change of the entropy of a row's "
    "weights by learning, layer by layer: below 0 it attends to fewer keys. Bars are standard errors over the same "
    "{windows} windows."
)
def learning(study: Study) -> Figure:
    figure, ax = panels("AB\nCC", height_in=5.2, height_ratios=[1.5, 1])
    draw_curves(ax["A"], study, study.rise)
    draw_curves(ax["B"], study, study.kl)
    for marker, n in zip(MARKERS, study.params.budgets, strict=False):
        ax["A"].plot([], [], marker, color=MUTED, label=f"measured at {n} spikes")
    ax["A"].axhline(0, color=FLOOR, lw=0.8)
    ax["A"].set(ylabel="rise in loss (nat)", title="What spikes cost")
    ax["B"].set(ylabel="KL from softmax (nat)", title="What their noise does")
    if len(study.params.budgets) > 1:
        ax["B"].set_yscale("log")  # budgets lie far apart
    draw_focus(ax["C"], study)
    legend_below(figure, ax["A"], ncols=4)
    return figure


def colour(study: Study, arm: str) -> str:
    """Of an arm."""
    return BLUE if arm == SOFTMAX else COLOURS[(study.arms.index(arm) - 1) % len(COLOURS)]


def draw_curves(ax: Axes, study: Study, measure: Callable[[str, int, int], np.ndarray]) -> None:
    """A measure against steps, a line for each arm and budget."""
    for arm in study.arms:
        for marker, n in zip(MARKERS, study.params.budgets, strict=False):
            values = [mean(measure(arm, step, n)) for step in study.steps]
            name = AS_IS if study.own and arm == SOFTMAX else f"{arm} in the loop"
            label = name if n == study.params.budgets[0] else None
            dots(ax, study.steps, values, color=colour(study, arm), fmt=f"{marker}-", lw=1.4, label=label)
    ax.set(xlabel="steps of learning")


def draw_focus(ax: Axes, study: Study) -> None:
    """Entropy after learning less that before, by layer."""
    n_layers = len(study.focus[AS_IS])
    for arm in study.arms:
        changes = [mean(change) for change in study.focus[arm] - study.focus[AS_IS]]
        dots(ax, np.arange(n_layers), changes, color=colour(study, arm), fmt="o-", ms=3, lw=1.2)
    ax.axhline(0, color=FLOOR, lw=0.8)
    layer_ticks(ax, list(range(n_layers)))
    ax.set(xlabel="layer", ylabel="change of entropy (nat)", title="How widely a row attends")
