"""Files and folders that appear whole or not at all: written aside, flushed, and renamed into place."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scenarios.workbench.errors import UsageError
from scenarios.workbench.locks import lock_handle

__all__ = [
    *("PARTIAL", "Staged", "check_room", "destination", "staged_folder", "sweep_up", "whole_file"),
    "written_to",
]

PARTIAL = ".*.partial"  # folders in the making, and those of killed runs


def destination(out: str | Path) -> Path:
    """The folder that a run is to leave, with the tilde and links resolved.

    Raises
    ------
    UsageError
        For the home of nobody, a link that leads nowhere, and the root.
    """
    try:
        path = Path(out).expanduser()
    except RuntimeError:
        raise UsageError(f"out must begin with the home of a known user, got {out}; write it out") from None
    if path.is_symlink() and not path.exists():
        raise UsageError(
            f"out must not be a dangling link, got {out} to {os.readlink(path)}; remove the link"
        )
    if path.is_symlink() or path.name in ("", ".."):
        path = path.resolve()
    if not path.name:
        raise UsageError(f"out must be a folder with a name, got {out}; name one inside it")
    return path


class Staged:
    """A folder in the making; `folder` is its final place once it is published."""

    def __init__(self, temporary: Path, wanted: Path, numbered: bool) -> None:
        self.temporary = temporary
        self.folder = wanted
        self._numbered = numbered

    def publish(self) -> None:
        """Flush everything to disk and rename into place; take the next free number if allowed."""
        _fsync_tree(self.temporary)
        wanted = self.folder
        for number in itertools.count(1):
            self.folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
            try:
                os.rename(self.temporary, self.folder)
                break
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                if not self._numbered:
                    raise _occupied(wanted) from error
        _fsync(self.folder.parent)


@contextmanager
def staged_folder(wanted: Path, *, numbered: bool) -> Iterator[Staged]:
    """Make a folder next to `wanted` at once, and rename it to `wanted` when the block ends well.

    After an exception or Ctrl-C nothing stays, parent folders made for it included. What a killed process has
    left there is swept up first.

    Parameters
    ----------
    wanted : Path
        New, or an empty folder.
    numbered : bool
        If `wanted` is taken: True appends ``-2``, ``-3``, ...; False is an error.

    Raises
    ------
    UsageError
        If the folder is taken or cannot be written.
    """
    if not numbered and wanted.exists():
        _check_replaceable(wanted)
    sweep_up(wanted.parent)
    made = [parent for parent in wanted.parents if not parent.exists()]  # innermost first
    temporary, handle = _made(wanted)
    try:
        staged = Staged(temporary, wanted, numbered)
        yield staged
        with written_to(wanted):
            staged.publish()
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise
    finally:
        if handle is not None:
            os.close(handle)


def sweep_up(folder: Path) -> None:
    """Remove what killed processes have left in a folder: what is still being written is locked."""
    for path in folder.glob(PARTIAL):
        handle = _locked(path)
        if handle is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(handle)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file to write next to `path`; it takes that name when the block ends well, and goes otherwise."""
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        with written_to(path):
            yield partial
            _fsync(partial)
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_room(folder: Path, n_bytes: int) -> None:
    """Raise OSError unless so many bytes fit; some libraries fail with a traceback where they do not."""
    if hasattr(os, "posix_fallocate"):
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes)


@contextmanager
def written_to(path: Path) -> Iterator[None]:
    """Name the path in an error of the system that names none, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def _made(wanted: Path) -> tuple[Path, int | None]:
    """A new folder next to `wanted`, locked for as long as it is written, and the lock's handle."""
    while True:
        temporary = wanted.with_name(f".{wanted.name}.{secrets.token_hex(4)}.partial")
        try:
            temporary.mkdir(parents=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(
                f"out must be a folder that can be written, got {wanted} ({reason}); choose another"
            ) from error
        handle = _locked(temporary, wait=True)
        if temporary.exists():  # else another process has swept it up before it was locked
            return temporary, handle
        if handle is not None:
            os.close(handle)


def _locked(folder: Path, *, wait: bool = False) -> int | None:
    """The handle of a folder that is locked by it; None if another process has it, or it cannot be locked."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        if lock_handle(handle, wait=wait):
            return handle
    except OSError:  # the file system knows no locks of folders
        pass
    os.close(handle)
    return None


def _check_replaceable(folder: Path) -> None:
    """Refuse what a folder cannot be renamed to in the end."""
    if not folder.is_dir() or any(folder.iterdir()):
        raise _occupied(folder)
    for holds, what in (
        (os.path.ismount(folder), "a mount point"),
        (folder.samefile(Path()), "the current one"),
    ):
        if holds:
            raise UsageError(
                f"out must be a folder that can be replaced, got {folder}, which is {what}; name one inside it"
            )


def _occupied(folder: Path) -> UsageError:
    return UsageError(
        f"out must be new or an empty folder, got {folder}, which exists; choose another or remove it"
    )


def _fsync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _fsync(path)
    _fsync(folder)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
