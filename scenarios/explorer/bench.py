"""One row on a page: its figures, the clock that shows it, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
import panel as pn

from scenarios.explorer.frame import html
from scenarios.explorer.live import Live
from scenarios.explorer.pictures import LivePictures, WINDOW_ms
from scenarios.explorer.state import Setting
from scenarios.explorer.worker import Worker
from scenarios.one_row.measures import LEAST_ms, Watched

__all__ = ["Bench"]

WIDE, NARROW = 240, 190  # of the shares: alone, and two side by side
LOOK_s = 0.5  # of real time between two spectra
AHEAD_ms = 300.0  # simulated time that is left when the next span is asked for
SLOW_s = 0.4  # after which a page says that it waits


class Bench:
    """A row that runs; `show` another setting, `tick` many times a second."""

    def __init__(self, worker: Worker, later: Callable[[Callable[[], None]], None], title: str) -> None:
        self._worker, self._later = worker, later
        self.pictures = LivePictures(title)
        self.live: Live | None = None
        self.shown_ms = 0.0
        self.frames = 0  # drawn since the page was opened
        self._asked, self._asked_at = 0, 0.0
        self._growing = self._looking = False
        self._clock, self._looked = time.monotonic(), 0.0
        self.numbers, self.title = html(), html()
        self._name = title
        pictures = self.pictures
        self.view = pn.Column(
            self.title,
            self.numbers,
            pn.Row(
                pn.Column(_pane(pictures.raster), _pane(pictures.field), sizing_mode="stretch_width"),
                _pane(pictures.share),
                sizing_mode="stretch_width",
            ),
            pn.Row(_pane(pictures.spectrum), _pane(pictures.per_cycle), sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
            margin=(0, 10, 0, 0),
        )

    def show(self, setting: Setting, done: Callable[[Live | None, str], None]) -> None:
        """Simulate another row; `done` is given it, or a message, once the page shows it."""
        self._asked += 1
        self._asked_at = time.monotonic()
        number = self._asked

        def job() -> Live | None:
            return Live(setting) if number == self._asked else None  # a later setting has taken its place

        def arrived(live: Live | None, message: str) -> None:
            if number != self._asked:
                return
            self._asked_at = 0.0
            if live is not None:
                self.live, self.shown_ms = live, min(WINDOW_ms, live.selection.duration_ms)
                self._clock, self._growing, self._looking = time.monotonic(), False, False
                self.pictures.restart(live, self.shown_ms)
                self._look()
            done(live, message)

        self._worker.submit(job, lambda live, message: self._later(lambda: arrived(live, message)))

    @property
    def waits(self) -> bool:
        """Whether a setting has been asked for and takes its time."""
        return bool(self._asked_at) and time.monotonic() - self._asked_at > SLOW_s

    def tick(self, speed: float, pause: bool) -> None:
        """Show what has happened since the last tick, at this part of real time."""
        now = time.monotonic()
        passed_ms, self._clock = (now - self._clock) * 1e3, now
        live = self.live
        if live is None or pause or self.waits:
            return
        end_ms = live.selection.duration_ms
        if end_ms - self.shown_ms < AHEAD_ms and not live.is_whole and not self._growing:
            self._grow(live)
        if self.shown_ms >= end_ms:
            return
        before, self.shown_ms = self.shown_ms, min(self.shown_ms + passed_ms * speed, end_ms)
        self.pictures.advance(live, before, self.shown_ms)
        self.frames += 1
        if now - self._looked > LOOK_s or self.shown_ms >= end_ms:
            self._look()

    def _say(self, text: str) -> None:
        self.numbers.object = f'<div class="numbers">{text}</div>'

    def name(self, setting: Setting, alone: bool) -> None:
        """Write the letter of the row, and what differs from the defaults, over it."""
        changed = setting.query()
        told = " · ".join(f"{name} {text}" for name, text in changed.items() if name != "scores")
        letter = "" if alone else f"{self._name} "
        self.title.object = (
            f"<h2>{letter}<span class='muted' style='font-weight:400'>{escape(told)}</span></h2>"
        )

    def _grow(self, live: Live) -> None:
        self._growing = True

        def grown(_: Live | None, message: str) -> None:
            self._growing = False
            if message:
                self._say(escape(message))

        self._worker.submit(live.grow, lambda result, message: self._later(lambda: grown(result, message)))

    def _look(self) -> None:
        """Read spectrum and cycles in the worker, one look at a time."""
        live, until_ms = self.live, self.shown_ms
        if live is None or self._looking or until_ms < LEAST_ms:
            return
        self._looking, self._looked = True, time.monotonic()

        def seen(watched: Watched | None, message: str) -> None:
            if live is self.live:
                self._looking = False
                if watched is not None:
                    self.pictures.look(watched)
                self._say(escape(message) if watched is None else _in_numbers(watched, self.pictures.every))

        self._worker.submit(
            lambda: live.watched(until_ms),
            lambda watched, message: self._later(lambda: seen(watched, message)),
        )


def _pane(figure: Any) -> Any:
    return pn.pane.Bokeh(figure, sizing_mode=figure.sizing_mode, margin=0)


def _in_numbers(watched: Watched, every: int) -> str:
    """The numbers of the moment, and which spikes are drawn, as one line."""
    if not watched.n_spikes:
        return f"{watched.selection.duration_ms / 1e3:.1f} s: <b>no E cell has fired</b>"
    peak = f"no significant peak (p = {watched.peak.p_value[0]:.2g})"
    if np.isfinite(watched.f_gamma_Hz):
        per_cycle = watched.spikes_of_cycles.sum(axis=1).mean() if len(watched.cycle_edges_ms) else np.nan
        peak = f"<b>{watched.f_gamma_Hz:.1f} Hz</b>, {per_cycle:.1f} spikes a cycle"
    return (
        f"{watched.selection.duration_ms / 1e3:.1f} s · <b>{watched.n_spikes:,} spikes</b> · {peak} · "
        f"total variation to softmax <b>{watched.total_variation:.3f}</b>, as many samples: {watched.floor:.3f}"
        + (f" · one spike of {every} is drawn" if every > 1 else "")
    )
