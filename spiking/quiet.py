"""Import Brian2 without its hold on the program that imports it.

Brian2 is made for scripts. At import it takes over the exception hook, Ctrl-C, the warnings of the whole process
and a handler of their logger, and it writes a debug log and a copy of the script to the temporary directory,
which an uncaught exception leaves there. A library must not do that to its host, so all of it is put back.
Brian2's own logger keeps its console handler: its warnings still reach the screen.

A program that has imported Brian2 before keeps what it chose.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__: list[str] = []


@contextmanager
def _host_untouched() -> Iterator[None]:
    """Put back the hooks and log handlers of the process after the block."""
    excepthook, shown = sys.excepthook, warnings.showwarning
    loggers = [logging.getLogger(), logging.getLogger("py.warnings")]
    handlers = [each.handlers[:] for each in loggers]
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        sys.excepthook = excepthook
        if warnings.showwarning is not shown:
            logging.captureWarnings(False)
        for each, its_own in zip(loggers, handlers, strict=True):
            each.handlers = its_own
        if on_interrupt is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, on_interrupt)


def _without_files() -> None:
    """Close and delete the debug log and the copy of the script; end Brian2's logging quietly at exit."""
    from brian2.utils import logger

    brian = logger.BrianLogger
    if brian.file_handler is not None:
        logging.getLogger("brian2").removeHandler(brian.file_handler)
        brian.file_handler.close()
    for name in filter(None, (brian.tmp_log, brian.tmp_script)):
        with suppress(OSError):
            Path(name).unlink()
    brian.file_handler = brian.tmp_log = brian.tmp_script = None
    atexit.unregister(logger.clean_up_logging)  # it shuts down the logging of the whole process
    atexit.register(_end_logging)


def _end_logging() -> None:
    from brian2.utils import logger

    logger.BrianLogger.initialized = False  # no warning about objects that the exit deletes
    logger.std_silent.close()  # deletes the files that took the compiler's output


if "brian2" not in sys.modules:
    with _host_untouched():
        importlib.import_module("brian2")
    _without_files()
