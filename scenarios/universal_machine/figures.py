"""Figures of universal-machine: a program that runs, and for how long it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.universal_machine.measures import LABELS, Study
from scenarios.workbench.panels import captioned, dots, headroom, legend_below, panels, percent_axis
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.style import CONTROL, FLOOR, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["lengths", "trace"]

LOOKS: dict[str, dict[str, Any]] = {
    "circuit": {"color": SPIKING, "fmt": "o"},
    "sampled": {"color": FLOOR, "fmt": "s"},
    "regular": {"color": SOFTMAX, "fmt": "^"},
}
MOST_CELLS = 12  # with changing numbers, that are drawn


@captioned(
    "The program by {heads} heads, {most} spikes a row where they spike. (A) The cells that the program "
    "changes, step by "
    "step; colours are their numbers, by sign and size. (B) The address of the next instruction; line: the "
    "interpreter."
)
def trace(study: Study) -> Figure:
    figure, ax = panels("A\nB", height_in=4.6, height_ratios=[1.2, 1])
    memory, at = study.drawn.memory, study.drawn.at
    changing = np.flatnonzero((memory != memory[0]).any(axis=0))[:MOST_CELLS]
    shown = memory[:, changing].T if len(changing) else memory[:, :1].T
    names = [str(cell) for cell in changing] or ["0"]
    top = max(1.0, float(np.abs(shown).max()))
    image = ax["A"].imshow(shown, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="nearest")
    ax["A"].set_yticks(range(len(names)), names)
    ax["A"].set(ylabel="cell", title="memory")
    ax["A"].grid(False)
    for (row, step), value in np.ndenumerate(shown if shown.shape[1] <= 48 else shown[:, :0]):
        colour = "white" if abs(value) > 0.6 * top else MUTED
        ax["A"].text(step, row, str(value), ha="center", va="center", fontsize=6, color=colour)
    figure.colorbar(image, ax=ax["A"], pad=0.01)
    expected = [state.at for state in study.wanted]
    ax["B"].step(range(len(expected)), expected, where="mid", color=MUTED, lw=1, label="interpreter")
    ax["B"].plot(at, "o", color=SPIKING, ms=4, label="transformer")
    ax["B"].set(xlabel="step", ylabel="address", title="next instruction", xlim=(-0.5, len(expected) - 0.5))
    headroom(ax["B"], 0.25)
    ax["B"].legend(loc="upper right", ncols=2)
    return figure


@captioned(
    "(A) Steps until the first error, 1 over the rate of wrong steps, against spikes per row; triangles at "
    "the upper edge: no "
    "error was seen. (B) Machines that ran the whole program without an error; lines: (1 - error)^steps."
)
def lengths(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.3)
    n = np.array(study.params.spikes, dtype=float)
    unseen = float(2 * study.params.n_steps)
    for shift, (source, label) in zip((-0.15, 0, 0.15), LABELS.items(), strict=True):
        look = LOOKS[source]
        known = [study.length(source, i) for i in range(len(n))]
        shown = [e if np.isfinite(e.value) else Estimate(value=unseen, error=0.0) for e in known]
        dots(ax["A"], n + shift, shown, label=label, ls="-", lw=1, **look)
        dots(ax["B"], n + shift, [run.whole for run in study.runs[source]], **look)
        chance = [(1 - reads.rate.value) ** study.n_steps for reads in study.reads[source]]
        ax["B"].plot(n, chance, color=look["color"], lw=1)
    bare = [run.whole for run in study.runs["uncleaned"]]
    dots(ax["B"], n, bare, color=CONTROL, fmt="x", ls=":", lw=1, label="random cells, no clean-up")
    ax["A"].set(yscale="log", ylabel="steps without an error", title="how long a program")
    ax["B"].set(ylabel="machines without an error", title=f"the program of {study.n_steps} steps")
    percent_axis(ax["B"])
    ax["B"].set_ylim(-0.04, 1.04)
    for each in ax.values():
        each.set_xlabel("spikes per row")
    legend_below(figure, ax["A"], ax["B"])
    return figure
