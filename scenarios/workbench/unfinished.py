"""What a run has trained, kept until the run is whole, so that the same call resumes after an interruption."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from types import TracebackType

from scenarios.workbench.errors import UsageError, describe
from scenarios.workbench.locks import Held, Lock

__all__ = ["Unfinished"]


class Unfinished:
    """The folder of a run's checkpoints, as a context: gone after a whole run, kept after any other.

    Parameters
    ----------
    folder : Path
        Made when the first checkpoint is asked for. One process has it at a time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: Lock | None = None

    def checkpoint(self, training: str) -> Path:
        """The file of a training.

        Raises
        ------
        UsageError
            If another process has the folder.
        """
        self._take()
        return self.folder / f"{training}.safetensors"

    def __enter__(self) -> Unfinished:
        if self.folder.exists():
            self._take()
            for left in self.folder.glob(".*.partial"):  # by a process that was killed
                left.unlink()
            if self._holds_something():
                warnings.warn(f"resuming from what is kept in {self.folder}", stacklevel=3)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is None:
            return
        try:
            if error is None or not self._holds_something():
                shutil.rmtree(self.folder, ignore_errors=True)
            elif isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(self._kept()) from None
            elif isinstance(error, (OSError, MemoryError)):
                raise UsageError(f"{describe(error)}; {self._kept()}") from error
        finally:
            self._lock.release()

    def _kept(self) -> str:
        return f"what was trained is kept in {self.folder}; the same command resumes from it"

    def _holds_something(self) -> bool:
        return any(self.folder.glob("*.safetensors"))

    def _take(self) -> None:
        if self._lock is not None:
            return
        try:
            self._lock = Lock(self.folder)
        except Held as holder:
            raise UsageError(
                f"a run must not be under way twice, got {holder}, which trains in {self.folder}; wait for it, "
                "or stop it and resume"
            ) from None
