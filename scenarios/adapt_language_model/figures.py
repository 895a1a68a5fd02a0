"""The figure of adapt-language-model: the rise in loss while learning, by budget, and how widely rows attend."""

from __future__ import annotations

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
    "with what stands in the loop by colour and the measured budget by marker. (B) The same before and after, by "
    "budget. (C) Change of the entropy of a row's weights by learning, layer by layer: below 0 it attends to fewer "
    "keys. Bars are standard errors over the same {windows} windows."
)
def learning(study: Study) -> Figure:
    figure, ax = panels("AB\nCC", height_in=5.2, height_ratios=[1.5, 1])
    draw_curves(ax["A"], study)
    draw_budgets(ax["B"], study)
    draw_focus(ax["C"], study)
    legend_below(figure, ax["A"], ax["B"], ncols=4)
    return figure


def colour(study: Study, arm: str) -> str:
    """Of an arm."""
    return BLUE if arm == SOFTMAX else COLOURS[(study.arms.index(arm) - 1) % len(COLOURS)]


def draw_curves(ax: Axes, study: Study) -> None:
    """Rise against steps, a line for each arm and budget."""
    for arm in study.arms:
        for marker, n in zip(MARKERS, study.params.budgets, strict=False):
            rises = [mean(study.rise(arm, step, n)) for step in study.steps]
            look = {"color": colour(study, arm), "fmt": f"{marker}-", "lw": 1.4}
            dots(ax, study.steps, rises, **look, label=f"{arm} in the loop" if marker == "o" else None)
    for marker, n in zip(MARKERS, study.params.budgets, strict=False):
        ax.plot([], [], marker, color=MUTED, label=f"measured at {n} spikes")
    ax.axhline(0, color=FLOOR, lw=0.8)
    ax.set(xlabel="steps of learning", ylabel="rise in loss (nat)", title="While learning")


def draw_budgets(ax: Axes, study: Study) -> None:
    """As it is, and every arm after the last step."""
    last, budgets = study.params.iterations, study.params.budgets
    arms = [(AS_IS, 0, FLOOR), *((arm, last, colour(study, arm)) for arm in study.arms)]
    width = 0.8 / len(arms)
    for i, (arm, step, shade) in enumerate(arms):
        rises = [mean(study.rise(arm, step, n)) for n in budgets]
        places = np.arange(len(budgets)) + (i - (len(arms) - 1) / 2) * width
        errors = [rise.error for rise in rises]
        label = "as it is" if arm == AS_IS else None
        values = [rise.value for rise in rises]
        ax.bar(places, values, 0.9 * width, yerr=errors, color=shade, ecolor=MUTED, capsize=2, label=label)
    ax.axhline(0, color=FLOOR, lw=0.8)
    ax.set_xticks(range(len(budgets)), [f"{n} spikes" for n in budgets])
    ax.set(ylabel="rise in loss (nat)", title="Before and after")


def draw_focus(ax: Axes, study: Study) -> None:
    """Entropy after learning less that before, by layer."""
    n_layers = len(study.focus[AS_IS])
    for arm in study.arms:
        changes = [mean(change) for change in study.focus[arm] - study.focus[AS_IS]]
        dots(ax, np.arange(n_layers), changes, color=colour(study, arm), fmt="o-", ms=3, lw=1.2)
    ax.axhline(0, color=FLOOR, lw=0.8)
    layer_ticks(ax, list(range(n_layers)))
    ax.set(xlabel="layer", ylabel="change of entropy (nat)", title="How widely a row attends")
