"""The figures of a text that was read: two maps of attention, the raster of a query, its shares, next tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.events import MouseMove
from bokeh.models import ColumnDataSource, FixedTicker, LinearColorMapper, Range1d
from bokeh.palettes import Magma256
from bokeh.transform import dodge

from scenarios.explorer.pictures import hex_colours, percent_axis, plain, share_bars
from scenarios.one_head.reader import Read
from scenarios.workbench.head_rows import token_label
from scenarios.workbench.style import INH, SOFTMAX, SPIKING

__all__ = ["Maps"]

SHOWN_KEYS = 12  # of a query, those with the most of softmax and spikes
SIDE, HEIGHT, BELOW = 360, 300, 52
LABEL = 90  # room for tokens at the left of a figure
PAST = 1.06  # the time axis over the time of the row, so that the last label has room
MOST_LABELS = 40  # tokens along a map; of a longer text every second, third ... is named


class Maps:
    """Figures of a reading; `point` is called with the row under the cursor."""

    def __init__(self, point: Callable[[int], None]) -> None:
        self._length = 0
        self._point = point
        self.weights = [ColumnDataSource({"image": [], "n": []}) for _ in range(2)]
        self.cursor = ColumnDataSource({"y": []})
        self.spikes = ColumnDataSource({"time": [], "y": [], "color": []})
        self.pool = ColumnDataSource({"time": [], "y": []})
        self.shares = ColumnDataSource(
            {name: [] for name in ("y", "share", "softmax", "low", "high", "color")}
        )
        self.words = ColumnDataSource({name: [] for name in ("y", "softmax", "spikes")})
        self.tokens, self.rows = Range1d(0, 1), Range1d(1, 0)
        self.keys, self.places, self.time = Range1d(-1, 0), Range1d(-1, 0), Range1d(0, 50)
        self.softmax = self._map(self.weights[0], "softmax attention")
        self.share = self._map(self.weights[1], "spike shares")
        self.raster = self._raster()
        self.bars = share_bars(HEIGHT + 8 + BELOW, 230, self.keys, self.shares, dash=14)
        self.next = self._next()

    def show(self, read: Read) -> None:
        """Draw a reading."""
        n = self._length = len(read.tokens)
        for source, weights in zip(self.weights, (read.softmax, read.share), strict=True):
            source.data = {"image": [np.sqrt(weights)], "n": [n]}
        self.tokens.update(start=0, end=n)
        self.rows.update(start=n, end=0)
        every = 1 + n // MOST_LABELS
        ticks = [place + 0.5 for place in range(0, n, every)]
        names = {place + 0.5: token_label(read.tokens[place]) for place in range(0, n, every)}
        for figure in (self.softmax, self.share):
            for axis in figure.axis:
                axis.ticker.ticks, axis.major_label_overrides = ticks, names
        self.cursor.data = {"y": [read.params.query + 0.5]}
        self._show_row(read)
        self._show_words(read)

    def _show_row(self, read: Read) -> None:
        """The raster of the query: keys with the most weight from above, in the order of the text."""
        row, n = read.row, len(read.tokens)
        counts, softmax = row.counts[:n], row.softmax[:n]
        total = max(int(counts.sum()), 1)
        best = np.sort(np.argsort(-(counts / total + softmax), kind="stable")[:SHOWN_KEYS])
        place = np.full(len(row.counts), -1)
        place[best] = np.arange(len(best))
        spikes = row.selection.spikes
        shown = place[spikes.key] >= 0
        colours = np.array(hex_colours(len(best)))
        ticks = [-(at + 0.5) for at in range(len(best))]
        self.spikes.data = {
            "time": spikes.time_ms[shown],
            "y": -(place[spikes.key] + (spikes.cell + 0.5) / spikes.n_cells)[shown],
            "color": colours[place[spikes.key][shown]],
        }
        inh = row.selection.other_spikes.get("inh")
        bottom = -len(best) - 0.25
        if inh is None:
            self.pool.data = {"time": [], "y": []}
        else:
            y = bottom - 1.1 * (inh.cell + 0.5) / int(row.selection.n_cells["inh"][0])
            self.pool.data = {"time": inh.time_ms, "y": y}
        error = np.sqrt(softmax[best] * (1 - softmax[best]) / total)
        self.shares.data = {
            "y": ticks,
            "share": counts[best] / total,
            "softmax": softmax[best],
            "low": np.maximum(softmax[best] - error, 0),
            "high": softmax[best] + error,
            "color": colours,
        }
        self.bars.x_range.end = 1.15 * max(float((softmax[best] + error).max()), float(counts.max() / total))
        self.keys.update(start=bottom - 1.1 if inh is not None else bottom, end=0)
        labels = {tick: token_label(read.tokens[at]) for tick, at in zip(ticks, best, strict=True)}
        extra = {bottom - 0.55: "I cells"} if inh is not None else {}
        self.raster.yaxis[0].ticker.ticks = [*ticks, *extra]
        self.raster.yaxis.major_label_overrides = {**labels, **extra}
        self.time.end = PAST * float(row.selection.row_ms[0])

    def _show_words(self, read: Read) -> None:
        ticks = [-(at + 0.5) for at in range(len(read.words))]
        softmax, spikes = read.probabilities
        self.words.data = {"y": ticks, "softmax": softmax, "spikes": spikes}
        self.places.start = min(-1.0, -float(len(ticks)))
        labels = {tick: repr(word)[1:-1] for tick, word in zip(ticks, read.words, strict=True)}
        self.next.yaxis[0].ticker.ticks = ticks
        self.next.yaxis.major_label_overrides = labels

    def _map(self, source: ColumnDataSource, title: str) -> Any:
        made = plain(
            SIDE,
            name=title,
            width=SIDE + LABEL - 20,
            x_range=self.tokens,
            y_range=self.rows,
            title=title,
            min_border_left=LABEL,
            min_border_bottom=LABEL,
        )
        made.title.update(text_font_size="13px", text_font_style="normal")
        colours = LinearColorMapper(palette=Magma256, low=0, high=1)
        made.image("image", x=0, y=0, dw="n", dh="n", color_mapper=colours, source=source)
        made.hspan(y="y", line_color=SPIKING, line_width=1.5, line_dash="dashed", source=self.cursor)
        made.xaxis.major_label_orientation = "vertical"
        made.grid.visible = False
        made.yaxis.axis_label, made.xaxis.axis_label = "query", "key"
        for axis in made.axis:
            axis.ticker = FixedTicker(ticks=[])
        made.on_event(MouseMove, self._moved)
        return made

    def _moved(self, event: Any) -> None:
        if event.y is not None and 0 <= event.y < self._length:
            self._point(int(event.y))

    def _raster(self) -> Any:
        made = plain(
            HEIGHT + 8 + BELOW,
            x_range=self.time,
            y_range=self.keys,
            x_axis_label="time of the row (ms)",
            sizing_mode="stretch_width",
            min_border_left=LABEL,
            min_border_top=8,
            min_border_bottom=BELOW,
        )
        made.scatter("time", "y", size=5, color="color", line_color=None, source=self.spikes)
        made.scatter("time", "y", size=3, color=INH, line_color=None, source=self.pool)
        made.grid.visible = False
        made.yaxis.update(major_tick_line_color=None, ticker=FixedTicker(ticks=[]))
        return made

    def _next(self) -> Any:
        made = plain(
            HEIGHT + 8 + BELOW,
            width=330,
            y_range=self.places,
            x_axis_label="probability of the next token",
            min_border_left=LABEL,
            min_border_top=8,
            min_border_bottom=BELOW,
        )
        for column, colour, by in (("softmax", SOFTMAX, 0.19), ("spikes", SPIKING, -0.19)):
            look = {"height": 0.34, "color": colour, "legend_label": column}
            made.hbar(y=dodge("y", by), right=column, source=self.words, **look)
        made.x_range.start = 0
        made.ygrid.grid_line_color = None
        made.yaxis.update(major_tick_line_color=None, ticker=FixedTicker(ticks=[]))
        made.legend.update(location="bottom_right", border_line_color=None, label_text_font_size="11px")
        percent_axis(made)
        return made
