"""The room *Runs*: what lies in a folder of runs, read one by one or two at a time."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode

import panel as pn

from scenarios.explorer.frame import Frame, House, html
from scenarios.explorer.shelf import Shelved, comparison, figures, lines, shelf, summary

__all__ = ["RunsRoom"]

NONE = "(none)"


class RunsRoom:
    """One window of the room."""

    def __init__(self, house: House, query: Mapping[str, str]) -> None:
        self._house, self._frame = house, Frame("runs")
        self._runs: dict[str, Shelved] = {}
        look: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (4, 8)}
        self.first = pn.widgets.Select(name="run", size=18, **look)
        self.second = pn.widgets.Select(name="compared with", **look)
        self.again = pn.widgets.Button(name="Look again", **look)
        self.code = pn.widgets.Toggle(name="Python and command", **look)
        self.again.on_click(lambda _: self._look())
        self._main = pn.Column(sizing_mode="stretch_width")
        self._look()
        self._choose(query)
        for widget in (self.first, self.second, self.code):
            widget.param.watch(lambda _: self._show(), "value")
        self._show()

    def view(self) -> Any:
        """The page."""
        side = pn.Column(self.first, self.second, self.again, self.code, width=330, margin=(10, 0, 10, 12))
        return self._frame.page(side, self._main)

    def _look(self) -> None:
        """Read the folder."""
        self._runs = {one.name: one for one in shelf(self._house.runs)}
        titles = {one.title: one.name for one in self._runs.values()}
        self.first.options, self.second.options = titles, {NONE: NONE, **titles}
        damaged = sum(one.run is None for one in self._runs.values())
        self._frame.note(f"{damaged} of {len(self._runs)} run folders cannot be read." if damaged else "")
        if not self._runs:
            self._frame.say(
                f"There is no run in {self._house.runs}/; make one, for example: fortyhertz run gamma-selects"
            )

    def _choose(self, query: Mapping[str, str]) -> None:
        """Take the runs of an address."""
        for name, widget in (("run", self.first), ("with", self.second)):
            wanted = query.get(name)
            if wanted in self._runs:
                widget.value = wanted
            elif wanted is not None:
                self._frame.say(f"There is no run {wanted} in {self._house.runs}/; choose one of the list.")

    def _show(self) -> None:
        shown = [self._runs[w.value] for w in (self.first, self.second) if w.value in self._runs]
        parts: list[Any] = []
        if self.code.value:
            parts.append(html(f"<pre>{escape(lines(shown))}</pre>"))
        if len(shown) == 2:
            parts.append(html(comparison(*shown)))
        parts.append(pn.Row(*(_column(one) for one in shown), sizing_mode="stretch_width"))
        self._main[:] = parts
        names = dict(zip(("run", "with"), [one.name for one in shown], strict=False))
        self._frame.address("?" + urlencode(names, safe="/"))


def _column(one: Shelved) -> Any:
    return pn.Column(
        html(summary(one)), html(figures(one)), sizing_mode="stretch_width", margin=(0, 16, 0, 0)
    )
