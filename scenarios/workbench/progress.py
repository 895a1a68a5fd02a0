"""Progress of a run: a fraction handed up through nested stages, shown as a bar or as sparse lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Progress", "show_progress", "silent"]

Show = Callable[[float, str], None]  # fraction of the whole run in [0, 1], label


class Progress:
    """Call it with the fraction done; open a `stage` to hand a share of the whole to a part.

    >>> seen = []
    >>> progress = Progress(lambda fraction, label: seen.append((fraction, label)))
    >>> with progress.stage("simulate", share=0.5) as simulating:
    ...     simulating(0.5)
    >>> seen
    [(0.0, 'simulate'), (0.25, 'simulate'), (0.5, 'simulate')]
    """

    def __init__(self, show: Show, *, start: float = 0.0, span: float = 1.0, label: str = "") -> None:
        self._show = show
        self._start = start
        self._span = span
        self._label = label
        self._done = 0.0  # fraction that closed stages have used up

    def __call__(self, fraction: float, label: str | None = None) -> None:
        """Report the fraction of this stage that is done, clipped to [0, 1]."""
        inside = min(max(fraction, 0.0), 1.0)
        self._show(self._start + self._span * inside, self._label if label is None else label)

    @contextmanager
    def stage(self, label: str, share: float = 1.0) -> Iterator[Progress]:
        """A part that takes `share` of this progress; yields the progress of that part."""
        start = self._start + self._span * self._done
        part = Progress(self._show, start=start, span=self._span * share, label=label)
        part(0.0)
        yield part
        self._done += share
        part(1.0)


def silent() -> Progress:
    """A progress that shows nothing."""
    return Progress(lambda fraction, label: None)


@contextmanager
def show_progress(
    console: Console, *, delay_s: float = 2.0, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """Show progress with the time left, from `delay_s` on: a bar on a terminal, else a line every 10 s.

    Parameters
    ----------
    console : rich.console.Console
    delay_s : float
        A run shorter than this shows nothing.
    clock : callable
        Seconds, for the lines; the bar follows real time.
    """
    if console.is_terminal:
        with _bar(console, delay_s) as show:
            yield Progress(show)
    else:
        yield Progress(_Lines(console, delay_s, clock).show)


@contextmanager
def _bar(console: Console, delay_s: float) -> Iterator[Show]:
    from rich import progress as rich

    bar = rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.TaskProgressColumn(),
        rich.TimeElapsedColumn(),
        rich.TextColumn("left"),
        rich.TimeRemainingColumn(),
        console=console,
        transient=True,
        speed_estimate_period=3600.0,
    )
    task = bar.add_task("", total=1.0)
    timer = threading.Timer(delay_s, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda fraction, label: bar.update(task, completed=fraction, description=label)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


class _Lines:
    """Progress where no terminal watches: at most one line every 10 s."""

    def __init__(self, console: Console, delay_s: float, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._started = clock()
        self._next = self._started + delay_s

    def show(self, fraction: float, label: str) -> None:
        now = self._clock()
        if now < self._next:
            return
        self._next = now + 10.0
        left = (
            f", about {(now - self._started) * (1 - fraction) / fraction:.0f} s left" if fraction > 0 else ""
        )
        self._console.print(f"{label}: {fraction:.0%}{left}", highlight=False, markup=False)
