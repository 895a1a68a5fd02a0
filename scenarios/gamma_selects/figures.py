"""Figures of gamma-selects: raster and field, spectrum, selection against drive, peak against τ_GABA."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from scenarios.gamma_selects.measures import LABELS, READOUTS, Study, line
from scenarios.gamma_selects.watched import WatchedRow
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import band, captioned, dots, headroom, legend, panels, pictures, plain_ticks
from scenarios.workbench.rasters import draw_row
from scenarios.workbench.statistics import fraction, mean
from scenarios.workbench.style import CONTROL, FLOOR, GRID, INH, MUTED, SOFTMAX, SPIKING
from spiking.measures.rhythm import GAMMA_BAND_HZ

__all__ = ["figures"]

COLOURS = {"loop": SPIKING, "cut": INH, "matched": CONTROL}
MARKERS = {"loop": "o", "cut": "s", "matched": "^"}
FACES = COLOURS | dict.fromkeys(("cut", "matched"), "none")
WINDOW_ms = 250.0  # of the raster
SHOWN_Hz = 6, 120  # of the spectrum
TAU = r"$\tau_\mathrm{GABA}$"


def figures(study: Study, inside: Mapping[str, WatchedRow]) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(inside, raster) | pictures(study, spectrum, selection, tau_gaba)


@captioned(
    "A row whose rate is typical, simulated again with its voltages recorded. From above: spikes of its E "
    "cells, a line a cell, stimuli ordered and coloured by drive, and of its I cells, their lines wider apart; "
    "its field (excitatory synaptic trace, in units of one spike; scales differ), dashed lines part its "
    "cycles; voltage of the E cell that fires most, in scores; voltage of an I cell, in thresholds, once a "
    "millisecond. (A) With the loop. (B) E to I cut "
    "and nothing else changed, so that every cell fires as fast as its drive makes it, and no I cell. (C) E "
    "to I cut and the drive lowered until the mean rate matches."
)
def raster(inside: Mapping[str, WatchedRow]) -> Figure:
    figure, ax = panels("ABC\nabc\ndef\nghi", height_in=6.6, sharex=True, height_ratios=(3.4, 1, 1, 0.7))
    for columns, (name, seen) in zip(("Aadg", "Bbeh", "Ccfi"), inside.items(), strict=True):
        raster, field, exc, inh = (ax[panel] for panel in columns)
        of, order, cycle = seen.row, np.argsort(seen.row.scores[0]), seen.row.cycles.cycle_index[0]
        labels = [f"{drive:.1f}" if name == "loop" else "" for drive in of.scores[0][order]]
        look: dict[str, Any] = {"order": order, "labels": labels, "colour": COLOURS[name], "cycle": cycle}
        draw_row(raster, field, of.selection, 0, window_ms=WINDOW_ms, **look)
        inh_Hz = of.selection.other_counts["inh"][0] / of.selection.row_ms[0] * 1e3
        rates = f"{of.rate_Hz[0]:,.0f} E and {inh_Hz:,.0f} I spikes/s"
        raster.set_title(f"{LABELS[name]}\n{rates}", fontsize=8.5)
        for each, voltage, colour in ((exc, seen.exc_v, SPIKING), (inh, seen.inh_v, INH)):
            each.plot(voltage[: round(WINDOW_ms)], color=colour, lw=0.9)
            each.grid(False)
        field.set(xlabel="", ylabel="")
        inh.set(xlabel="time (ms)", ylim=(-0.05, 1.25))
        raster.set_ylabel("")
    for panel, label in (
        ("A", "cells, by drive"),
        ("a", "field\n(spikes)"),
        ("d", "E (scores)"),
        ("g", "I (thr.)"),
    ):
        ax[panel].set_ylabel(label)
    figure.align_ylabels([ax[panel] for panel in "Aadg"])
    return figure


@captioned(
    "(A) Power spectrum of the population rate over that of a Poisson process of the same rate, mean over rows "
    "with its standard error; 1 where cells fire independently at random. (B) Rows with a significant peak in the "
    "gamma band (tested against independent cells, at 1 % per row), with the standard error."
)
def spectrum(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.3, width_ratios=(1.9, 1))
    ax["A"].axvspan(*GAMMA_BAND_HZ, color=GRID, alpha=0.6, lw=0)
    ax["A"].axhline(1.0, color=FLOOR, lw=1.0, ls="--")
    for place, (name, of) in enumerate(study.circuits.items()):
        frequency_Hz, power = of.relative_spectrum()
        shown = (frequency_Hz >= SHOWN_Hz[0]) & (frequency_Hz <= SHOWN_Hz[1])
        band(ax["A"], frequency_Hz[shown], power[:, shown], axis=0, color=COLOURS[name], label=LABELS[name])
        part = fraction(of.rhythmic)
        ax["B"].bar(place, part.value, 0.62, color=COLOURS[name])
        ax["B"].errorbar(place, part.value, part.error, color=MUTED, lw=1.2, capsize=3)
        above = part.value + part.error + 0.02
        ax["B"].text(place, above, f"{of.rhythmic.sum()}/{of.n_rows}", ha="center", fontsize=8.5)
    ax["A"].set(xlim=SHOWN_Hz, yscale="log", xlabel="frequency (Hz)", ylabel="power / Poisson of same rate")
    headroom(ax["A"], 0.35)
    middle, low = sum(GAMMA_BAND_HZ) / 2, 1.15 * ax["A"].get_ylim()[0]
    ax["A"].text(middle, low, "gamma band", ha="center", color=MUTED, fontsize=8)
    ax["A"].legend(loc="upper right", fontsize=8.5)
    ax["B"].set_xticks(range(len(LABELS)), [fill(text, 10) for text in LABELS.values()], fontsize=8)
    ax["B"].set(ylim=(0, 1.12), ylabel="rows with a significant peak")
    ax["B"].set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax["B"].grid(False, axis="x")
    return figure


@captioned(
    "(A) Share of spikes against drive, mean over rows with its standard error, and the softmax of the "
    "drives, a straight line on this axis. (B) Three ways to read the rhythmic circuit's spikes, each with "
    "the distance that as many samples of the softmax have on average."
)
def selection(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.5, width_ratios=(1.15, 1))
    loop = study.circuits["loop"]
    drives = np.sort(loop.scores[0])
    ax["A"].plot(drives, np.sort(loop.target[0]), color=SOFTMAX, label="softmax of drive")
    for name, of in study.circuits.items():
        by_drive = np.take_along_axis(of.selection.weights, np.argsort(of.scores, axis=1), axis=1)
        look, shares = {"fmt": MARKERS[name], "mfc": FACES[name]}, [mean(row) for row in by_drive.T]
        dots(ax["A"], drives, shares, color=COLOURS[name], label=LABELS[name], **look)
    ax["A"].set(yscale="log", xlabel="drive of the stimulus (scores)", ylabel="share of the row's spikes")
    plain_ticks(ax["A"], "y")
    ax["A"].set_ylim(top=1.0)
    ax["A"].legend(loc="upper left", fontsize=8.5)
    for place, name in enumerate(READOUTS):
        distance = loop.distance(name)
        ends = place - 0.3, place + 0.3
        ax["B"].hlines(mean(distance.floor).value, *ends, color=FLOOR, lw=2.5, label="sampling floor")
        dots(ax["B"], [place], [mean(distance.total_variation)], ms=6, label="spikes, mean ± SE")
    events = [loop.readout(name).n_events.mean() for name in READOUTS]
    ticks = [f"{fill(text, 16)}\n({n:.0f} a row)" for text, n in zip(READOUTS.values(), events, strict=True)]
    ax["B"].set_xticks(range(len(ticks)), ticks, fontsize=8)
    ax["B"].set(xlim=(-0.5, len(ticks) - 0.5), ylim=(0, None), ylabel="total variation to softmax")
    ax["B"].grid(False, axis="x")
    headroom(ax["B"], 0.3)
    legend(ax["B"], loc="upper left", fontsize=8.5)
    return figure


@captioned(
    "The gamma peak against the decay of inhibition: mean over rows with its standard error, every row as a "
    "faint dot. The fractions count rows with a significant peak in the band; a row slower than 30 Hz is not "
    "among them, which lifts the mean at slow decays."
)
def tau_gaba(study: Study) -> Figure:
    figure, axes = panels("A", height_in=3.2, width=0.75)
    ax, peaks, slope = axes["A"], study.f_gamma_Hz, study.slope_Hz_per_ms
    ax.axhspan(0, GAMMA_BAND_HZ[0], color=GRID, alpha=0.6, lw=0)
    for tau, row in zip(study.tau_gaba_ms, peaks, strict=True):
        ax.plot(tau + np.linspace(-0.12, 0.12, len(row)), row, "o", color=SPIKING, ms=2.5, alpha=0.3, mew=0)
        dots(ax, [tau], [mean(row)], ms=6)
        count, top = f"{np.isfinite(row).sum()}/{len(row)}", ax.get_xaxis_transform()
        ax.text(tau, 0.98, count, transform=top, ha="center", va="top", fontsize=8, color=MUTED)
    ends = np.array([min(study.tau_gaba_ms), max(study.tau_gaba_ms)])
    fitted = line(study.tau_gaba_ms, peaks)[1] + slope.value * ends
    label = f"{slope.value:.2f} ± {slope.error:.2f} Hz per ms".replace("-", "−")
    ax.plot(ends, fitted, color=MUTED, lw=1.2, ls="--", label=label)
    low, high = np.nanmin(peaks, initial=30.0), np.nanmax(peaks, initial=31.0)
    ax.set_ylim(min(low, 30) - 2.5, high + 0.25 * (high - low))
    ax.set(xlim=(ends[0] - 0.5, ends[1] + 0.5), ylabel="gamma peak (Hz)")
    ax.set_xlabel(f"decay of inhibition, {TAU} (ms)")
    ax.text(ends[0], 29.6, "below the gamma band", va="top", color=MUTED, fontsize=8)
    ax.legend(loc="upper right", bbox_to_anchor=(1.0, 0.93), fontsize=8.5)
    return figure
