"""The figure of the front page and of the README; `python docs/front_figure.py` draws it again.

Five keys compete in one row of the gamma circuit for a second: the first 250 ms as spikes, the whole second as
each key's share.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import fortyhertz as fh
from scenarios.workbench.style import MUTED, SOFTMAX, style

FIGURE = Path(__file__).parent / "images" / "front.png"
SCORES = np.array([[0.0, 0.5, 1.0, 1.5, 2.0]])  # (rows, keys), at temperature 1
SHOWN_ms = 250.0


def draw(selection: fh.Selection) -> Figure:
    """Spikes on the left, shares and softmax on the right, keys on the same lines."""
    figure = Figure(figsize=(7.2, 2.9))
    raster, shares = figure.subplots(1, 2, width_ratios=(3, 1))
    n_keys, n_cells = selection.weights.shape[1], selection.spikes.n_cells
    colours = mpl.colormaps["plasma"](np.linspace(0.0, 0.8, n_keys))
    draw_spikes(raster, selection, colours)
    draw_shares(shares, selection.weights[0], colours)
    lines = (np.arange(n_keys) + 0.5) * n_cells
    raster.set_yticks(lines, [f"{score:.1f}" for score in SCORES[0]])
    shares.set_yticks(range(n_keys), [""] * n_keys)
    return figure


def draw_spikes(ax: Axes, selection: fh.Selection, colours: np.ndarray) -> None:
    """A dot a spike, a line a cell; above them the field, whose peaks are the cycles."""
    spikes = selection.spikes.of_row(0)
    top = spikes.n_keys * spikes.n_cells
    ax.scatter(spikes.time_ms, spikes.key * spikes.n_cells + spikes.cell, s=7, c=colours[spikes.key], lw=0)
    time_ms = np.arange(selection.field.shape[1]) * selection.field_dt_ms
    shown = time_ms < SHOWN_ms
    field = selection.field[0, shown]
    ax.plot(time_ms[shown], top * (1.04 + 0.18 * field / field.max()), color=MUTED, lw=1.0)
    ax.text(SHOWN_ms, top * 1.26, "field", ha="right", va="center", color=MUTED)
    ax.hlines(np.arange(1, spikes.n_keys) * spikes.n_cells, 0, SHOWN_ms, color=MUTED, lw=0.3)
    ax.set(xlim=(0, SHOWN_ms), ylim=(0, 1.3 * top), xlabel="time (ms)", ylabel="key, by its score")
    ax.set_title(f"five keys compete in volleys, {selection.f_gamma_Hz[0]:.0f} a second")
    ax.grid(False)
    ax.tick_params(axis="y", length=0)


def draw_shares(ax: Axes, weights: np.ndarray, colours: np.ndarray) -> None:
    """The share of each key's spikes, and the softmax of the scores."""
    softmax = np.exp(SCORES[0]) / np.exp(SCORES[0]).sum()
    ax.barh(range(len(weights)), weights, color=colours, height=0.62)
    ax.plot(softmax, range(len(weights)), "D", color=SOFTMAX, ms=6, label="softmax")
    ax.set(xlim=(0, 0.6), ylim=(-0.5, len(weights) * 1.3 - 0.5), xlabel="share of spikes in 1 s")
    ax.set_title("spikes and softmax")
    ax.legend(loc="upper right", handletextpad=0.2)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)


if __name__ == "__main__":
    run = fh.GammaCircuit().attend(SCORES, duration_ms=1000, rng=np.random.default_rng(0))
    print(run.counts, run.weights.round(3))
    with style():
        draw(run).savefig(FIGURE, dpi=200)
