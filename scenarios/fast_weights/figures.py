"""Figures of fast-weights: overwriting against spikes, tasks, and the swap of a layer that rewrites itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.fast_weights.learners import ASKED, TASK
from scenarios.fast_weights.measures import GATES, KINDS, Study
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import band, captioned, dots, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = {"circuit": SPIKING, "sampled": FLOOR, "regular": SOFTMAX}
RULE_LOOKS = {"softmax": (SOFTMAX, "-"), "delta": (CONTROL, ":"), "hebb": (MUTED, ":")}
LABELS = {"kept": "first to spike, kept"}
GATE_LOOKS: dict[str, dict[str, Any]] = {
    "none": {"color": FLOOR, "ls": "--"},
    "added": {"color": INH},
    "best": {"color": INK},
    "circuit": {"color": SPIKING},
    "sampled": {"color": FLOOR},
    "regular": {"color": SOFTMAX},
    "kept": {"color": SPIKING, "ls": "--"},
}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    params = study.params
    words = {"writes": params.writes, "gate": params.gate, "columns": params.columns, "asked": ASKED}
    return pictures(study, memories, learners, **words, middle=params.middle, classes=TASK.n_classes)


@captioned(
    "First panels: last values recalled, of keys that got {writes} values each, by memories of the keys named "
    "in the title, against the spikes of each read and write; lines across: the delta rule with columns by "
    "softmax (blue), with the keys themselves (green, dotted), and Hebb's rule (grey, dotted). Last panel: "
    "values of all tasks left at the end, against the number of tasks that were learnt one after another; a "
    "task may use {gate} of {columns} columns, or all."
)
def memories(study: Study) -> Figure:
    params = study.params
    shown = params.keys[-3:]
    letters = "ABCD"[: len(shown)]
    last = "ABCDE"[len(shown)]
    figure, ax = panels(letters + last, height_in=3.5, width_ratios=[1] * len(shown) + [1.5])
    for name, keys in zip(letters, shown, strict=True):
        for source, label in SOURCES.items():
            right = [mean(study.memories[source, n, keys]) for n in params.spikes]
            dots(ax[name], params.spikes, right, color=COLOURS[source], ls="-", lw=1, ms=4, label=label)
        for rule, (colour, line) in RULE_LOOKS.items():
            ax[name].axhline(study.memories[rule, 0, keys].mean(), lw=1.4, color=colour, ls=line)
        spikes_axis(ax[name], params.spikes)
        ax[name].set(ylim=(0, 1.04), title=f"{keys} keys", xlabel="spikes")
        ax[name].tick_params(labelleft=name == "A")
    ax["A"].set_ylabel("last values recalled")
    for gate, look in GATE_LOOKS.items():
        ended = [mean(study.tasks[gate, n].all) for n in params.tasks]
        named = {} if gate in SOURCES else {"label": LABELS.get(gate, GATES[gate])}
        dots(ax[last], params.tasks, ended, ms=4, **({"ls": "-", "lw": 1} | look | named))
    ax[last].set(xscale="log", ylim=(0, 1.04), xlabel="tasks", ylabel="values left", title="tasks")
    plain_ticks(ax[last], "x", params.tasks)
    legend_below(figure, ax["A"], ax[last], ncols=3)
    return figure


@captioned(
    "Networks that learn {classes} new classes from few examples. (A, B) Answers among the first {asked} examples "
    "without label, against the spikes of every column that is read or written; line: softmax; grey: a guess. (C) "
    "Answers of the layer that rewrites itself along the episode, with softmax and with {middle} spikes; it was "
    "trained up to the dotted line. Mean over networks and episodes with its standard error."
)
def learners(study: Study) -> Figure:
    params = study.params
    figure, ax = panels("ABC", height_in=3.4, width_ratios=[1, 1, 1.4])
    for name, kind in (("A", "self"), ("B", "delta")):
        for source, label in SOURCES.items():
            right = [study.right(kind, source, n) for n in params.spikes]
            dots(ax[name], params.spikes, right, color=COLOURS[source], ls="-", lw=1, ms=4, label=label)
        ax[name].axhline(study.right(kind).value, color=SOFTMAX, lw=1.4)
        spikes_axis(ax[name], params.spikes)
        ax[name].set(title=KINDS[kind], xlabel="spikes")
    place = np.arange(1, params.asked + 1)
    along = {"softmax": (INK, 0), **{source: (COLOURS[source], params.middle) for source in SOURCES}}
    for source, (colour, n) in along.items():
        answers = study.learners["self", source, n].mean(axis=0)
        named = {"label": "softmax"} if source == "softmax" else {}
        band(ax["C"], place, answers, axis=0, color=colour, lw=1.3, **named)
    ax["C"].axvline(ASKED + 0.5, color=MUTED, ls=":", lw=1.2)
    ax["C"].set(xlabel="example without label", title="along the episode")
    for each in ax.values():
        each.axhline(1 / TASK.n_classes, color=FLOOR, lw=1)
        each.set_ylim(0, 1.04)
    ax["A"].set_ylabel("answers right")
    legend_below(figure, ax["A"], ax["C"])
    return figure
