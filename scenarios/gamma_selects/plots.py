"""Pictures of gamma-selects: raster and field, spectrum, selection against drive, peak against tau_GABA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from scenarios.workbench.competition import Competition
from scenarios.workbench.statistics import Estimate, fraction, mean
from scenarios.workbench.style import CONTROL, FLOOR, GRID, INH, MUTED, SOFTMAX, SPIKING
from spiking.measures.rhythm import GAMMA_BAND_HZ

__all__ = [
    "COLOURS",
    "draw_field",
    "draw_fraction",
    "draw_peak_shift",
    "draw_raster",
    "draw_readouts",
    "draw_selection",
    "draw_spectrum",
    "key_colours",
]

COLOURS = {"loop": SPIKING, "cut": INH, "matched": CONTROL}
MARKERS = {"loop": "o", "cut": "s", "matched": "^"}


def key_colours(n_keys: int) -> np.ndarray:
    """A colour a key, from weakest to strongest drive, none of them too pale for a dot; (n_keys, 4)."""
    return mpl.colormaps["plasma"](np.linspace(0.0, 0.8, n_keys))


def draw_raster(ax: Axes, competition: Competition, row: int, window_ms: float, title: str) -> None:
    """Spikes of one row, a line a cell, keys from the weakest drive (bottom) to the strongest."""
    spikes = competition.selection.spikes.of_row(row)
    inside = spikes.time_ms < window_ms
    place = np.argsort(np.argsort(competition.scores[row]))[spikes.key[inside]]
    y = place * spikes.n_cells + spikes.cell[inside]
    colours = key_colours(spikes.n_keys)[place]
    size = 5.0 if inside.sum() < 2000 else 0.6
    ax.scatter(spikes.time_ms[inside], y, s=size, c=colours, lw=0, rasterized=True)
    edges = np.arange(spikes.n_keys + 1) * spikes.n_cells
    ax.hlines(edges[1:-1], 0, window_ms, color=GRID, lw=0.6, zorder=0)
    drives = np.sort(competition.scores[row])
    ax.set_yticks(edges[:-1] + spikes.n_cells / 2, [f"{drive:.1f}" for drive in drives])
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelbottom=False)
    ax.set(xlim=(0, window_ms), ylim=(0, edges[-1]))
    ax.set_title(title, fontsize=9.5)
    ax.grid(False)
    _mark_cycles(ax, competition, row)


def draw_field(ax: Axes, competition: Competition, row: int, window_ms: float, colour: str) -> None:
    """The field of the same row, with the troughs that part its cycles."""
    selection = competition.selection
    time_ms = np.arange(selection.field.shape[1]) * selection.field_dt_ms
    inside = time_ms < window_ms
    ax.plot(time_ms[inside], selection.field[row, inside], color=colour, lw=1.2)
    ax.set(xlim=(0, window_ms), xlabel="time (ms)")
    ax.set_ylim(0, 1.15 * float(selection.field[row, inside].max(initial=1e-9)))
    ax.grid(False)
    _mark_cycles(ax, competition, row)


def _mark_cycles(ax: Axes, competition: Competition, row: int) -> None:
    index = competition.cycles.cycle_index[row]
    for sample in np.flatnonzero(np.diff(index)) + 1:
        ax.axvline(sample * competition.selection.field_dt_ms, color=MUTED, lw=0.7, ls=(0, (2, 2)), zorder=0)


def draw_spectrum(ax: Axes, circuits: Mapping[str, Competition], labels: Mapping[str, str]) -> None:
    """Mean spectrum over rows with its standard error, over that of a Poisson process of the same rate."""
    ax.axvspan(*GAMMA_BAND_HZ, color=GRID, alpha=0.6, lw=0)
    ax.axhline(1.0, color=FLOOR, lw=1.0, ls="--")
    for name, competition in circuits.items():
        frequency_Hz, power = competition.relative_spectrum()
        shown = (frequency_Hz >= 6) & (frequency_Hz <= 120)
        centre = power.mean(axis=0)
        error = power.std(axis=0, ddof=1) / np.sqrt(len(power)) if len(power) > 1 else np.zeros_like(centre)
        low = np.maximum(centre - error, centre / 10)
        ax.fill_between(
            frequency_Hz[shown], low[shown], (centre + error)[shown], color=COLOURS[name], alpha=0.25, lw=0
        )
        ax.plot(frequency_Hz[shown], centre[shown], color=COLOURS[name], label=labels[name])
    ax.set(xlim=(6, 120), yscale="log", xlabel="frequency (Hz)", ylabel="power / Poisson of same rate")
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top * 6)  # room for the legend above the peak
    ax.text(
        sum(GAMMA_BAND_HZ) / 2, bottom * 1.15, "gamma band", ha="center", va="bottom", color=MUTED, fontsize=8
    )
    ax.legend(loc="upper right", fontsize=8.5)


def draw_fraction(ax: Axes, circuits: Mapping[str, Competition], labels: Mapping[str, str]) -> None:
    """Fraction of rows with a significant peak in the band."""
    for place, (name, competition) in enumerate(circuits.items()):
        part = fraction(competition.rhythmic)
        ax.bar(place, part.value, 0.62, color=COLOURS[name])
        ax.errorbar(place, part.value, part.error, color=MUTED, lw=1.2, capsize=3)
        above = part.value + part.error + 0.02
        ax.text(place, above, f"{competition.rhythmic.sum()}/{competition.n_rows}", ha="center", fontsize=8.5)
    ax.set_xticks(range(len(circuits)), [fill(labels[name], 10) for name in circuits], fontsize=8)
    ax.set(ylim=(0, 1.12), ylabel="rows with a significant peak")
    ax.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax.grid(False, axis="x")


def draw_selection(ax: Axes, circuits: Mapping[str, Competition], labels: Mapping[str, str]) -> None:
    """Spike share against drive on a log scale, where the softmax is a straight line; mean ± SE over rows."""
    scores = next(iter(circuits.values())).scores
    drives = np.sort(scores[0])
    ax.plot(drives, np.sort(next(iter(circuits.values())).target[0]), color=SOFTMAX, label="softmax of drive")
    for name, competition in circuits.items():
        shares = [mean(row) for row in _by_drive(competition.scores, competition.selection.weights)]
        ax.errorbar(
            drives,
            [share.value for share in shares],
            [share.error for share in shares],
            fmt=MARKERS[name],
            color=COLOURS[name],
            capsize=2,
            ms=5,
            mfc=COLOURS[name] if name == "loop" else "none",
            label=labels[name],
        )
    ax.set(yscale="log", xlabel="drive of the stimulus (scores)", ylabel="share of the row's spikes")
    ax.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))
    ax.legend(loc="upper left", fontsize=8.5)
    ax.set_ylim(top=1.0)


def _by_drive(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights in the order of the drives, (n_keys, n_rows)."""
    return np.take_along_axis(weights, np.argsort(scores, axis=1), axis=1).T


def draw_readouts(ax: Axes, competition: Competition, readouts: Mapping[str, str]) -> None:
    """Distance of each readout to the softmax beside its sampling floor."""
    for place, name in enumerate(readouts):
        distance = competition.distance(name)
        found, floor = mean(distance.total_variation), float(np.nanmean(distance.floor))
        ax.hlines(
            floor, place - 0.3, place + 0.3, color=FLOOR, lw=2.5, label="" if place else "sampling floor"
        )
        ax.errorbar(
            place,
            found.value,
            found.error,
            fmt="o",
            color=SPIKING,
            capsize=3,
            ms=6,
            label="" if place else "spikes, mean ± SE",
        )
    events = [competition.readout(name).n_events.mean() for name in readouts]
    ticks = [f"{fill(text, 16)}\n({n:.0f} a row)" for text, n in zip(readouts.values(), events, strict=True)]
    ax.set_xticks(range(len(ticks)), ticks, fontsize=8)
    ax.set(xlim=(-0.5, len(ticks) - 0.5), ylabel="total variation to softmax")
    ax.set_ylim(0, 1.3 * ax.get_ylim()[1])  # room for the legend
    ax.grid(False, axis="x")
    ax.legend(loc="upper left", fontsize=8.5)


def draw_peak_shift(
    ax: Axes, tau_ms: Sequence[float], f_gamma_Hz: np.ndarray, slope: Estimate, intercept_Hz: float
) -> None:
    """Gamma peak against tau_GABA: every row, mean ± SE, and the line through all rows."""
    ax.axhspan(0, GAMMA_BAND_HZ[0], color=GRID, alpha=0.6, lw=0)
    for tau, row in zip(tau_ms, f_gamma_Hz, strict=True):
        spread = np.linspace(-0.12, 0.12, len(row))
        ax.plot(tau + spread, row, "o", color=SPIKING, ms=2.5, alpha=0.3, mew=0)
        at = mean(row)
        ax.errorbar(tau, at.value, at.error, fmt="o", color=SPIKING, ms=6, capsize=3)
        ax.annotate(
            f"{np.isfinite(row).sum()}/{len(row)}",
            (tau, 0.98),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="top",
            fontsize=8,
            color=MUTED,
        )
    ends = np.array([min(tau_ms), max(tau_ms)])
    label = f"{slope.value:.2f} ± {slope.error:.2f} Hz per ms"
    ax.plot(ends, intercept_Hz + slope.value * ends, color=MUTED, lw=1.2, ls="--", label=label)
    low, high = np.nanmin(f_gamma_Hz, initial=30.0), np.nanmax(f_gamma_Hz, initial=31.0)
    ax.set_ylim(min(low, 30) - 2.5, high + 0.25 * (high - low))
    ax.set(xlabel="decay of inhibition, tau_GABA (ms)", ylabel="gamma peak (Hz)")
    ax.text(ends[0], 29.6, "below the gamma band", va="top", color=MUTED, fontsize=8)
    ax.legend(loc="upper right", bbox_to_anchor=(1.0, 0.93), fontsize=8.5)
