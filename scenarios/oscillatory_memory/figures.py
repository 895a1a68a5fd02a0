"""Figures of oscillatory-memory: a retrieval in spikes, success by load, and what the head settles on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb

from scenarios.oscillatory_memory.heads import EXACT, PHASES
from scenarios.oscillatory_memory.measures import Study
from scenarios.oscillatory_memory.phases import SILENCED
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.readers import reader_name
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, PAPER, SOFTMAX, SPIKING
from spiking.circuits.phasor import PhasorUnits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = dict(zip(PHASES, (SPIKING, SOFTMAX, FLOOR, PAPER), strict=True))


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, retrieval, success, settles)


@captioned(
    "(A) Spikes of phasor units that complete a pattern: units of the pattern in the order of their phase, those "
    "that the cue leaves out in colour; grey: all others that fire. (B) Phases of the spikes in the last cycle "
    "against those of the pattern, up to one common phase."
)
def retrieval(study: Study) -> Figure:
    assert study.spiking.watched is not None
    spikes, pattern = study.spiking.watched
    figure, ax = panels("AB", height_in=3.4, width_ratios=[1.9, 1])
    active = np.flatnonzero(pattern)
    order = active[np.argsort(np.angle(pattern[active]) % (2 * np.pi))]
    place = np.full(len(pattern), -1)
    place[order] = np.arange(len(order))
    first = spikes.row == 0
    cell, time_ms = spikes.cell[first], spikes.time_ms[first]
    missing = np.arange(len(pattern)) < round(len(pattern) * SILENCED)
    for chosen, colour, label in (
        ((place[cell] >= 0) & ~missing[cell], INK, "in the cue"),
        ((place[cell] >= 0) & missing[cell], SPIKING, "left out of the cue"),
    ):
        ax["A"].plot(time_ms[chosen], place[cell[chosen]], "o", ms=3.5, mew=0, color=colour, label=label)
    others = place[cell] < 0
    ax["A"].plot(time_ms[others], np.full(others.sum(), -2), "o", ms=3, mew=0, color=FLOOR, label="others")
    ax["A"].set(xlabel="time (ms)", ylabel="unit of the pattern, by phase")
    units = PhasorUnits()
    state = units.state(spikes, 0, len(pattern), float(time_ms.max(initial=units.cycle_ms)))
    fired = active[state[active] != 0]
    if len(fired):
        common = np.angle((state[fired] * pattern[fired].conj()).sum())
        read = (np.angle(state[fired]) - common) % (2 * np.pi) / np.pi
        stored = np.angle(pattern[fired]) % (2 * np.pi) / np.pi
        read = stored + (read - stored + 1) % 2 - 1  # the nearest turn
        ax["B"].scatter(stored, read, s=22, c=[SPIKING if missing[u] else INK for u in fired], lw=0)
    ax["B"].plot([0, 2], [0, 2], color=MUTED, lw=0.8, zorder=0)
    ax["B"].set(
        xlabel="stored phase (π)", ylabel="phase of the spike (π)", xlim=(-0.05, 2.05), ylim=(-0.1, 2.1)
    )
    legend_below(figure, ax["A"], ncols=3)
    return figure


@captioned(
    "(A) Damaged patterns that phasor units give back, by patterns stored, as numbers and in spikes. (B) Bits they "
    "give back for each synapse. (C) Patterns that the gamma head finds by a noisy cue, by spikes a row and "
    "patterns stored, read once (filled) and again and again (open). Bars are standard errors."
)
def success(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.2)
    loads = np.array(study.params.loads)
    for memory, colour, label in (
        (study.phasors, SOFTMAX, "phasors as numbers"),
        (study.spiking, SPIKING, "phasors in spikes"),
    ):
        n = memory.n_units
        dots(ax["A"], loads, [memory.success(k) for k in loads], color=colour, fmt="o-", label=label)
        ax["B"].plot(loads, [memory.bits(k) / (n * (n - 1)) for k in loads], "o-", color=colour)
    ax["A"].set(ylim=(-0.03, 1.05), xlabel="patterns stored", ylabel="retrieved")
    ax["B"].set(xlabel="patterns stored", ylabel="bits a synapse", ylim=(0, None))
    spikes = np.array([n for _, n in study.spikes])
    last = study.params.cycles
    for n_keys, colour in zip(study.params.keys, (CONTROL, INH, INK, MUTED) * 9, strict=False):
        once = [study.heads.success(r, n_keys) for r in study.spikes]
        dots(ax["C"], spikes, once, color=colour, fmt="o-", label=f"head, {n_keys} patterns")
        if last > 1:
            again = [study.heads.success(r, n_keys, last) for r in study.spikes]
            dots(ax["C"], spikes * 1.08, again, color=colour, fmt="o", mfc=PAPER)
    ax["C"].set(xscale="log", xlabel="spikes a row", ylabel="found")
    plain_ticks(ax["C"], "x", spikes)
    legend_below(figure, ax["A"], ax["C"], ncols=4)
    return figure


@captioned(
    "What a query settles on that begins at a stored pattern: itself, the mean of its cluster of similar patterns, "
    "the mean of all, or none of these; colours mix by the share of patterns."
)
def settles(study: Study) -> Figure:
    readers = list(study.map.shares)
    figure, ax = panels("".join(chr(ord("A") + i) for i in range(len(readers))), height_in=3.3, sharey=True)
    palette = np.array([to_rgb(COLOURS[phase]) for phase in PHASES])
    for name, reader in zip(ax, readers, strict=True):
        image = np.clip(study.map.shares[reader] @ palette, 0, 1)  # (n_betas, n_similarities, 3)
        ax[name].imshow(image, origin="lower", aspect="auto")
        ax[name].set_xticks(range(image.shape[1]), [f"{s:g}" for s in study.map.similarities])
        ax[name].set_yticks(range(image.shape[0]), [f"{b:g}" for b in study.map.betas])
        title = "softmax" if reader == EXACT else reader_name(reader)
        ax[name].set(title=title, xlabel="similarity within a cluster")
        ax[name].grid(False)
    next(iter(ax.values())).set_ylabel("inverse temperature")
    for phase, colour in COLOURS.items():
        next(iter(ax.values())).plot([], [], "s", color=colour, mec=MUTED, mew=0.5, ms=8, label=phase)
    legend_below(figure, next(iter(ax.values())), ncols=4)
    return figure
