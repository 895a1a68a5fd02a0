"""Figures of theta-gamma-heads: the buffer, the mixing of slots, and MiniLM's heads on shared circuits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.theta_gamma_heads.measures import Study
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, panels, pictures
from scenarios.workbench.rasters import key_colours
from scenarios.workbench.style import CONTROL, FLOOR, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    drawn = pictures(study, buffer, slots)
    drawn |= pictures(study, sentences) if study.sentences is not None else {}
    return drawn | (pictures(study, hops) if study.hopped is not None else {})


@captioned(
    "(A) Seven items in a buffer: each spike is an item, the line theta. (B) Items kept in order against gamma "
    "cycles in a theta period, for all theta frequencies and inhibitory decays; the line would be one item a "
    "cycle. (C) The same against noise."
)
def buffer(study: Study) -> Figure:
    figure, ax = panels("AA\nBC", height_in=4.8)
    recipe, spikes = study.buffered.watched
    colours = key_colours(recipe.n_items)
    ax["A"].scatter(spikes.time_ms, spikes.cell, s=26, c=colours[spikes.cell], lw=0)
    time_ms = np.linspace(0, float(spikes.time_ms.max(initial=recipe.period_ms)), 500)
    theta = np.sin(2 * np.pi * recipe.f_theta_Hz * time_ms * 1e-3 - np.pi / 2)
    ax["A"].plot(time_ms, theta - 2.2, color=FLOOR, lw=1.2)
    ax["A"].set(xlabel="time (ms)", ylabel="item", ylim=(-3.6, recipe.n_items - 0.3))
    ax["A"].set_yticks(range(recipe.n_items), [str(i + 1) for i in range(recipe.n_items)])
    varied = [k for k in study.buffered.varied if np.isfinite(k.interval_ms)]
    x = np.array([k.sketch for k in varied])
    thetas = study.params.thetas
    for theta_Hz, shade in zip(thetas, key_colours(len(thetas)), strict=True):
        own = [k for k in varied if k.buffer.f_theta_Hz == theta_Hz]
        ax["B"].plot(
            [k.sketch for k in own], [k.capacity for k in own], "o", color=shade, label=f"{theta_Hz:g} Hz"
        )
    ax["B"].legend(title="theta", loc="upper right", fontsize=8)
    top = 1.05 * float(x.max(initial=1.0))
    ax["B"].plot([0, top], [0, top], color=MUTED, lw=0.8, zorder=0)
    ax["B"].set(xlabel="gamma cycles in a theta period", ylabel="items kept", xlim=(0, top), ylim=(0, 14))
    ax["C"].plot(list(study.buffered.noisy), list(study.buffered.noisy.values()), "o-", color=SPIKING)
    ax["C"].set(xlabel="noise (mV)", ylabel="items kept", ylim=(0, None))
    return figure


@captioned(
    "(A) Effect of each slot's scores on each slot's selection, of the base circuit; a diagonal means that heads "
    "keep apart. (B) Effect of the scores of the slot before, over a slot's own, in all conditions, with standard "
    "errors; bars: what a linear membrane carries."
)
def slots(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.6, width_ratios=[1, 1.7])
    base = next(iter(study.mixed.values()))
    top = float(np.abs(base.matrix).max())
    image = ax["A"].imshow(base.matrix, cmap="RdBu_r", vmin=-top, vmax=top)
    ax["A"].grid(False)
    places = range(len(base.matrix))
    if len(base.matrix) <= 8:
        for (row, col), value in np.ndenumerate(base.matrix):
            shade = "white" if abs(value) > 0.6 * top else MUTED
            ax["A"].text(col, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=shade)
        ax["A"].set_xticks(places, [str(i + 1) for i in places])
        ax["A"].set_yticks(places, [str(i + 1) for i in places])
    ax["A"].set(xlabel="scores of slot", ylabel="selection of slot")
    figure.colorbar(image, ax=ax["A"], shrink=0.7)
    y = np.arange(len(study.mixed))[::-1]
    ax["B"].barh(y, [m.theory[1] for m in study.mixed.values()], 0.6, color=SOFTMAX, alpha=0.25, lw=0)
    back = [m.back(1) for m in study.mixed.values()]
    ax["B"].errorbar(
        [b.value for b in back], y, xerr=[b.error for b in back], fmt="o", ms=5, color=SPIKING, capsize=2
    )
    ax["B"].axvline(0, color=MUTED, lw=0.8)
    ax["B"].set_yticks(y, list(study.mixed))
    ax["B"].set_xlabel("scores a slot ago / own")
    return figure


@captioned(
    "Rank correlation that MiniLM loses when its attention spikes, all heads of a layer on one circuit or on a "
    "circuit each, and with as many samples of the softmax; bars are standard errors over resampled pairs."
)
def sentences(study: Study) -> Figure:
    assert study.sentences is not None
    figure, ax = panels("A", height_in=2.6, width=0.6)
    names = {"shared": "one circuit\na layer", "separate": "a circuit\na head", "samples": "samples"}
    looks = {"shared": SPIKING, "separate": CONTROL, "samples": FLOOR}
    for place, name in enumerate(names):
        dots(ax["A"], [place], [study.sentences.lost[name]], color=looks[name], ms=7)
    ax["A"].axhline(0, color=MUTED, lw=0.8)
    ax["A"].set_xticks(range(len(names)), list(names.values()))
    ax["A"].set(xlim=(-0.6, len(names) - 0.4), ylabel="rank correlation lost")
    return figure


@captioned(
    "(A) Rows in which two hops in one theta cycle end at the right key, against what leaks of the first scores "
    "into the second slot, for all circuits; open: as many samples with as much leak. (B) The base circuit; "
    "a softmax, and as many samples of it; no E to I, at about as many spikes; the first hop alone; values of "
    "another row. (C) By the theta cycles over which spikes are counted, and by the hops of one cycle. Bars are "
    "standard errors."
)
def hops(study: Study) -> Figure:
    assert study.hopped is not None
    hopped = study.hopped
    figure, ax = panels("AB\nAC", height_in=4.6, width_ratios=[1.5, 1])
    for (name, circuit), colour in zip(
        hopped.circuits.items(), key_colours(len(hopped.circuits)), strict=True
    ):
        at = [circuit.leak.value]
        dots(ax["A"], at, [hopped.predicted[name]], color=colour, mfc="none", ms=9)
        dots(ax["A"], at, [circuit.accuracy], color=colour, label=name, xerr=[circuit.leak.error])
    ax["A"].set(xlabel="leak of the first scores", ylabel="accuracy of two hops", ylim=(0, 1.03))
    ax["A"].legend(fontsize=8, loc="lower left")
    bars = {"spikes": hopped.circuits["base"].accuracy, **hopped.controls}
    dots(ax["B"], range(len(bars)), list(bars.values()), color=CONTROL)
    dots(ax["B"], [0], [bars["spikes"]], color=SPIKING)
    short = {"off": "no E to I", "one_hop": "one hop", "strangers": "other's values"}
    names = [short.get(name, name) for name in bars]
    ax["B"].set_xticks(range(len(bars)), names, rotation=30, ha="right")
    ax["B"].set(ylabel="accuracy", ylim=(-0.03, 1.05))
    dots(ax["C"], list(hopped.by_cycles), list(hopped.by_cycles.values()), fmt="o-", label="theta cycles")
    deep = [each.accuracy for each in hopped.by_hops.values()]
    dots(ax["C"], list(hopped.by_hops), deep, fmt="s-", color=SOFTMAX, label="hops")
    ax["C"].set(xlabel="theta cycles, or hops", ylabel="accuracy", ylim=(0, 1.05))
    ax["C"].legend(fontsize=8)
    return figure
