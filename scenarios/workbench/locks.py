"""Folders that one process has at a time; a lock goes with its process, however that ends."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

__all__ = ["Held", "Lock", "lock_handle"]

FILE = ".lock"


class Held(Exception):
    """Another process has the folder; the message says which."""


class Lock:
    """The lock of a folder, taken when it is made.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.

    Raises
    ------
    Held
        If another process has it.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+", encoding="utf-8")
            if not lock_handle(self._file.fileno()):
                self._file.seek(0)
                holder = self._file.read().strip() or "another process"
                self._file.close()
                raise Held(holder)
            if _same(path, self._file.fileno()):
                break
            self._file.close()  # the folder was removed by the process that had it
        self._file.truncate(0)
        self._file.write(
            f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
        )
        self._file.flush()

    def release(self) -> None:
        """Let others have the folder."""
        self._file.close()


def lock_handle(handle: int, *, wait: bool = False) -> bool:
    """Lock an open file or folder; False if another process has it. True, too, where locks do not exist."""
    try:
        import fcntl
    except ImportError:  # not a Unix system
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(path: Path, handle: int) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
