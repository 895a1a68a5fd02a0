"""Figures of shared-workspace: the task, generalisation, and the gain seed by seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pragmatic.tasks.triangles import draw_triangles
from scenarios.shared_workspace.measures import GUESS, NAMES, Study, chooser
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["figures"]

SHOWN = "spiking"  # choosers that are drawn; the report's table has the samples too

Shown = tuple[Study, xr.Dataset]

LOOKS: dict[str, dict[str, Any]] = {
    "attention": {"color": SOFTMAX, "lw": 2.2},
    "own": {"color": SOFTMAX, "ls": "--"},
    "top": {"color": SOFTMAX, "ls": ":"},
    "soft": {"color": INH},
    "hard": {"color": CONTROL, "lw": 2.2},
    "random": {"color": FLOOR, "ls": ":"},
}


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    return pictures((study, data), generalisation, trained=study.params.others, k=study.params.writers)


@captioned(
    "Are the three marked points the corners of an equilateral triangle? (A, B) One set with such a triangle, "
    "one without, with {trained} other points as in training. (C) Answers right with more of them; grey: a "
    "guess. (D) Gain of the workspace into which the {k} best write, each line a seed. (E) Spikes choose the "
    "writers after training. Mean over seeds with its standard error."
)
def generalisation(shown: Shown) -> Figure:
    study, data = shown
    mosaic = "ABDD\nCCEE" if "chosen" in data else "ABDD\nCCDD"
    figure, ax = panels(mosaic, height_in=5.4)
    for name, equilateral in (("A", True), ("B", False)):
        _example(ax[name], study, equilateral)
    for kind in study.results.kinds:
        look = {"lw": 1.3, "ms": 3.5} | LOOKS[kind]
        points(ax["C"], data.sel(kind=NAMES[kind]), "others", "right", label=NAMES[kind], **look)
    ax["C"].axhline(GUESS, color=MUTED, lw=1)
    _seeds(ax["D"], study)
    if "chosen" in data:
        for reader in [reader for reader in study.results.chosen if reader[0] == SHOWN]:
            alpha = min(1.0, 0.4 + 0.1 * np.log2(reader[1])) if reader[1] else 1.0
            look = {"color": SPIKING, "lw": 1.3, "ms": 3.5, "ls": "-" if reader[1] else "--", "alpha": alpha}
            part = data.sel(chooser=chooser(reader))
            points(ax["E"], part, "others", "chosen", label=chooser(reader), **look)
        ax["E"].plot(data.others, data.right.sel(kind=NAMES["hard"]), color=CONTROL, lw=2.2)
        ax["E"].set_title("writers by spikes")
    legend_below(figure, ax["C"], *([ax["E"]] if "chosen" in data else []), ncols=3)
    return figure


def _example(ax: Axes, study: Study, equilateral: bool) -> None:
    """The first set of its kind."""
    sets = draw_triangles(20, study.params.others, np.random.default_rng(4))
    which = np.flatnonzero(sets.equilateral.numpy() == equilateral)
    if not len(which):
        return
    place = sets.points[int(which[0])].numpy()
    corner = place[:, 2] > 0
    ax.fill(*place[corner, :2].T, color=CONTROL if equilateral else FLOOR, alpha=0.35, lw=0)
    ax.plot(*place[~corner, :2].T, "o", color=MUTED, ms=4)
    ax.plot(*place[corner, :2].T, "o", color=INK, ms=5)
    ax.set(xticks=[], yticks=[], xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
    ax.set_title("equilateral" if equilateral else "not")
    ax.spines[:].set_visible(False)
    ax.grid(False)


def _seeds(ax: Axes, study: Study) -> None:
    """Gains over three kinds, with most other points."""
    over = ("attention", "own", "soft")
    gains = np.stack([study.gains(kind) for kind in over])  # (3, n_seeds)
    ax.plot(range(len(over)), gains, "o-", color=CONTROL, lw=0.8, ms=4, alpha=0.7)
    ax.axhline(0, color=MUTED, lw=1)
    ax.set_xticks(range(len(over)), ["attention", "attention,\nown weights", "workspace,\nall write"])
    ax.set(xlim=(-0.4, 2.4), ylabel="gain in answers right", title="each seed, gain over")
