"""What a user did wrong, in one line: error class, nearest names, the wording of every known error."""

from __future__ import annotations

from collections.abc import Iterable

import click

from pragmatic.checks import unknown
from scenarios.workbench.extras import extra_of, install_command

__all__ = ["UsageError", "check_known", "describe"]


class UsageError(ValueError):
    """A request that cannot be met; its message names field, rule, value and remedy."""


def check_known(kind: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is known.

    Parameters
    ----------
    kind : str
        What the name names, for the message: ``"scenario"``, ``"engine"``.
    name : str
    known : iterable of str

    Raises
    ------
    UsageError
        If it is not; the message proposes the nearest name and lists all known ones.
    """
    names = tuple(known)
    if name in names:
        return name
    raise UsageError(unknown(kind, name, names))


def describe(error: BaseException) -> str | None:
    """One line for an error that the user can correct, None for a bug of the program."""
    message = _message(error)
    return None if message is None else " ".join(message.split())


def _message(error: BaseException) -> str | None:
    if isinstance(error, click.NoSuchOption):
        return _unknown_option(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, ModuleNotFoundError):
        return _missing_module(error)
    if isinstance(error, MemoryError):
        return "out of memory; use fewer rows, keys or cells, or a shorter duration"
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
    return str(error) if isinstance(error, (ValueError, TypeError)) else None


def _unknown_option(error: click.NoSuchOption) -> str:
    if error.ctx is None:
        return error.format_message()
    command = error.ctx.command
    known = [option for parameter in command.get_params(error.ctx) for option in parameter.opts]
    try:
        check_known(f"parameter of {command.name}", error.option_name, known)
    except UsageError as unknown:
        return str(unknown)
    return error.format_message()


def _missing_module(error: ModuleNotFoundError) -> str | None:
    top = (error.name or "").partition(".")[0]
    extra = extra_of(top)
    if extra is None:
        return None
    return f"{top} is not installed; get it by {install_command(extra, [top])}"
