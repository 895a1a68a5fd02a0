"""Pictures of what-gamma-buys: totals, their spread, error against spikes, decisions, and the onset."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy.special import logsumexp

from bridge.comparison.sampling import total_variation_floor
from scenarios.what_gamma_buys.findings import LABELS, Findings, Setting
from scenarios.workbench.style import CONTROL, FLOOR, INH, MUTED, SPIKING

__all__ = [
    "draw_accuracy",
    "draw_decision_times",
    "draw_error_against_spikes",
    "draw_onset",
    "draw_spread",
    "draw_totals",
    "draw_undivided",
]

COLOURS = {"loop": SPIKING, "matched": CONTROL, "slow": INH}
MARKERS = {"loop": "o", "matched": "^", "slow": "s"}
SMALL = 8.5
ONSET_BIN_ms = 5


def draw_totals(ax: Axes, setting: Setting) -> None:
    """Spikes of each row against the log of its summed exponentials."""
    for name, competition in setting.circuits.items():
        strength = logsumexp(competition.scores, axis=1)
        ax.plot(
            strength,
            competition.totals,
            MARKERS[name],
            color=COLOURS[name],
            ms=3.5,
            mew=0,
            alpha=0.8,
            label=LABELS[name],
        )
    ax.set(yscale="log", xlabel="input of the row, log Σ exp(score)", ylabel="spikes of the row")
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top * (top / bottom) ** 0.35)  # room for the legend
    ax.legend(loc="upper left", fontsize=SMALL, handletextpad=0.2)


def draw_spread(ax: Axes, dataset: xr.Dataset) -> None:
    """Coefficient of variation of the totals against the spread of scores."""
    for feedforward, line in (("none", "-"), ("max", "--")):
        part = dataset.isel(setting=np.flatnonzero(dataset.feedforward.values == feedforward))
        for name in LABELS:
            at = part.sel(circuit=name)
            ax.errorbar(
                at.spread,
                at.sweep_cv,
                at.sweep_cv_se,
                color=COLOURS[name],
                ls=line,
                lw=1.5,
                capsize=2,
                marker=MARKERS[name],
                ms=4,
                mfc=COLOURS[name] if feedforward == "none" else "white",
            )
    ax.plot(at.spread, part.sel(circuit="loop").sweep_poisson, color=FLOOR, lw=2.0, zorder=0)
    ax.set(yscale="log", xlabel="spread of scores (s.d.)", ylabel="spread of total spikes (CV)")
    ax.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    ax.set_yticks([0.05, 0.1, 0.2, 0.5, 1.0])
    lines = [Line2D([], [], color=MUTED, ls=line) for line in ("-", "--")] + [
        Line2D([], [], color=FLOOR, lw=2)
    ]
    names = ["no feedforward inhibition", "with it", "Poisson counts"]
    ax.legend(lines, names, loc="upper left", fontsize=SMALL)
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom * 0.9, top * 4)


def draw_error_against_spikes(ax: Axes, found: Findings) -> None:
    """Mean total variation against the mean number of spikes read."""
    target = found.main.circuits["loop"].target
    grid = np.unique(np.geomspace(1, 2000, 60).astype(int))
    floor = [total_variation_floor(target, np.full(len(target), n)).mean() for n in grid]
    ax.plot(grid, floor, color=FLOOR, lw=2.5, label="softmax samples")
    for name, reading in found.readings.items():
        ax.plot(
            reading.n_spikes.mean(axis=1), reading.error.mean(axis=1), color=COLOURS[name], label=LABELS[name]
        )
    ax.axhline(found.tv_goal, color=MUTED, lw=0.8, ls=":")
    ax.set(
        xscale="log", yscale="log", xlabel="spikes read, mean over rows", ylabel="total variation to softmax"
    )
    ax.set(xlim=(1, 2000), ylim=(0.02, 1.1))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))
    ax.legend(loc="lower left", fontsize=SMALL)


def draw_undivided(ax: Axes, dataset: xr.Dataset) -> None:
    """Error of weights read without division by each row's total, and with it, against the spread of scores."""
    part = dataset.isel(setting=np.flatnonzero(dataset.feedforward.values == "none"))
    for name in LABELS:
        at = part.sel(circuit=name)
        ax.errorbar(
            at.spread,
            at.sweep_undivided,
            at.sweep_undivided_se,
            color=COLOURS[name],
            capsize=2,
            lw=1.5,
            marker=MARKERS[name],
            label=LABELS[name],
        )
        ax.plot(at.spread, at.sweep_divided, color=COLOURS[name], ls=":", lw=1.5)
    ax.plot([], [], color=MUTED, ls=":", lw=1.5, label="after division")
    ax.set(xlabel="spread of scores (s.d.)", ylabel="error without division")
    ax.set_ylim(0, 1.45 * ax.get_ylim()[1])
    ax.legend(loc="upper left", fontsize=SMALL)


def draw_accuracy(ax: Axes, found: Findings) -> None:
    """Rows in which the strongest key leads alone, against time."""
    for name, reading in found.readings.items():
        right = reading.right.mean(axis=1)
        error = np.sqrt(right * (1 - right) / reading.right.shape[1])
        ax.fill_between(reading.edges_ms, right - error, right + error, color=COLOURS[name], alpha=0.18, lw=0)
        ax.plot(reading.edges_ms, right, color=COLOURS[name], label=LABELS[name])
    ax.set(xscale="log", xlabel="time counted (ms)", ylabel="strongest stimulus leads")
    _percent(ax)
    ax.legend(loc="lower right", fontsize=SMALL)


def draw_decision_times(ax: Axes, found: Findings) -> None:
    """Rows decided, against time."""
    for name, decisions in found.decisions.items():
        time_ms = np.sort(decisions.time_ms[decisions.decided])
        share = np.arange(1, len(time_ms) + 1) / len(decisions.time_ms)
        ax.step(time_ms, share, where="post", color=COLOURS[name], label=LABELS[name])
    ax.set(xscale="log", xlabel=f"time to a lead of {found.margin} spikes (ms)", ylabel="rows decided")
    _percent(ax)
    ax.legend(loc="upper left", fontsize=SMALL)


def draw_onset(ax: Axes, dataset: xr.Dataset) -> None:
    """Mean rate of a row from rest, on a log scale."""
    rate = dataset.onset_rate.coarsen(onset_time=ONSET_BIN_ms, boundary="trim").mean()
    for name in LABELS:
        rows = rate.sel(circuit=name)
        centre = rows.mean("row").values
        ax.step(
            rows.onset_time,
            np.where(centre > 0, centre, np.nan),
            where="mid",
            color=COLOURS[name],
            lw=1.5,
            label=LABELS[name],
        )
    ax.set(yscale="log", xlim=(0, float(dataset.onset_time.max()) + 1))
    ax.set(xlabel="time from onset (ms)", ylabel="spikes per row and second")
    ax.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    ax.legend(loc="upper right", fontsize=SMALL)


def _percent(ax: Axes) -> None:
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
    ax.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))
