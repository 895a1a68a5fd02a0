"""One thread that works for all windows, and ends when the server does."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from scenarios.workbench.errors import describe

__all__ = ["Worker"]

T = TypeVar("T")
PATIENCE_s = 5.0  # with a job that is in the middle of compiled code when the server ends


class Worker:
    """One job after the other.

    A single one simulates: Brian2 reads a circuit with global state, and the engine takes all cores by itself.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Callable[[Any, str], None]] | None] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], T], done: Callable[[T | None, str], None]) -> None:
        """Run a job; `done` is given its result and "", or None and a message, in the thread."""
        self._jobs.put((job, done))

    def stop(self) -> None:
        """Interrupt the job as Ctrl-C would, so that it leaves nothing half done, and take no other."""
        self._stopped = True
        self._jobs.put(None)  # wakes a thread that waits
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
        )
        self._thread.join(PATIENCE_s)

    def _work(self) -> None:
        try:
            while not self._stopped and (asked := self._jobs.get()) is not None:
                _run(*asked)
        except KeyboardInterrupt:  # of `stop`, between two jobs
            pass


def _run(job: Callable[[], T], done: Callable[[T | None, str], None]) -> None:
    try:
        result = job()
    except BaseException as error:  # whatever a user's circuit raises: the server lives
        done(None, describe(error) or f"{type(error).__name__}: {error}")
    else:
        done(result, "")
