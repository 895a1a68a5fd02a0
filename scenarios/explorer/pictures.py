"""The figures of a row that goes on: raster, shares, field, spectrum, spikes of cycles; fed as it is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import BoxAnnotation, ColumnDataSource, CustomJSTickFormatter, FixedTicker, Range1d, Span
from bokeh.plotting import figure

from scenarios.explorer.live import Live
from scenarios.one_row.figures import SHOWN_Hz
from scenarios.one_row.measures import Watched
from scenarios.workbench.rasters import key_colours
from scenarios.workbench.style import FLOOR, GRID, INH, INK, MUTED, PAPER, SOFTMAX, SPIKING
from spiking.measures.rhythm import GAMMA_BAND_HZ

__all__ = ["LivePictures", "WINDOW_ms", "hex_colours", "percent_axis", "plain", "share_bars"]

WINDOW_ms = 500.0  # of the raster
GAP, BAND = 0.25, 1.1  # of the I cells under the keys, in heights of a key
BLANK = "\u00a0"  # a title of no width, which keeps its height
SHOWN_CYCLES = 24
LEFT = 62  # of all figures, so that their axes stand under each other
HEIGHT, BELOW = 310, 52  # of the raster without its borders, and of the axis under the shares
POINTS = 400  # that a raster keeps at least
MOST_DRAWN = (
    6000  # spikes of a window; of more, which a browser would not draw in time, every second, third ...
)


def hex_colours(n_keys: int) -> list[str]:
    """A colour a key, as the reports have it."""
    return ["#" + "".join(f"{round(255 * part):02x}" for part in row[:3]) for row in key_colours(n_keys)]


def plain(height: int, **options: Any) -> Any:
    """A figure in the house style."""
    settings = {"min_border_left": LEFT, "background_fill_color": PAPER, **options}
    made = figure(height=height, toolbar_location=None, tools="", **settings)
    made.border_fill_color = PAPER
    made.outline_line_color = None
    for axis in made.axis:
        axis.update(
            axis_line_color=MUTED,
            major_tick_line_color=MUTED,
            minor_tick_line_color=None,
            major_label_text_color=MUTED,
            axis_label_text_color=INK,
            axis_label_text_font_style="normal",
            axis_label_text_font_size="12px",
            major_label_text_font_size="11px",
        )
    for grid in made.grid:
        grid.grid_line_color = GRID
    return made


def share_bars(height: int, width: int, keys: Range1d, shares: ColumnDataSource, *, dash: int) -> Any:
    """Bars of spike shares, with the softmax as dashes of a size and its standard error around them."""
    made = plain(
        height,
        width=width,
        y_range=keys,
        x_range=Range1d(0, 1),
        x_axis_label="share of spikes; blue: softmax ± SE",
        min_border_top=8,
        min_border_bottom=BELOW,
    )
    made.min_border_left = 8
    made.hbar(y="y", left=0, right="share", height=0.62, color="color", source=shares, alpha=0.9)
    made.hbar(y="y", left="low", right="high", height=0.84, color=SOFTMAX, alpha=0.28, source=shares)
    look = {"marker": "dash", "angle": np.pi / 2, "size": dash, "line_width": 2.2, "color": SOFTMAX}
    made.scatter("softmax", "y", source=shares, **look)
    made.yaxis.visible = False
    made.ygrid.grid_line_color = None
    percent_axis(made)
    return made


def percent_axis(made: Any) -> None:
    """Label shares along x as percentages."""
    made.xaxis.formatter = CustomJSTickFormatter(code="return +(100 * tick).toFixed(1) + ' %'")
    made.xaxis.ticker.desired_num_ticks = 4


class LivePictures:
    """Figures of one row; `restart` for another row, `advance` as time goes on, `look` now and then."""

    def __init__(self, title: str) -> None:
        self.spikes = ColumnDataSource({"time": [], "y": [], "color": []}, name=f"spikes {title}")
        self.pool = ColumnDataSource({"time": [], "y": []})
        self.trace = ColumnDataSource({"time": [], "value": []})
        self.shares = ColumnDataSource(
            {name: [] for name in ("y", "share", "softmax", "low", "high", "color")}
        )
        self.power = ColumnDataSource({"f": [], "power": []})
        self.peak = ColumnDataSource({"f": [], "power": [], "text": []})
        self.cycles = ColumnDataSource({name: [] for name in ("left", "right", "bottom", "top", "color")})
        self.time, self.keys = Range1d(0, WINDOW_ms), Range1d(-3, 0)
        self.ticker = FixedTicker(ticks=[])  # a new one for each row would make Bokeh walk through all models
        self._points = POINTS
        self.every = self._every_other = 1  # one spike of so many is drawn, of E and of other cells
        self.raster = self._raster()
        self.share = share_bars(HEIGHT + 8 + BELOW, 240, self.keys, self.shares, dash=17)
        self.field = self._field()
        self.spectrum = self._spectrum()
        self.per_cycle = self._per_cycle()

    def restart(self, live: Live, shown_ms: float) -> None:
        """Show another row from its start up to a moment."""
        n_keys = len(live.setting.params.scores)
        self._colours = np.array(hex_colours(n_keys))
        bottom = -n_keys - GAP - BAND
        self.keys.update(start=bottom, end=0.0)
        seen = live.selection
        numbers = len(seen.spikes), sum(len(spikes.time_ms) for spikes in seen.other_spikes.values())
        rates = [n / seen.duration_ms for n in numbers]
        self.every, self._every_other = (1 + int(rate * WINDOW_ms / MOST_DRAWN) for rate in rates)
        self._points = POINTS + int(2 * min(max(rates) * WINDOW_ms, MOST_DRAWN))
        ticks = [-(key + 0.5) for key in range(n_keys)] + [-n_keys - GAP - BAND / 2]
        labels = [f"{score:g}" for score in live.setting.params.scores] + ["I cells"]
        self.ticker.ticks = ticks
        self.raster.yaxis.major_label_overrides = dict(zip(ticks, labels, strict=True))
        self.line.location = -n_keys - GAP / 2
        softmax = np.array(Watched.of(live.selection, live.scores).softmax)
        self.shares.data = {
            "y": ticks[:-1],
            "share": np.zeros(n_keys),
            "softmax": softmax,
            "low": softmax,
            "high": softmax,
            "color": self._colours,
        }
        begin = max(0.0, shown_ms - WINDOW_ms)
        self.spikes.data, self.pool.data, self.trace.data = self._between(live, begin, shown_ms)
        top = float(live.selection.field.max(initial=0.0))
        self.field.y_range.update(start=0.0, end=1.1 * top if top else 1.0)
        self._move(live, shown_ms)

    def advance(self, live: Live, before_ms: float, shown_ms: float) -> None:
        """Add what happened between two moments."""
        spikes, pool, trace = self._between(live, before_ms, shown_ms)
        for source, new, most in (
            (self.spikes, spikes, self._points),
            (self.pool, pool, self._points),
            (self.trace, trace, int(1.2 * WINDOW_ms / live.selection.field_dt_ms)),
        ):
            if len(new["time"]):
                source.stream(new, rollover=most)
        self._move(live, shown_ms)

    def look(self, watched: Watched) -> None:
        """Draw spectrum and cycles anew."""
        frequency_Hz, power = watched.competition.relative_spectrum()
        shown = (frequency_Hz >= SHOWN_Hz[0]) & (frequency_Hz <= SHOWN_Hz[1])
        known = np.nan_to_num(power[0, shown])
        self.power.data = {"f": frequency_Hz[shown], "power": known}
        f_Hz = watched.f_gamma_Hz
        has = np.isfinite(f_Hz)
        at = float(np.interp(f_Hz, frequency_Hz[shown], known)) if has else 0.0
        self.peak.data = (
            {"f": [f_Hz], "power": [at], "text": [f"{f_Hz:.1f} Hz"]}
            if has
            else {"f": [], "power": [], "text": []}
        )
        n = watched.spikes_of_cycles[-SHOWN_CYCLES:]
        tops = np.cumsum(n, axis=1)
        first = len(watched.spikes_of_cycles) - len(n) + 1
        place = np.repeat(np.arange(len(n)) + first, n.shape[1])
        self.cycles.data = {
            "left": place - 0.42,
            "right": place + 0.42,
            "bottom": (tops - n).ravel(),
            "top": tops.ravel(),
            "color": np.tile(self._colours, len(n)),
        }
        self.per_cycle.x_range.update(start=first - 0.7, end=first + max(len(n), SHOWN_CYCLES) - 0.3)
        self.per_cycle.title.text = BLANK if len(n) else "no rhythm, no cycles"

    def _move(self, live: Live, shown_ms: float) -> None:
        """The running shares, and where the window stands."""
        spikes = live.selection.spikes
        n_seen = int(np.searchsorted(spikes.time_ms, shown_ms))
        counts = np.bincount(spikes.key[:n_seen], minlength=spikes.n_keys)
        softmax = np.asarray(self.shares.data["softmax"])
        error = np.sqrt(softmax * (1 - softmax) / max(n_seen, 1))
        self.shares.data = {
            **self.shares.data,
            "share": counts / max(n_seen, 1),
            "low": np.maximum(softmax - error, 0),
            "high": softmax + error,
        }
        self.share.x_range.end = 1.15 * max(
            float((softmax + error).max()), float(counts.max() / max(n_seen, 1))
        )
        self.time.update(start=max(0.0, shown_ms - WINDOW_ms), end=max(WINDOW_ms, shown_ms))

    def _between(self, live: Live, from_ms: float, to_ms: float) -> tuple[dict[str, Any], ...]:
        """Spikes of E and I cells and the field, from one moment to another."""
        selection = live.selection
        spikes = selection.spikes
        first, last = np.searchsorted(spikes.time_ms, (from_ms, to_ms)).tolist()
        here = slice(first + -first % self.every, last, self.every)
        key = spikes.key[here]
        exc = {
            "time": spikes.time_ms[here],
            "y": -(key + (spikes.cell[here] + 0.5) / spikes.n_cells),
            "color": self._colours[key],
        }
        first, last = (int(np.ceil(ms / selection.field_dt_ms)) for ms in (from_ms, to_ms))
        field = selection.field[0, first:last]
        trace = {
            "time": (first + np.arange(len(field))) * selection.field_dt_ms,
            "value": field.astype(float),
        }
        return exc, self._pool_between(live, from_ms, to_ms), trace

    def _pool_between(self, live: Live, from_ms: float, to_ms: float) -> dict[str, Any]:
        """Spikes of all other cells, in lines under the keys."""
        selection, bottom = live.selection, -len(live.setting.params.scores) - GAP
        total = sum(int(selection.n_cells[group][0]) for group in selection.other_spikes)
        time_ms, place, below = [np.empty(0)], [np.empty(0)], 0
        for group, spikes in selection.other_spikes.items():
            here = np.flatnonzero((spikes.time_ms >= from_ms) & (spikes.time_ms < to_ms))
            here = here[here % self._every_other == 0]
            time_ms.append(spikes.time_ms[here])
            place.append(bottom - BAND * (below + spikes.cell[here] + 0.5) / total)
            below += int(selection.n_cells[group][0])
        order = np.argsort(np.concatenate(time_ms), kind="stable")
        return {"time": np.concatenate(time_ms)[order], "y": np.concatenate(place)[order]}

    def _raster(self) -> Any:
        made = plain(
            HEIGHT + 16,
            name="raster",
            x_range=self.time,
            y_range=self.keys,
            y_axis_label="score of each key",
            sizing_mode="stretch_width",
            min_border_top=8,
            min_border_bottom=8,
        )
        made.scatter("time", "y", size=3.4, color="color", line_color=None, source=self.spikes)
        made.scatter("time", "y", size=2.6, color=INH, line_color=None, source=self.pool)
        made.xgrid.grid_line_color = None
        made.ygrid.grid_line_color = None
        made.yaxis.update(major_tick_line_color=None, ticker=self.ticker)
        made.xaxis.visible = False
        self.line = Span(location=-3, dimension="width", line_color=GRID, line_width=1)
        made.add_layout(self.line)
        return made

    def _field(self) -> Any:
        made = plain(
            120,
            x_range=self.time,
            y_range=Range1d(0, 1),
            x_axis_label="simulated time (ms)",
            y_axis_label="field",
            sizing_mode="stretch_width",
        )
        made.line("time", "value", color=SPIKING, line_width=1.4, source=self.trace)
        made.ygrid.grid_line_color = None
        made.xaxis.ticker.desired_num_ticks = 3
        made.yaxis.ticker.desired_num_ticks = 3
        return made

    def _spectrum(self) -> Any:
        made = plain(
            190,
            x_range=Range1d(0, SHOWN_Hz[1]),
            title=BLANK,
            x_axis_label="frequency (Hz)",
            y_axis_label="power / Poisson",
            sizing_mode="stretch_width",
        )
        made.y_range.start = 0
        low, high = GAMMA_BAND_HZ
        made.add_layout(
            BoxAnnotation(left=low, right=high, fill_color=GRID, fill_alpha=0.5, level="underlay")
        )
        made.add_layout(Span(location=1, dimension="width", line_color=FLOOR, line_dash="dashed"))
        made.line("f", "power", color=SPIKING, line_width=1.6, source=self.power)
        made.scatter("f", "power", size=7, color=SPIKING, source=self.peak)
        made.text("f", "power", text="text", x_offset=9, y_offset=6, text_font_size="12px", source=self.peak)
        return made

    def _per_cycle(self) -> Any:
        made = plain(
            190,
            x_range=Range1d(0.3, SHOWN_CYCLES + 0.7),
            x_axis_label="cycle",
            y_axis_label="E spikes",
            sizing_mode="stretch_width",
            title=BLANK,
        )
        made.title.update(text_color=MUTED, text_font_style="normal", text_font_size="12px")
        made.quad("left", "right", "top", "bottom", color="color", source=self.cycles)
        made.y_range.start = 0
        made.xgrid.grid_line_color = None
        return made
