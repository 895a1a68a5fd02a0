"""Figures of one-row: raster and field, shares and softmax, spectrum, spikes of each cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.one_row.measures import Watched
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, headroom, panels, pictures
from scenarios.workbench.rasters import draw_row, key_colours
from scenarios.workbench.style import FLOOR, GRID, SOFTMAX, SPIKING
from spiking.measures.rhythm import GAMMA_BAND_HZ

__all__ = ["SHOWN_Hz", "figures"]

WINDOW_ms = 500.0  # of the raster
SHOWN_Hz = 6.0, 120.0  # of the spectrum
MOST_CYCLES = 60  # whose spikes are drawn


def figures(watched: Watched) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(watched, raster, share_and_rhythm)


@captioned(
    "Spikes of the E cells, a line a cell, coloured by key, and of the I cells where they were recorded; below, "
    "the field of the row, with dashed lines between its cycles."
)
def raster(watched: Watched) -> Figure:
    figure, ax = panels("A\na", height_in=4.2, sharex=True, height_ratios=(3.4, 1))
    n_keys = len(watched.softmax)
    draw_row(
        ax["A"],
        ax["a"],
        watched.selection,
        0,
        order=np.arange(n_keys)[::-1],
        labels=[f"{key + 1}" for key in range(n_keys)][::-1],
        window_ms=WINDOW_ms,
        cycle=_cycle_of_samples(watched),
        colours=key_colours(n_keys)[::-1],
    )
    return figure


def _cycle_of_samples(watched: Watched) -> np.ndarray | None:
    return watched.competition.cycles.cycle_index[0] if len(watched.cycle_edges_ms) else None


@captioned(
    "(A) Share of the spikes of each key; the softmax of its score, with one standard error of a multinomial "
    "sample of as many spikes. (B) Power of the population rate over that of a Poisson process of the same rate; a "
    "line where its peak is significant. (C) E spikes in each complete cycle, by key."
)
def share_and_rhythm(watched: Watched) -> Figure:
    figure, ax = panels("ABC", height_in=3.0)
    n_keys, keys = len(watched.softmax), np.arange(len(watched.softmax)) + 1
    colours, weights = key_colours(n_keys), watched.selection.weights[0]
    ax["A"].bar(keys, weights, color=SPIKING, width=0.6, label="spike share")
    look: dict[str, Any] = {"fmt": "_", "ms": 9, "mew": 2, "color": SOFTMAX, "elinewidth": 4, "alpha": 0.85}
    ax["A"].errorbar(keys, watched.softmax, watched.sampling_error, label="softmax ± SE", **look)
    ax["A"].set(xlabel="key", ylabel="weight", xticks=keys)
    headroom(ax["A"], 0.15)
    ax["A"].legend(loc="upper right", fontsize=8)
    _draw_spectrum(ax["B"], watched)
    shown = watched.spikes_of_cycles[:MOST_CYCLES]
    below = np.zeros(len(shown))
    for key in range(n_keys):
        ax["C"].bar(np.arange(len(shown)) + 1, shown[:, key], 0.8, bottom=below, color=colours[key])
        below += shown[:, key]
    ax["C"].set(xlabel="cycle", ylabel="E spikes")
    return figure


def _draw_spectrum(ax: Axes, watched: Watched) -> None:
    frequency_Hz, power = watched.competition.relative_spectrum()
    shown = (frequency_Hz >= SHOWN_Hz[0]) & (frequency_Hz <= SHOWN_Hz[1])
    ax.axvspan(*GAMMA_BAND_HZ, color=GRID, alpha=0.6, lw=0)
    ax.axhline(1.0, color=FLOOR, lw=1.0, ls="--")
    ax.plot(frequency_Hz[shown], power[0, shown], color=SPIKING)
    if np.isfinite(watched.f_gamma_Hz):
        ax.axvline(watched.f_gamma_Hz, color=SPIKING, lw=1.0, ls=":")
        ax.set_title(f"{watched.f_gamma_Hz:.1f} Hz", fontsize=9, fontweight="normal")
    ax.set(xlabel="frequency (Hz)", ylabel="power / Poisson")
