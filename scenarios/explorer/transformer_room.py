"""The room *Transformer*: a text, and the attention of one head of a pretrained model by softmax and in spikes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from html import escape
from typing import Any

import numpy as np
import panel as pn

from scenarios.explorer.frame import Frame, House, html
from scenarios.explorer.maps import Maps
from scenarios.explorer.reading import SPIKES, Reading
from scenarios.one_head.reader import Read, Reader
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_rows import token_label
from scenarios.workbench.pretrained import MINILM
from scenarios.workbench.smollm2 import SMOLLM2
from spiking import PARAMETER_SETS

__all__ = ["TransformerRoom"]

TICK_ms, ADDRESS_s, SLOW_s = 80, 0.4, 0.4


class TransformerRoom:
    """One window of the room."""

    def __init__(self, house: House, query: Mapping[str, str]) -> None:
        self._house, self._frame = house, Frame("transformer")
        self.reading = Reading()
        self._circuits = (*PARAMETER_SETS, *house.circuits)
        self._quiet = False
        self._asked = self._answered = 0
        self._pointed: int | None = None
        self._asked_at = self._stirred = 0.0
        self.maps = Maps(self._point)
        self._numbers = html()
        self._make_widgets()
        try:
            self.reading = Reading.of_query(query).check_circuit(self._circuits)
        except (UsageError, ValueError, TypeError) as error:
            self._frame.say(f"This address cannot be shown: {error}")
        self._put(self.reading)
        self._ask()

    def view(self) -> Any:
        """The page."""
        side = pn.Column(*self._widgets, width=290, margin=(10, 0, 10, 12))
        maps, figures = self.maps, pn.pane.Bokeh
        self._next = figures(maps.next, margin=0)
        self._row = pn.Row(
            figures(maps.raster, sizing_mode="stretch_width", margin=0),
            figures(maps.bars, margin=0),
            sizing_mode="stretch_width",
        )
        main = pn.Column(
            self._lines,
            self._numbers,
            pn.Row(figures(maps.softmax, margin=0), figures(maps.share, margin=0)),
            self._row,
            sizing_mode="stretch_width",
        )
        pn.state.add_periodic_callback(self._tick, period=TICK_ms)
        return self._frame.page(side, main)

    def _make_widgets(self) -> None:
        look: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (4, 8)}
        self.model = pn.widgets.Select(name="model", options=[MINILM, SMOLLM2], **look)
        self.folder = pn.widgets.TextInput(name="or a folder, or a .gguf file", **look)
        self.text = pn.widgets.TextAreaInput(name="text", height=130, **look)
        self.layer = pn.widgets.IntSlider(name="layer", start=0, end=5, **look)
        self.head = pn.widgets.IntSlider(name="head", start=0, end=11, **look)
        self.query = pn.widgets.IntSlider(name="query (or the row under the cursor)", start=0, end=21, **look)
        self.spikes = pn.widgets.DiscreteSlider(name="spikes of a row", options=list(SPIKES), **look)
        self.circuit = pn.widgets.Select(name="circuit", options=list(self._circuits), **look)
        self.seed = pn.widgets.IntInput(name="seed", start=0, end=2**31 - 1, **look)
        self.code = pn.widgets.Toggle(name="Python and command", **look)
        self.save = pn.widgets.Button(name="Save run folder", **look)
        self._lines = pn.Column(sizing_mode="stretch_width")
        self._values = ("model", "text", "layer", "head", "query", "spikes", "circuit", "seed")
        for name in self._values:
            getattr(self, name).param.watch(self._changed, "value")
        self.folder.param.watch(
            lambda event: self._take(model=event.new.strip()) if event.new else None, "value"
        )
        self.code.param.watch(lambda _: self._write_lines(), "value")
        self.save.on_click(lambda _: self._save())
        names = ("model", "folder", *self._values[1:], "code", "save")
        self._widgets = [getattr(self, name) for name in names]

    def _changed(self, event: Any) -> None:
        if not self._quiet:
            name = next(name for name in self._values if getattr(self, name) is event.obj)
            self._take(**{name: event.new})

    def _point(self, query: int) -> None:
        """The cursor is over a row of a map; it is read once nothing else is."""
        self._pointed = query

    def _take(self, **values: Any) -> None:
        try:
            self.reading = self.reading.changed(**values)
        except (UsageError, ValueError, TypeError) as error:
            return self._frame.say(str(error))
        self._frame.say("")
        self._put(self.reading)
        return self._ask()

    def _put(self, reading: Reading) -> None:
        """Set the widgets; a slider whose end lies lower is moved on."""
        self._quiet, self._stirred = True, time.monotonic()
        values = {**asdict(reading.params), "seed": reading.seed}
        if values["model"] not in self.model.options:
            self.model.options = [*self.model.options, values["model"]]
        spikes = sorted({*SPIKES, values["spikes"]})
        if self.spikes.options != spikes:
            self.spikes.options = spikes
        for name in self._values:
            widget, value = getattr(self, name), values[name]
            if name in ("layer", "head", "query"):
                widget.end = max(widget.end, value)
            if widget.value != value:
                widget.value = value
        self._quiet = False
        self._write_lines()

    def _ask(self) -> None:
        """Read in the worker; only what was asked for last is shown."""
        self._asked += 1
        self._asked_at = time.monotonic()
        number, reading = self._asked, self.reading

        def done(result: tuple[Reader, Read] | None, message: str) -> None:
            if number != self._asked:
                return
            self._answered, self._asked_at = number, 0.0
            if result is None:
                return self._frame.say(message)
            return self._show(*result)

        def told(result: tuple[Reader, Read] | None, message: str) -> None:
            self._frame.later(lambda: done(result, message))

        def loaded(reader: Reader | None, message: str) -> None:
            if reader is None:
                return told(None, message)
            return self._house.worker.submit(
                lambda: (reader, reading.read(reader)) if number == self._asked else None,
                told,
            )

        self._house.loader.submit(lambda: self._house.reader(reading.params.model), loaded)

    def _show(self, reader: Reader, read: Read) -> None:
        self._quiet = True
        self.layer.end, self.head.end = reader.n_layers - 1, reader.n_heads - 1
        self.query.end = len(read.tokens) - 1
        self._quiet = False
        self.reading = replace(self.reading, params=read.params)
        self._put(self.reading)
        self.maps.show(read)
        row = [*self._row[:2], self._next] if read.words else self._row[:2]
        if list(self._row) != list(row):
            self._row[:] = row
        self._numbers.object = f'<div class="numbers">{_in_numbers(read)}</div>'

    def _write_lines(self) -> None:
        text = f"{escape(self.reading.python())}\n\n$ {escape(self.reading.command())}"
        self._lines[:] = [html(f"<pre>{text}</pre>")] if self.code.value else []

    def _save(self) -> None:
        self._frame.save(self._house, [self.reading])

    def _tick(self) -> None:
        if self._pointed not in (None, self.reading.params.query) and self._answered == self._asked:
            self._take(query=self._pointed)
        self._pointed = None if self._answered == self._asked else self._pointed
        waits = self._asked_at and time.monotonic() - self._asked_at > SLOW_s
        self._frame.wait("Reading; a model is loaded once …" if waits else "")
        if self._stirred and time.monotonic() - self._stirred > ADDRESS_s:
            self._stirred = 0.0
            self._frame.address(self.reading.search())


def _in_numbers(read: Read) -> str:
    """What the row and the next token say, as one line."""
    shown, row = read.params, read.row
    distance = 0.5 * np.abs(row.weights - row.softmax).sum()
    time_ms = float(row.selection.row_ms[0])
    said = (
        f"layer {shown.layer}, head {shown.head}, query <b>{escape(token_label(read.tokens[shown.query]))}</b> · "
        f"<b>{int(row.counts.sum())} spikes</b> in {time_ms:.1f} ms · total variation to softmax "
        f"<b>{distance:.3f}</b>"
    )
    if read.words:
        said += f" · next token: KL <b>{read.kl_nats:.4f}</b> nats with all heads in spikes"
    return said
