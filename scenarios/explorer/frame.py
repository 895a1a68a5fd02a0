"""What all rooms share: the house they stand in, the head of a page, its messages and its address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import panel as pn

from scenarios.explorer.addressed import Addressed
from scenarios.explorer.worker import Worker
from scenarios.workbench.store import RUNS

__all__ = ["ROOMS", "STYLE", "Frame", "House", "html"]

ROOMS = {"circuit": "Circuit", "transformer": "Transformer", "runs": "Runs"}
MOST_MODELS = 2  # in memory
STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class House:
    """What the windows of a server share."""

    worker: Worker = field(default_factory=Worker)  # of all that spikes
    loader: Worker = field(
        default_factory=Worker
    )  # of models, which takes longer than anybody's row should wait
    runs: Path = RUNS  # where runs lie and are saved
    circuits: tuple[str, ...] = ()  # of the user's own, named on the command line
    _readers: dict[str, Any] = field(default_factory=dict)

    def stop(self) -> None:
        """Interrupt what is simulated and loaded."""
        self.worker.stop()
        self.loader.stop()

    def reader(self, model: str) -> Any:
        """The `Reader` of a model, loaded once; the last two are kept."""
        from scenarios.one_head.reader import Reader

        if model not in self._readers:
            loaded = Reader(model)
            while len(self._readers) >= MOST_MODELS:
                del self._readers[next(iter(self._readers))]
            self._readers[model] = loaded
        return self._readers[model]


class Frame:
    """The page around a room."""

    def __init__(self, room: str) -> None:
        self._document = pn.state.curdoc
        self._error, self._note, self._wait = (html(visible=False) for _ in range(3))
        links = [
            f'<a href="./{name}" class="{"here" if name == room else ""}">{title}</a>'
            for name, title in ROOMS.items()
        ]
        head = f"<header><span class='name'>fortyhertz</span><nav>{''.join(links)}</nav></header>"
        self._head = html(head, margin=0)

    def page(self, side: Any, main: Any) -> Any:
        """The whole page."""
        messages = pn.Column(self._error, self._note, self._wait, sizing_mode="stretch_width")
        body = pn.Column(messages, main, sizing_mode="stretch_width", margin=(10, 20))
        rooms = pn.Row(side, body, sizing_mode="stretch_width")
        return pn.Column(self._head, rooms, sizing_mode="stretch_width", margin=0)

    def say(self, message: str) -> None:
        """Show what went wrong; "" takes it away."""
        _show(self._error, message, "error")

    def note(self, message: str) -> None:
        """Show a remark."""
        _show(self._note, message)

    def wait(self, message: str) -> None:
        """Show that something takes its time."""
        _show(self._wait, message)

    def address(self, search: str) -> None:
        """Put a state into the address of the window."""
        if pn.state.location is not None and pn.state.location.search != search:
            pn.state.location.search = search

    def save(self, house: House, shown: Sequence[Addressed]) -> None:
        """Leave a run folder of each of the states shown, and say where."""
        self.note("Saving …")

        def done(text: str | None, message: str) -> None:
            self.note(text or "")
            if message:
                self.say(f"Nothing was saved: {message}")

        house.worker.submit(
            lambda: "; ".join(one.saved(house.runs) for one in shown),
            lambda text, message: self.later(lambda: done(text, message)),
        )

    def later(self, call: Callable[[], None]) -> None:
        """Call from the thread of the page; nothing happens once the window is closed."""
        document = self._document
        if document is not None and document.session_context is not None:
            document.add_next_tick_callback(lambda: _at_once(call))


def _at_once(call: Callable[[], None]) -> None:
    """Call, and send all that it changes as one message."""
    with pn.io.unlocked():
        call()


def html(text: str = "", **look: Any) -> Any:
    """A piece of text in the style of the pages."""
    settings: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (2, 8), "stylesheets": [STYLE]}
    return pn.pane.HTML(text, **{**settings, **look})


def _show(pane: Any, message: str, kind: str = "") -> None:
    text = f'<div class="message {kind}">{escape(message)}</div>' if message else ""
    if pane.object != text:
        pane.object = text
        pane.visible = bool(text)
