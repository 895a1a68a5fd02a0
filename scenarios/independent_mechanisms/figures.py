"""Figures of independent-mechanisms: what is remembered, by whom and how chosen, and modules taking turns."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.independent_mechanisms.copied import TUNED
from scenarios.independent_mechanisms.measures import Study
from scenarios.workbench.axes import points
from scenarios.workbench.modules import EXACT, Way
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["figures"]

Shown = tuple[Study, xr.Dataset]


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, turns) | pictures((study, data), memory)


@captioned(
    "Active modules (coloured) at each step of one sequence, chosen in several ways. Between the dotted lines the "
    "model waits; before them it is shown the symbols, after them it copies."
)
def turns(study: Study) -> Figure:
    kinds = [("mechanisms", way) for way in (EXACT, *study.params.races)]
    figure, ax = panels("\n".join("ABCD"[: len(kinds)]), height_in=0.5 + 0.85 * len(kinds), sharex=True)
    for letter, (kind, way) in zip("ABCD", kinds, strict=False):
        _turns(ax[letter], study, study.copied[kind, way].shown, way)
    ax["ABCD"[len(kinds) - 1]].set(xlabel="step")
    return figure


def _turns(ax: Axes, study: Study, active: np.ndarray, way: Way) -> None:
    """Modules downwards, steps to the right."""
    params = study.params
    image = np.where(active.T, np.arange(params.modules)[:, None] + 1.0, np.nan)
    ax.imshow(image, aspect="auto", cmap="viridis", vmin=1, vmax=params.modules + 1, interpolation="nearest")
    for step in (params.n_copied, params.n_copied + params.delay):
        ax.axvline(step - 0.5, color=INK, lw=1.0, ls=":")
    ax.set(title=way.name, ylabel="modules", yticks=[])
    ax.grid(False)


@captioned(
    "(A) Symbols copied against the delay; models were trained at the shortest. (B) The modules that take turns, "
    "chosen in other ways; dashed: after training through races. (C) At the longest delay, against the share of "
    "steps in which other modules than the k best are active: the first to spike (circles; open after training "
    "through races), the most of some spikes (squares), exchanges (diamonds); the curve is the law of an error "
    "that overwrites all. (D) Left of what top k remembers when one module is exchanged in a part of a sequence; "
    "bars: that law. Grey: a guess."
)
def memory(shown: Shown) -> Figure:
    study, data = shown
    params = study.params
    figure, ax = panels("AB\nCD", height_in=5.4)
    for kind, colour in zip(data.kind.values, (SOFTMAX, INH, INK), strict=True):
        points(ax["A"], data.sel(kind=kind), "delay", "right", color=colour, label=str(kind))
    _chosen(ax["B"], study, data)
    for name in "AB":
        ax[name].axhline(1 / params.n_symbols, color=FLOOR, lw=1)
        ax[name].set(xscale="log", ylim=(0, 1.04))
        plain_ticks(ax[name], "x", params.lengths)
    _errors(ax["C"], study)
    _parts(ax["D"], study)
    legend_below(figure, ax["A"], ax["B"], ax["C"], ncols=3)
    return figure


def _look(way: Way) -> str:
    """A colour for each circuit."""
    name = way.circuit or way.by
    return {"top": SOFTMAX, "samples": FLOOR, "swaps": INK}.get(
        name, CONTROL if "regular" in name else SPIKING
    )


def _chosen(ax: Axes, study: Study, data: xr.Dataset) -> None:
    for way in study.params.races:
        points(ax, data.sel(way=way.name), "delay", "chosen", color=_look(way), label=way.name)
        points(ax, data.sel(tuned_way=way.name), "delay", "retrained", color=_look(way), ls="--", mfc="none")
    points(ax, data.sel(way=EXACT.name), "delay", "chosen", color=SOFTMAX, label=EXACT.name)
    points(ax, data.sel(tuned_way=EXACT.name), "delay", "retrained", color=SOFTMAX, ls="--", mfc="none")


def _errors(ax: Axes, study: Study) -> None:
    params = study.params
    guess, best = 1 / params.n_symbols, study.right("mechanisms").value
    chance = np.linspace(0, 1, 400)
    law = guess + (best - guess) * (1 - chance) ** (2 * params.n_copied + study.longest)
    ax.plot(chance, law, color=MUTED, lw=1.2, label="one error overwrites all")
    drawn = [way for way in params.ways if not way.phase]
    for way in drawn:
        wrong = study.copied["mechanisms", way].wrong[:, -1].mean()
        marker = {"counts": "s", "swaps": "D"}.get(way.by, "o")
        dots(ax, [wrong], [study.right("mechanisms", way)], fmt=marker, color=_look(way))
    for way in params.races:
        wrong = study.copied[TUNED, way].wrong[:, -1].mean()
        dots(ax, [wrong], [study.right(TUNED, way)], color=_look(way), mfc="none")
    ax.set(
        xlabel="steps with other modules than top k", ylabel="symbols copied", ylim=(0, 1.04), xlim=(-0.03, 1)
    )


def _parts(ax: Axes, study: Study) -> None:
    some = [way for way in study.params.swapped if way.phase]
    place = np.arange(len(some))
    ax.bar(place, [study.expected(way) for way in some], color=FLOOR, alpha=0.5, width=0.6)
    dots(ax, place, [study.lasting(way) for way in some], color=INK, fmt="D")
    ax.set_xticks(place, [way.phase for way in some])
    ax.set(ylim=(0, 1.1), ylabel="left of the memory", title=f"exchanges at {some[0].amount:g}")
