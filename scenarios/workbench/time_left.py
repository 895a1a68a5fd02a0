"""An estimate of the time that a run still takes, given only when it is worth something."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["TimeLeft"]

LEAST_DONE = 0.1
LEAST_s = 3.0
STEADY = 1.5  # the two halves of what is done differ in pace by no more than this factor
POINTS = 200  # of the history, evenly over the run


class TimeLeft:
    """Call it with the fraction done; it answers in words, or with nothing while it cannot know.

    An estimate needs a tenth of the run and 3 s, and two halves of it at one pace; it extrapolates the later half.
    A `pause`, while something else than the work takes the time, begins the measurement anew.

    Parameters
    ----------
    clock : callable
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._history: list[tuple[float, float]] = []  # (s, fraction done), both rising

    def pause(self) -> None:
        """Forget what was measured."""
        self._history.clear()

    def __call__(self, fraction: float) -> str:
        """``"about 40 s left"``, or ``""``."""
        now = self._clock()
        if not self._history or fraction >= self._history[-1][1] + 1 / POINTS:
            self._history.append((now, fraction))
        left_s = self._left_s(now, fraction)
        if left_s is None:
            return ""
        return f"about {left_s:.0f} s left" if left_s < 120 else f"about {left_s / 60:.0f} min left"

    def _left_s(self, now: float, fraction: float) -> float | None:
        (began, start), half = self._history[0], (self._history[0][1] + fraction) / 2
        done = fraction - start + 1e-9  # against rounding
        if done < LEAST_DONE or now - began < LEAST_s or fraction >= 1:
            return None
        halfway, middle = min(self._history, key=lambda point: abs(point[1] - half))
        if not start < middle < fraction:
            return None
        early, late = (
            (halfway - began) / (middle - start),
            (now - halfway) / (fraction - middle),
        )  # s per whole
        if min(early, late) * STEADY < max(early, late):
            return None
        return late * (1 - fraction)
