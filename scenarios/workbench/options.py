"""A scenario's parameters as options of the command line."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import click

from scenarios.workbench.errors import UsageError
from scenarios.workbench.params import Field, fields_of

__all__ = ["Request", "given", "options_of", "read_text_file"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A scenario and the values given for its parameters."""

    scenario: str
    values: dict[str, Any]


class CommaList(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on alone
    """Values written with commas between them: ``0.5,1,2``."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.name = f"{kind.__name__},..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """The tuple of values, each of the kind."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.kind(part.strip()) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of {self.kind.__name__} with commas between.", param, ctx)


def options_of(params: type) -> list[click.Option]:
    """One option per field of a `Params` dataclass; an option that is not given is None."""
    return [_option(field) for field in fields_of(params)]


def given(values: dict[str, Any]) -> dict[str, Any]:
    """The values that were given, so that the dataclass fills in its own defaults for the rest."""
    return {name: value for name, value in values.items() if value is not None}


def read_text_file(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the text of the file in the place of ``text_file``, if that was given.

    Raises
    ------
    UsageError
        If a text was given too, or the file holds none.
    """
    if "text_file" not in values:
        return values
    if "text" in values:
        raise UsageError("text must come once, got --text and --text-file; leave one out")
    from scenarios.workbench.inputs import load_text

    others = {name: value for name, value in values.items() if name != "text_file"}
    return {**others, "text": load_text(values["text_file"])}


def _option(field: Field) -> click.Option:
    if field.name in ("seed", "engine", "out", "help"):
        raise TypeError(
            f"parameter name must not be one of the common options, got {field.name}; rename the field"
        )
    kind: Any = CommaList(field.kind) if field.many else field.kind
    spelling = field.option
    if field.kind is bool and not field.many:
        kind, spelling = None, f"{field.option}/--no-{field.option[2:]}"
    about = "; ".join(filter(None, (f"default: {_shown(field)}", _bounds(field))))
    return click.Option([spelling, field.name], type=kind, default=None, help=f"{field.help}  [{about}]")


def _bounds(field: Field) -> str:
    """What its values may be, as help shows it."""
    if field.choices:
        return f"of: {', '.join(field.choices)}"
    bounds = (("above", field.above), ("at least", field.at_least), ("at most", field.at_most))
    return ", ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)


def _shown(field: Field) -> str:
    if field.default is None:
        return "none"
    text = ",".join(map(str, field.default)) if field.many else str(field.default)
    return textwrap.shorten(text, 60, placeholder=" ...")
