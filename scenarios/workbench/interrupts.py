"""Ctrl-C, and what is met like it: the signals that end a process, and a Ctrl-C that a library has swallowed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Interrupts", "as_ctrl_c"]

AGAIN_S = 0.05  # after which a Ctrl-C is repeated that was swallowed


class Interrupts:
    """What has been met so far."""

    def __init__(self) -> None:
        self.number = int(signal.SIGINT)  # of the last signal

    @property
    def status(self) -> int:
        """The exit status of a command that a signal has ended: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.number


@contextmanager
def as_ctrl_c() -> Iterator[Interrupts]:
    """Meet SIGTERM and SIGHUP like Ctrl-C, and let no Ctrl-C get lost.

    Python raises KeyboardInterrupt wherever the main thread is. In a function that compiled code calls back, as
    LLVM does while it compiles, there is nobody to take the exception: Python reports it as unraisable and goes
    on. Here it is raised again a moment later.
    """
    met = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield met  # signals come to the main thread alone
        return

    def forward(number: int, frame: FrameType | None) -> None:
        met.number = number
        now = signal.getsignal(signal.SIGINT)  # a training defers it
        (now if callable(now) else signal.default_int_handler)(signal.SIGINT, frame)

    def unraisable(report: Any) -> None:
        if not issubclass(report.exc_type, KeyboardInterrupt):
            hook(report)
            return
        again.append(threading.Timer(AGAIN_S, os.kill, (os.getpid(), signal.SIGINT)))
        again[-1].daemon = True
        again[-1].start()

    again: list[threading.Timer] = []
    hook, sys.unraisablehook = sys.unraisablehook, unraisable
    before = {number: signal.getsignal(number) for number in _ending()}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as after nohup
            signal.signal(number, forward)
    try:
        yield met
    finally:
        for timer in again:
            timer.cancel()
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _ending() -> list[signal.Signals]:
    return [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
