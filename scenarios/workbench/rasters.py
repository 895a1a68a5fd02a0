"""The spikes of one row as a raster, a line a cell, and its field under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.workbench.style import GRID, INH, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spiking import Selection

__all__ = ["draw_field", "draw_raster", "draw_row", "draw_shares", "key_colours"]

DENSE = 2000  # spikes from which on dots are drawn small
DOT, SMALL_DOT = 5.0, 0.6
BAND, GAP = 0.14, 0.03  # height of the band of I cells and its distance, over the height of all keys


def key_colours(n_keys: int) -> np.ndarray:
    """A colour a key, in order, none of them too pale for a dot; (n_keys, 4)."""
    import matplotlib as mpl

    return np.asarray(mpl.colormaps["plasma"](np.linspace(0.0, 0.8, n_keys)))


def draw_raster(
    ax: Axes,
    selection: Selection,
    row: int,
    *,
    order: np.ndarray,
    labels: Sequence[str],
    window_ms: float,
    colours: Any = None,
) -> None:
    """Spikes of the E cells of one row, keys from the bottom up in `order`, and of its I cells where kept.

    Spikes of the group "inh" are kept by `attend(..., record="all")`; they make a band under the keys.

    Parameters
    ----------
    ax : Axes
    selection : Selection
    row : int
    order : array of int
        The keys that are drawn, the lowest first.
    labels : sequence of str
        Of the keys in that order.
    window_ms : float
    colours : optional
        One colour for all, or one a key in that order; from dark to light if not given.
    """
    import matplotlib as mpl

    spikes = selection.spikes.of_row(row)
    places = np.full(spikes.n_keys, -1)
    places[order] = np.arange(len(order))
    inside = (spikes.time_ms < window_ms) & (places[spikes.key] >= 0)
    place = places[spikes.key[inside]]
    shades = key_colours(len(order)) if colours is None else mpl.colors.to_rgba_array(colours)
    shades = np.broadcast_to(shades, (len(order), 4))
    ax.scatter(
        spikes.time_ms[inside],
        place * spikes.n_cells + spikes.cell[inside] + 0.5,
        s=DOT if inside.sum() < DENSE else SMALL_DOT,
        c=shades[place],
        lw=0,
        rasterized=True,
    )
    edges = np.arange(len(order) + 1) * spikes.n_cells
    ax.hlines(edges[1:-1], 0, window_ms, color=GRID, lw=0.6, zorder=0)
    ax.set_yticks(edges[:-1] + spikes.n_cells / 2, list(labels))
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(0, window_ms), ylim=(0, edges[-1]), xlabel="time (ms)")
    ax.grid(False)
    if "inh" in selection.other_spikes:
        draw_inhibition(ax, selection, row, height=edges[-1], label="I cells" if any(labels) else "")


def draw_inhibition(ax: Axes, selection: Selection, row: int, *, height: float, label: str) -> None:
    """Spikes of the I cells of one row as a band under a raster of that height, and its label."""
    spikes, n_cells = selection.other_spikes["inh"], int(selection.n_cells["inh"][row])
    here = spikes.row == row
    bottom = -(GAP + BAND) * height
    line = (spikes.cell[here] + 0.5) / n_cells
    ax.scatter(spikes.time_ms[here], bottom + BAND * height * line, s=DOT / 2, c=INH, lw=0, rasterized=True)
    ax.axhline(-GAP / 2 * height, color=MUTED, lw=0.8)
    ticks = [text.get_text() for text in ax.get_yticklabels()]
    ax.set_yticks([*ax.get_yticks(), bottom + BAND / 2 * height], [*ticks, label])
    ax.set_ylim(bottom, height)


def draw_field(
    ax: Axes,
    selection: Selection,
    row: int,
    *,
    window_ms: float,
    colour: str,
    cycle: np.ndarray | None = None,
) -> None:
    """The field of the same row; with `cycle` (n_samples,), the index of each sample's cycle, the troughs too."""
    time_ms = np.arange(selection.field.shape[1]) * selection.field_dt_ms
    inside = time_ms < window_ms
    ax.plot(time_ms[inside], selection.field[row, inside], color=colour, lw=1.2)
    if cycle is not None:
        mark_cycles(ax, cycle, selection.field_dt_ms)
    ax.set(xlim=(0, window_ms), xlabel="time (ms)")
    ax.set_ylim(0, 1.15 * float(selection.field[row, inside].max(initial=1e-9)))
    ax.grid(False)


def draw_row(
    ax: Axes,
    below: Axes,
    selection: Selection,
    row: int,
    *,
    order: np.ndarray,
    labels: Sequence[str],
    window_ms: float,
    colour: str = SPIKING,
    cycle: np.ndarray | None = None,
    colours: Any = None,
) -> None:
    """The raster of a row over its field, on one time axis; see `draw_raster` and `draw_field`."""
    window_ms = min(window_ms, selection.duration_ms)
    draw_raster(ax, selection, row, order=order, labels=labels, window_ms=window_ms, colours=colours)
    draw_field(below, selection, row, window_ms=window_ms, colour=colour, cycle=cycle)
    if cycle is not None:
        mark_cycles(ax, cycle, selection.field_dt_ms)
    ax.set(xlabel="", ylabel="key")
    ax.tick_params(labelbottom=False)
    below.set_ylabel("field\n(spikes)")


def draw_shares(ax: Axes, share: np.ndarray, softmax: np.ndarray, labels: Sequence[str]) -> None:
    """Spike shares of some keys as bars, from the bottom up, and their softmax weights as ticks."""
    places = np.arange(len(share))
    ax.barh(places, share, color=SPIKING, height=0.6, label="spike share")
    ax.plot(softmax, places, "|", color=SOFTMAX, ms=10, mew=2.2, label="softmax attention")
    ax.set_yticks(places, list(labels))
    ax.set(ylim=(-0.5, len(share) - 0.5), xlabel="weight")
    ax.grid(axis="y", visible=False)


def mark_cycles(ax: Axes, cycle: np.ndarray, dt_ms: float) -> None:
    """Dashed lines where one cycle ends and the next begins."""
    for sample in np.flatnonzero(np.diff(cycle)) + 1:
        ax.axvline(sample * dt_ms, color=MUTED, lw=0.7, ls=(0, (2, 2)), zorder=0)
