"""The room *Circuit*: a row that runs under one's hands, and another held at its side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

import panel as pn

from scenarios.explorer.bench import Bench
from scenarios.explorer.controls import Controls
from scenarios.explorer.frame import Frame, House, html
from scenarios.explorer.live import Live
from scenarios.explorer.state import CAN_BE_IMPORTED, Setting, Setup
from scenarios.workbench.errors import UsageError

__all__ = ["CircuitRoom"]

TICK_ms = 40
ADDRESS_s = 0.4  # of stillness, after which the address follows
SPEEDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class CircuitRoom:
    """One window of the room."""

    def __init__(self, house: House, query: Mapping[str, str]) -> None:
        self._house, self._frame = house, Frame("circuit")
        self.setup = Setup()
        self.a, self.b = (Bench(house.worker, self._frame.later, title) for title in "AB")
        self.controls = Controls([*CAN_BE_IMPORTED, *house.circuits], self._changed, self._frame.say)
        self._stirred = 0.0  # when the address was last outdated; 0: it is not
        self._make_buttons()
        self._allowed = {*CAN_BE_IMPORTED, *house.circuits}
        try:
            self.setup = Setup.of_query(query)
        except (UsageError, ValueError, TypeError) as error:
            self._frame.say(f"This address cannot be shown: {error}")
        self.speed.options = sorted({*SPEEDS, self.setup.speed})
        self.speed.value = self.setup.speed
        self.speed.param.watch(lambda event: self._put(replace(self.setup, speed=event.new)), "value")
        self.controls.put(self.setup.a)
        self._start()

    def view(self) -> Any:
        """The page."""
        self._lay_out()
        side = pn.Column(self.controls.view, width=290, margin=(10, 0, 10, 12))
        main = pn.Column(self._bar, self._lines, self.rows, sizing_mode="stretch_width")
        pn.state.add_periodic_callback(self._tick, period=TICK_ms)
        return self._frame.page(side, main)

    def _make_buttons(self) -> None:
        look: dict[str, Any] = {"margin": (6, 6), "sizing_mode": "fixed", "height": 32}
        self.hold = pn.widgets.Button(name="Hold as B", width=96, **look)
        self.swap = pn.widgets.Button(name="Swap A and B", width=116, visible=False, **look)
        self.drop = pn.widgets.Button(name="Drop B", width=80, visible=False, **look)
        self.pause = pn.widgets.Toggle(name="Pause", width=72, **look)
        self.again = pn.widgets.Button(name="Next seed", width=92, **look)
        self.code = pn.widgets.Toggle(name="Python and command", width=150, **look)
        self.save = pn.widgets.Button(name="Save run folder", width=128, **look)
        self.load = pn.widgets.Button(
            name="Import it", button_type="warning", width=96, visible=False, **look
        )
        self.speed = pn.widgets.DiscreteSlider(
            name="speed (of real time)", options=list(SPEEDS), value=0.2, width=170, margin=(0, 12)
        )
        self.hold.on_click(lambda _: self._put(replace(self.setup, b=self.setup.a)))
        self.drop.on_click(lambda _: self._put(replace(self.setup, b=None)))
        self.swap.on_click(lambda _: self._swap())
        self.again.on_click(lambda _: self._reseed())
        self.load.on_click(lambda _: self._allow())
        self.save.on_click(lambda _: self._save())
        self.code.param.watch(lambda _: self._write_lines(), "value")
        buttons = (self.pause, self.again, self.hold, self.swap, self.drop, self.code, self.save, self.load)
        self._bar = pn.FlexBox(*buttons, self.speed, align_items="center")
        self._lines = pn.Column(sizing_mode="stretch_width")
        self.rows = pn.Row(self.a.view, sizing_mode="stretch_width")

    def _changed(self, setting: Setting) -> None:
        self._frame.say("")
        self._put(replace(self.setup, a=setting))

    def _put(self, setup: Setup) -> None:
        """Take another setup; simulate what is new in it."""
        before, self.setup, self._stirred = self.setup, setup, time.monotonic()
        if setup.a != before.a:
            self._run(self.a, setup.a)
        if setup.b is not None and setup.b != before.b:
            self._run(self.b, setup.b)
        self._lay_out()
        self._write_lines()

    def _start(self) -> None:
        """Run what the address says, once what it would import has been allowed."""
        asked = [name for name in self.setup.imported() if name not in self._allowed]
        self.load.visible = bool(asked)
        if asked:
            return self._frame.say(
                f"This address would import {', '.join(asked)} and run it. If you trust it, press Import it."
            )
        self._run(self.a, self.setup.a)
        if self.setup.b is not None:
            self._run(self.b, self.setup.b)
        return None

    def _allow(self) -> None:
        self._allowed |= set(self.setup.imported())
        self._frame.say("")
        self._start()

    def _run(self, bench: Bench, setting: Setting) -> None:
        self._allowed.add(setting.params.circuit)

        def done(live: Live | None, message: str) -> None:
            if live is None:
                return self._frame.say(message)
            if bench is self.a:
                self.controls.know(live.own)
            return self._frame.note(" ".join(live.notes))

        bench.show(setting, done)

    def _swap(self) -> None:
        if self.setup.b is not None:
            self.controls.put(self.setup.b)
            self._put(replace(self.setup, a=self.setup.b, b=self.setup.a))

    def _reseed(self) -> None:
        setting = replace(self.setup.a, seed=self.setup.a.seed + 1)
        self.controls.put(setting)
        self._changed(setting)

    def _lay_out(self) -> None:
        held = self.setup.b is not None
        self.swap.visible = self.drop.visible = held
        self.a.name(self.setup.a, alone=not held)
        if self.setup.b is not None:
            self.b.name(self.setup.b, alone=False)
        wanted = [self.a.view, self.b.view] if held else [self.a.view]
        if list(self.rows) != wanted:
            self.rows[:] = wanted

    def _write_lines(self) -> None:
        if not self.code.value:
            self._lines[:] = []
            return
        settings = {"A": self.setup.a} | ({"B": self.setup.b} if self.setup.b is not None else {})
        texts = [
            f"<pre># {name}\n{escape(setting.python())}\n\n$ {escape(setting.command())}</pre>"
            for name, setting in settings.items()
        ]
        self._lines[:] = [html("".join(texts))]

    def _save(self) -> None:
        """Leave a run folder of each setting."""
        shown = {self.setup.a: self.a.live} | ({} if self.setup.b is None else {self.setup.b: self.b.live})
        if any(live is not None and live.is_cut for live in shown.values()):
            return self._frame.say(
                "Nothing was saved: the whole row has more spikes than this server should hold; shorten the "
                "simulated time, or run the command."
            )
        return self._frame.save(self._house, list(shown))

    def _tick(self) -> None:
        waits = self.a.waits or (self.setup.b is not None and self.b.waits)
        self._frame.wait("Simulating; a circuit that is new is compiled once …" if waits else "")
        with pn.io.unlocked():  # all that has changed goes out as one message
            self.a.tick(self.setup.speed, self.pause.value)
            if self.setup.b is not None:
                self.b.tick(self.setup.speed, self.pause.value)
        if self._stirred and time.monotonic() - self._stirred > ADDRESS_s:
            self._stirred = 0.0
            self._frame.address(self.setup.search())
