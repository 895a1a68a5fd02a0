"""Figures of circuit-knobs: a row under each knob, the curves of every parameter, and the matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.circuit_knobs.measures import KNOBS, PARAMETERS
from scenarios.circuit_knobs.report import CIRCUITS, OWN, Study
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, pictures
from scenarios.workbench.rasters import draw_raster
from scenarios.workbench.style import CONTROL, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["figures"]

COLOURS = {"bias": CONTROL, "beta": SOFTMAX, "spikes": SPIKING}
CIRCUIT_LOOKS: dict[str, dict[str, Any]] = {
    "random": {"marker": "o", "ls": "-", "lw": 1.6},
    "regular": {"marker": "^", "ls": ":", "lw": 1.2},
    "cut": {"marker": "x", "ls": "--", "lw": 1.0, "alpha": 0.6},
}
SHORT = {"bias": "bias", "beta": "ln β", "spikes": "ln spikes", "keys": "ln keys"}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(
        study, knobs, curves, matrices, factor=f"{study.params.factor:g}", bias=f"{study.params.bias:g}"
    )


@captioned(
    "One row of six keys, scores falling from the bottom up, and its I cells below. (B) has {bias} more drive in "
    "every other key, (C) and (D) {factor} times the gain or the inhibition."
)
def knobs(study: Study) -> Figure:
    figure, ax = panels("AB\nCD", height_in=4.8)
    for name, (title, selection) in zip("ABCD", study.watched.items(), strict=True):
        n_keys = selection.counts.shape[1]
        draw_raster(
            ax[name],
            selection,
            0,
            order=np.arange(n_keys),
            labels=[str(key + 1) for key in range(n_keys)],
            window_ms=selection.duration_ms,
        )
        ax[name].set(title=title, ylabel="key")
    return figure


@captioned(
    "What each knob does to the three parameters of attention: change in nats from where the knob rests. Thick: "
    "the parameter it is meant for. Circles: random cells; triangles: regular ones; crosses: random cells at the "
    "same rate, their loop cut."
)
def curves(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.4, sharey=True)
    for name, (knob, label) in zip("ABC", KNOBS.items(), strict=True):
        for circuit, look in CIRCUIT_LOOKS.items():
            _of_knob(ax[name], study, circuit, knob, look)
        ax[name].set(xlabel=f"{label} (nat)", title=knob)
    ax["A"].set_ylabel("change of parameter (nat)")
    legend_below(figure, ax["A"])
    return figure


def _of_knob(ax: Axes, study: Study, circuit: str, knob: str, look: dict[str, Any]) -> None:
    of = study.circuits[circuit]
    settings = of.along(knob)
    turned = np.array([getattr(setting, knob) for setting in settings])
    read = np.stack([of.read(setting) for setting in settings])
    for i, parameter in enumerate(OWN.values()):
        change = read[:, i] - read[np.abs(turned).argmin(), i]
        own = {"lw": 2.6 * look["lw"]} if OWN[knob] == parameter else {}
        label = PARAMETERS[parameter] if circuit == "random" else None
        ax.plot(turned, change, color=COLOURS[parameter], label=label, ms=5, **{**look, **own})


@captioned(
    "(A, B) Crosstalk: what a knob does to each parameter over what it does to the one it is meant for, with its "
    "standard error. (C) With the loop cut, nats of each parameter for a nat of the knob. The last column counts "
    "distinct keys of a cycle in place of spikes."
)
def matrices(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=2.7, sharey=True)
    shown = {"A": ("random", "crosstalk"), "B": ("regular", "crosstalk"), "C": ("cut", "slopes")}
    for name, (circuit, of) in shown.items():
        _matrix(ax[name], study.circuits[circuit].estimates[of])
        ax[name].set_title(CIRCUITS[circuit], fontsize=9.5)
    ax["A"].set_yticks(range(len(KNOBS)), list(KNOBS))
    return figure


def _matrix(ax: Axes, entries: Any) -> None:
    values = np.array([[entry.value for entry in of_knob] for of_knob in entries])
    ax.imshow(np.nan_to_num(values), cmap="RdBu_r", vmin=-1.2, vmax=1.2, aspect="auto")
    for (row, at), value in np.ndenumerate(values):
        error = entries[row][at].error
        text = "–" if np.isnan(value) else f"{value:.3f}\n± {error:.3f}" if error else f"{value:g}"
        colour = "white" if abs(value) > 0.7 else INK
        ax.text(at, row, text, ha="center", va="center", fontsize=6.5, color=colour)
    ax.set_xticks(range(len(SHORT)), list(SHORT.values()), rotation=30, fontsize=8)
    ax.axvline(len(OWN) - 0.5, color=MUTED, lw=1.5)
    ax.grid(False)
