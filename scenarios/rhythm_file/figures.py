"""The figure of rhythm-file: spikes and field, their spectrum and coherence, and the phases of spikes."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from scenarios.rhythm_file.measures import Found, SHOWN_Hz
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, panels, pictures
from scenarios.workbench.style import FLOOR, INH, MUTED, SPIKING

__all__ = ["figures"]

WATCHED_ms = 1000.0
MOST_LINES = 60


def figures(found: Found) -> dict[str, Picture]:
    """The one figure."""
    return pictures(found, rhythm)


@captioned(
    "(A) Spikes, a line a row or, of one row, a line a cell; below them the field of the first row. (B) Power of "
    "the spikes over that of random ones; the band that was searched is shaded. (C) Coherence of spikes and field, "
    "and (D) phases of the spikes to the field where it is largest, where there is a field."
)
def rhythm(found: Found) -> Figure:
    locked = found.coherence is not None
    figure, ax = panels("AAA\nBCD" if locked else "AAA\nBBB", height_in=5.2)
    spikes = found.recording.spikes
    line = spikes.row if spikes.n_rows > 1 else spikes.cell
    shown = (line < MOST_LINES) & (spikes.time_ms < WATCHED_ms)
    ax["A"].plot(spikes.time_ms[shown], line[shown], "|", ms=4, mew=0.8, color=SPIKING)
    end_ms = min(WATCHED_ms, spikes.duration_ms)
    if found.recording.field is not None:
        field = found.recording.field[0][: round(end_ms / found.recording.field_dt_ms)]
        lines = max(int(line[shown].max(initial=0)), 4)
        scaled = (field - field.mean()) / (np.ptp(field) or 1.0) * 0.25 * lines
        ax["A"].plot(
            np.arange(len(field)) * found.recording.field_dt_ms, scaled - 0.2 * lines, color=INH, lw=0.9
        )
    what = "row" if spikes.n_rows > 1 else "cell"
    ax["A"].set(xlabel="time (ms)", ylabel=what, xlim=(0, end_ms))
    inside = (found.frequency_Hz >= SHOWN_Hz[0]) & (found.frequency_Hz <= SHOWN_Hz[1])
    ax["B"].plot(found.frequency_Hz[inside], found.power[inside], color=SPIKING)
    ax["B"].axhline(1, color=MUTED, lw=0.8, ls=":")
    ax["B"].set(xlabel="frequency (Hz)", ylabel="power / random spikes'", ylim=(0, None))
    for name in "BC" if locked else "B":
        ax[name].axvspan(*found.band_Hz, color=FLOOR, alpha=0.15, lw=0)
    if found.coherence is not None:
        f = found.coherence.frequency_Hz
        near = (f >= SHOWN_Hz[0]) & (f <= SHOWN_Hz[1])
        ax["C"].plot(f[near], found.coherence.coherence[near], color=INH)
        ax["C"].set(xlabel="frequency (Hz)", ylabel="coherence", ylim=(0, 1))
        phases = found.phases[np.isfinite(found.phases)]
        ax["D"].hist(phases / np.pi, bins=24, range=(-1, 1), color=SPIKING, alpha=0.85)
        ax["D"].set(xlabel=f"phase at {found.f_coherence_Hz:.0f} Hz (π)", ylabel="spikes")
    return figure
