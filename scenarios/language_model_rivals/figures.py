"""Figures of language-model-rivals: what each rival loses and costs, line by line, and totals that must be held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from scenarios.language_model_rivals.measures import Study
from scenarios.language_model_rivals.rivals import CONTROLS, MAIN, RIVALS, SOFTMAX, SUMMED
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import (
    captioned,
    dots,
    legend_below,
    panels,
    percent_axis,
    pictures,
    plain_ticks,
)
from scenarios.workbench.reading import KL
from scenarios.workbench.statistics import Estimate, fraction
from scenarios.workbench.style import CONTROL, FLOOR, INH, MUTED, SPIKING
from scenarios.workbench.style import SOFTMAX as BLUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

LEAST_nat = 1e-4  # of a divergence that a logarithmic axis shows
MOST = 2.0  # perplexity over softmax's that is drawn to scale
LINE_in = 0.24
GAMMA = (MAIN, "random", "diffusive", SUMMED[0])
LOOKS = {SUMMED[0]: (SPIKING, "o"), SUMMED[1]: (CONTROL, "^"), SUMMED[2]: (INH, "s")}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    drawn = pictures(study, table, spikes=study.params.spikes)
    if study.totals:
        time_ms = next(iter(study.totals.values())).duration_ms
        drawn |= pictures(study, totals, time=f"{time_ms:.0f}")
    return drawn


@captioned(
    "Every rival at a budget of {spikes}, from the best to the worst. (A) KL from softmax of the next token; open "
    "symbol: none. (B) Perplexity over softmax's, with its paired standard error; arrow: above 2. Over softmax's "
    "(line): (C) time of the whole model, (D) operations and (E) joules of attention, by a digital machine (dot) "
    "and with the cells on neuromorphic hardware (bar). Red: gamma circuits; purple: without the rhythm; green: "
    "samples; blue: computed without noise."
)
def table(study: Study) -> Figure:
    names = sorted(study.rivals, key=lambda name: study.average(KL, name).value)
    figure, ax = panels(
        "ABCDE", height_in=0.9 + LINE_in * len(names), width_ratios=[1.5, 1.3, 1, 1, 1.1], sharey=True
    )
    exact = study.priced[SOFTMAX]
    for line, name in enumerate(names):
        own, colour = study.priced[name], _colour(name)
        _divergence(ax["A"], line, study.average(KL, name), colour)
        _perplexity(ax["B"], line, study.ratio(name), colour)
        digital, hardware = own.digital_J / exact.digital_J, own.hardware_J / exact.hardware_J
        for letter, value in zip(
            "CDE", (study.time(name).value, own.operations / exact.operations, digital), strict=True
        ):
            ax[letter].plot(value, line, "o", color=colour, ms=5)
        ax["E"].plot([digital, hardware], [line, line], color=colour, lw=1)
        ax["E"].plot(hardware, line, "|", color=colour, ms=7, mew=2)
    ax["A"].set_yticks(range(len(names)), [study.label(name) for name in names])
    ax["A"].set_ylim(len(names) - 0.4, -0.6)
    for tick, name in zip(ax["A"].get_yticklabels(), names, strict=True):
        tick.set_color(_colour(name))
        tick.set_fontweight("bold" if name == MAIN else "normal")
    _axes(ax)
    return figure


def _axes(ax: dict[str, Axes]) -> None:
    """Logarithmic axes with few ticks, and softmax's line."""
    ax["A"].set(xscale="log", xlabel="KL (nat)")
    ax["A"].set_xticks([1e-4, 1e-2, 1])
    ax["B"].set(xlim=(0.95, MOST), xscale="log", xlabel="perplexity")
    plain_ticks(ax["B"], "x", [1, 1.4, 2])
    costs = {"C": ("time", (1, 2, 5, 10)), "D": ("operations", (1, 10, 100)), "E": ("joules", (1, 30, 1000))}
    for letter, (label, ticks) in costs.items():
        ax[letter].set(xscale="log", xlabel=label)
        low, high = ax[letter].get_xlim()
        ax[letter].set_xlim(min(low, 0.8), 1.3 * high)
        plain_ticks(ax[letter], "x", [tick for tick in ticks if tick <= high])
    for letter in "BCDE":
        ax[letter].axvline(1, color=BLUE, lw=1.2, zorder=0)
    for each in ax.values():
        each.xaxis.set_minor_locator(NullLocator())


def _perplexity(ax: Axes, line: int, ratio: Estimate, colour: str) -> None:
    """A ratio beyond the axis is an arrow."""
    if ratio.value < MOST:
        ax.errorbar(ratio.value, line, xerr=ratio.error, fmt="o", ms=5, color=colour)
    else:
        ax.plot(0.97 * MOST, line, ">", color=colour, ms=5)


def _divergence(ax: Axes, line: int, kl: Estimate, colour: str) -> None:
    low = np.clip([kl.value - kl.error, kl.value + kl.error], LEAST_nat, None)
    ax.plot(low, [line, line], color=colour, lw=1.4)
    fill = colour if kl.value > LEAST_nat else "white"
    ax.plot(max(kl.value, LEAST_nat), line, "o", color=colour, mfc=fill, ms=5.5)


@captioned(
    "Rows of scores of the language model in {time} ms each. (A) Spikes of a row against the input it has: the sum "
    "of exp(score) over the largest of them, 1 where one key has all the weight. (B) Rows whose keys and I cells "
    "share a gamma rhythm."
)
def totals(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.2, width_ratios=[2, 1])
    for place, (name, held) in enumerate(study.totals.items()):
        colour, marker = LOOKS[name]
        label = RIVALS[name].label.split(",")[0]
        ax["A"].plot(held.rivals, held.spikes, marker, color=colour, ms=3.5, mew=0, label=label)
        dots(ax["B"], [place], [fraction(held.rhythmic)], color=colour, fmt=marker)
    ax["A"].set(xscale="log", yscale="log", xlabel="input of the row", ylabel="spikes of the row")
    plain_ticks(ax["A"], "xy")
    ax["A"].yaxis.set_major_locator(FixedLocator([10, 20, 50, 100, 200, 500]))
    percent_axis(ax["B"])
    ax["B"].set(ylabel="rows with a rhythm", xlim=(-0.5, len(study.totals) - 0.5))
    ax["B"].set_xticks([])
    legend_below(figure, ax["A"])
    return figure


def _colour(name: str) -> str:
    if name in (*CONTROLS, *SUMMED[1:]):
        return INH
    if name in GAMMA:
        return SPIKING
    return {"samples": CONTROL, "uniform": FLOOR, "hardmax": MUTED}.get(name, BLUE)
