"""Figures of dmm-learns: learning and cutting, the machine that is left, and its programs by spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pragmatic.machines.dmm.lite import TEXT
from pragmatic.machines.dmm.machine import Machine
from scenarios.dmm_learns.draws import GROUPS
from scenarios.dmm_learns.measures import PROGRAMS, SMOOTHED, Study
from scenarios.dmm_learns.published import CURVE, NINETEEN_LOSSES
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.machine_plots import link_graph
from scenarios.workbench.panels import captioned, dots, headroom, legend_below, panels, percent_axis
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["learning", "machines", "spikes"]

LOOKS: dict[str, dict[str, Any]] = {
    "circuit": {"color": SPIKING, "fmt": "o"},
    "sampled": {"color": FLOOR, "fmt": "s"},
    "regular": {"color": CONTROL, "fmt": "^"},
}
COLOURS = {"accum": SPIKING, "max-norm": SOFTMAX, "dot": INH, "compare": CONTROL, "identity": INK}
LEAST = 1e-4  # error that is drawn


@captioned(
    "(A) Loss of {machines} machines in training with exact rows (blue), and of one trained through {n} "
    "spikes a row "
    "(averaged over 20 steps); squares: published. (B) Squared error of each machine after each round of "
    "cutting the "
    "smallest weights; square: the author's machine of 19."
)
def learning(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.4)
    losses = study.learnt.losses
    step = 1 + np.arange(len(losses))
    for i, line in enumerate(losses.T):
        ax["A"].plot(step, line, color=SOFTMAX, lw=1.2, label="exact rows" if not i else None)
    for source in study.learnt.drawn:
        drawn = study.through(source)
        at = step[: len(drawn)] if len(drawn) <= len(step) else 1 + np.arange(len(drawn))
        ax["A"].plot(at + SMOOTHED / 2, drawn, color=LOOKS[source]["color"], lw=1.2, label=SOURCES[source])
    ax["A"].plot([1 + s for s in CURVE], list(CURVE.values()), "s", color=INK, ms=5, label="published")
    ax["A"].set(xscale="log", yscale="log", xlabel="step", ylabel="loss", title="learning")
    for line in study.learnt.cut.T:
        ax["B"].plot(study.learnt.left, line, "o-", ms=3, lw=1, color=SOFTMAX)
    ax["B"].plot(19, next(iter(NINETEEN_LOSSES.values())), "s", color=INK, ms=5)
    ax["B"].axhline(1.0, color=MUTED, ls=":", lw=1.2)
    ax["B"].set(xscale="log", yscale="log", xlabel="weights left", ylabel="squared error", title="cutting")
    ax["B"].invert_xaxis()
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "(A) The machine of {left} weights that is left: links above 0 in orange, below 0 in blue. (B) What it "
    "says of the "
    "text of its training, exactly (lines) and with its rows drawn by {n} spikes of random cells (dots); "
    "grey: the "
    "hand program."
)
def machines(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.9, width_ratios=(1.1, 1))
    links = Machine(study.programs["ours"]).links
    link_graph(
        ax["A"],
        {to: row for to, row in links.items() if not to.startswith(("timer", "letters", "accum.self"))},
    )
    drawn = study.drawn["ours", "circuit", study.params.spikes[-1]]
    cycle = np.arange(len(drawn.exact))
    for out, (name, colour) in enumerate((("repeats", SPIKING), ("full stops", SOFTMAX))):
        ax["B"].step(cycle, drawn.wanted[:, out], where="mid", color=MUTED, lw=3, alpha=0.5)
        ax["B"].plot(cycle, drawn.exact[:, out], color=colour, lw=1.4, label=name)
        ax["B"].plot(cycle, drawn.outputs[0, :, out], ".", color=colour, ms=3)
    ax["B"].set(xlabel="cycle", ylabel="output", title=f"“{TEXT}”")
    headroom(ax["B"], 0.25)
    ax["B"].legend(loc="upper left")
    return figure


@captioned(
    "Programs whose rows are drawn by spikes. (A) Squared error that drawing adds, summed over 140 cycles; "
    "solid: the "
    "author's 19 weights, dotted: ours; dashed: 1 / N. (B) Cycles in which both outputs round to the right "
    "counts. (C) Error of "
    "the outputs cycle by cycle when the rows of one kind of neuron alone are drawn, by {n} spikes of "
    "random cells, of "
    "accumulators with what they remember."
)
def spikes(study: Study) -> Figure:
    figure, ax = panels("AB\nCC", height_in=5.6)
    n = np.array(study.params.spikes, dtype=float)
    for name, line in (("author", "-"), ("ours", ":")):
        for source, label in SOURCES.items():
            drawn = [study.drawn[name, source, int(k)] for k in n]
            look = {**LOOKS[source], "ls": line, "lw": 1.2, "label": label if name == "author" else None}
            dots(ax["A"], n, [d.excess for d in drawn], **look)
            dots(ax["B"], n, [d.right for d in drawn], **look)
    first = max(study.drawn["author", "sampled", int(n[0])].excess.value, LEAST)
    ax["A"].plot(n, first * n[0] / n, "--", color=MUTED, lw=1.2, label="1 / N")
    ax["A"].set(yscale="log", ylabel="squared error", title=f"{PROGRAMS['author']}, and ours")
    ax["B"].set(ylabel="cycles with right counts")
    percent_axis(ax["B"])
    for each in (ax["A"], ax["B"]):
        spikes_axis(each, study.params.spikes)
    for kind, label in GROUPS.items():
        ax["C"].plot(study.kinds[kind].by_cycle, color=COLOURS[kind], lw=1.4, label=label)
    ax["C"].set(
        xlabel="cycle", ylabel="root mean square error", title="which neurons are weak", ylim=(0, None)
    )
    ax["C"].legend(loc="upper left", ncols=3)
    legend_below(figure, ax["A"])
    return figure
