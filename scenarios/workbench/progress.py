"""Progress of a run: a fraction handed up through nested stages, shown as a bar or as sparse lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scenarios.workbench.time_left import TimeLeft

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["COMPILING", "Progress", "compilation_shown", "show_progress", "silent"]

COMPILING = "compiling (once)"

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


@contextmanager
def compilation_shown(progress: Progress) -> Iterator[Progress]:
    """Give a progress that says so while an engine compiles, the result of which is kept for later runs."""
    from numba.core import event

    reached = 0.0

    def show(fraction: float, label: str) -> None:
        nonlocal reached
        reached = fraction
        progress(fraction, label)

    class Compilation(event.Listener):
        def on_start(self, event: object) -> None:
            progress(reached, COMPILING)

        def on_end(self, event: object) -> None:
            """The next report of the run itself takes over."""

    with event.install_listener("numba:compile", Compilation()):
        yield Progress(show)


def silent() -> Progress:
    """A progress that shows nothing."""
    return Progress(lambda fraction, label: None)


@contextmanager
def show_progress(
    console: Console, *, delay_s: float = 2.0, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """Show progress from `delay_s` on: a bar on a terminal, else a line every 10 s.

    The time left is shown once there is a steady pace to tell it from.

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
        rich.TextColumn("{task.fields[left]}"),
        console=console,
        transient=True,
    )
    task, time_left = bar.add_task("", total=1.0, left=""), TimeLeft()

    def show(fraction: float, label: str) -> None:
        bar.update(task, completed=fraction, description=label, left=_left(time_left, fraction, label))

    timer = threading.Timer(delay_s, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield show
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def _left(time_left: TimeLeft, fraction: float, label: str) -> str:
    """The time left; compiling is no part of the run's pace."""
    if label == COMPILING:
        time_left.pause()
        return ""
    return time_left(fraction)


class _Lines:
    """Progress where no terminal watches: at most one line every 10 s, and one in all, at once, for compiling."""

    def __init__(self, console: Console, delay_s: float, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._time_left = TimeLeft(clock)
        self._next = clock() + delay_s
        self._compiled = False

    def show(self, fraction: float, label: str) -> None:
        now, left = self._clock(), _left(self._time_left, fraction, label)
        compiles = label == COMPILING and not self._compiled
        if (now < self._next or label == COMPILING) and not compiles:
            return
        self._compiled |= compiles
        self._next = now + 10.0
        line = COMPILING if label == COMPILING else f"{label}: {fraction:.0%}{left and ', '}{left}"
        self._console.print(line, highlight=False, markup=False)
