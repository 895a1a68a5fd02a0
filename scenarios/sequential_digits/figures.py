"""Figures of sequential-digits: a digit at each resolution, and what is read of them."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from scenarios.sequential_digits.measures import NAMES, PUBLISHED, PUBLISHED_SCALE, Study
from scenarios.sequential_digits.pixels import N_CLASSES, Digits
from scenarios.workbench.axes import points
from scenarios.workbench.modules import EXACT
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures
from scenarios.workbench.style import CONTROL, FLOOR, INH, SOFTMAX, SPIKING

__all__ = ["figures"]

Shown = tuple[Study, xr.Dataset]
SHOWN = 4  # digits


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, pixels, side=study.params.resolution) | pictures((study, data), reading)


@captioned(
    "Held-out digits at the resolution of the training, {side} pixels a side, and at those of the tests."
)
def pixels(study: Study) -> Figure:
    sides, digits = study.params.sides, Digits.read()
    names = "abcdefghijkl"[: len(sides)]
    figure, ax = panels(names, height_in=5.0)
    for name, side in zip(names, sides, strict=False):
        x, _ = digits.sequences(digits.for_tests(SHOWN), side)
        ax[name].imshow(x[..., 0].reshape(SHOWN * side, side).numpy(), cmap="magma", vmin=0, vmax=1)
        ax[name].set(title=f"{side} × {side}", xticks=[], yticks=[])
        ax[name].grid(False)
    return figure


@captioned(
    "(A) Digits read against the resolution; models were trained at the coarsest. Dashed: only rows are added. "
    "Dotted: published for MNIST at the same ratio to the resolution of the training. (B) Modules that take turns, "
    "chosen in other ways. Grey: a guess."
)
def reading(shown: Shown) -> Figure:
    study, data = shown
    figure, ax = panels("AB", height_in=3.6, sharey=True)
    for kind, colour in zip(NAMES, (SOFTMAX, INH), strict=True):
        points(ax["A"], data.sel(kind=NAMES[kind]), "side", "right", color=colour, label=NAMES[kind])
        points(ax["A"], data.sel(kind=NAMES[kind]), "side", "taller", color=colour, ls="--", mfc="none")
        sides = [scale * study.params.resolution for scale in PUBLISHED_SCALE]
        ax["A"].plot(sides, PUBLISHED[kind], color=colour, lw=0.9, ls=":")
    for way in study.params.ways:
        name = way.circuit or way.by
        colour = {"top": SOFTMAX, "samples": FLOOR}.get(name, CONTROL if "regular" in name else SPIKING)
        look = {"ls": "--", "mfc": "none"} if way.by == "counts" else {}
        label = EXACT.name if way == EXACT else way.name
        points(ax["B"], data.sel(way=way.name), "side", "chosen", color=colour, label=label, **look)
    for panel in ax.values():
        panel.axhline(1 / N_CLASSES, color=FLOOR, lw=1)
        panel.set(ylim=(0, 1.04), xticks=list(study.params.sides))
    ax["B"].set(ylabel="")
    legend_below(figure, ax["A"], ax["B"], ncols=3)
    return figure
