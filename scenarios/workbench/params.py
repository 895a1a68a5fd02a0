"""A scenario's parameters: a frozen dataclass whose fields carry help and bounds, checked when it is made."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any, TypeVar

from pragmatic.checks import shown
from scenarios.workbench.errors import UsageError, check_known

__all__ = ["Field", "ScenarioParams", "fields_of", "param"]

T = TypeVar("T")


def param(
    default: T,
    help: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    choices: tuple[str, ...] = (),
) -> T:
    """A field of a `ScenarioParams`: its default, a line of help, and the bounds of each of its values.

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Params(ScenarioParams):
    ...     temperature: float = param(1.0, "softmax temperature wanted", above=0)
    """
    bounds = {"above": above, "at_least": at_least, "at_most": at_most, "choices": choices}
    return dataclasses.field(default=default, metadata={"help": help, **bounds})


@dataclass(frozen=True, kw_only=True)
class ScenarioParams:
    """Base of every scenario's `Params`: checks each field's type and bounds.

    A subclass with a rule across fields extends `__post_init__` and calls this one first.

    Raises
    ------
    TypeError
        If a field has the wrong type.
    UsageError
        If a value is not finite, out of bounds, not among the choices, or empty.
    """

    def __post_init__(self) -> None:
        for field in fields_of(type(self)):
            field.check(getattr(self, field.name))

    def check_ordered(self, *names: str, falling: bool = False) -> None:
        """Raise UsageError unless the values of each of these fields rise, or fall, without repeats."""
        for name in names:
            given = getattr(self, name)
            wanted = tuple(sorted(set(given), reverse=falling))
            if given != wanted:
                got, use = (",".join(map(str, values)) for values in (given, wanted))
                raise UsageError(f"{name} must be ordered without repeats, got {got}; use {use}")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One parameter, as the command line and the report see it."""

    name: str
    kind: type  # int, float, str or bool: of the value, or of each element if `many`
    many: bool  # a tuple of values
    optional: bool  # None means: not given
    default: Any
    help: str
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """Its spelling on the command line: ``--tau-gaba-ms``."""
        return "--" + self.name.replace("_", "-").lower()

    def check(self, value: Any) -> None:
        """Raise TypeError or UsageError unless the value may stand in this field."""
        if value is None and self.optional:
            return
        if not self.many:
            return self._check_one(value)
        if not isinstance(value, tuple):
            raise TypeError(
                f"{self.name} must be a tuple, got {shown(value)}; use for example {self.default!r}"
            )
        if not value:
            raise UsageError(f"{self.name} must not be empty; use for example {self.default!r}")
        for element in value:
            self._check_one(element)

    def _check_one(self, value: Any) -> None:
        if not _is_kind(value, self.kind):
            self._refuse(f"be {_KIND_NAMES[self.kind]}", value, TypeError)
        if self.kind is str:
            return self._check_text(value)
        if not _is_finite(value):
            self._refuse("be finite", value)
        if self.above is not None and not value > self.above:
            self._refuse(f"be > {self.above:g}", value)
        if self.at_least is not None and not value >= self.at_least:
            self._refuse(f"be >= {self.at_least:g}", value)
        if self.at_most is not None and not value <= self.at_most:
            self._refuse(f"be <= {self.at_most:g}", value)

    def _check_text(self, value: str) -> None:
        if self.choices:
            check_known(self.name, value, self.choices)
        if not value.strip():
            raise UsageError(
                f"{self.name} must not be empty, got {value!r}; give at least one visible character"
            )

    def _refuse(self, rule: str, value: Any, error: type[Exception] = UsageError) -> typing.NoReturn:
        remedy = (
            "leave it out"
            if self.default in (None, dataclasses.MISSING)
            else f"use for example {self.default!r}"
        )
        raise error(f"{self.name} must {rule}, got {shown(value)}; {remedy}")


_KIND_NAMES = {int: "an integer", float: "a number", str: "text", bool: "True or False"}


def _is_finite(value: Real) -> bool:
    """Whether NumPy and C can hold it."""
    if isinstance(value, Integral):
        return abs(int(value)) < 2**63
    return math.isfinite(value)


def _is_kind(value: Any, kind: type) -> bool:
    if kind in (str, bool):
        return isinstance(value, kind)
    return isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)


def fields_of(cls: type) -> tuple[Field, ...]:
    """The parameters of a `Params` dataclass, in the order written.

    Raises
    ------
    TypeError
        If a field is not annotated as int, float, str, bool, a tuple ``tuple[int, ...]`` of these, or one of
        these ``| None``; or was not made with `param`.
    """
    return _fields_of(cls)


@cache
def _fields_of(cls: Any) -> tuple[Field, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(_field(field, hints[field.name]) for field in dataclasses.fields(cls))


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    optional = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
    if optional:
        hint = next(arm for arm in typing.get_args(hint) if arm is not type(None))
    many = typing.get_origin(hint) is tuple
    kind = typing.get_args(hint)[0] if many else hint
    if kind not in _KIND_NAMES:
        raise TypeError(
            f"{field.name} must be int, float, str, bool, or a tuple or None of these, got {hint!r}"
        )
    if not str(field.metadata.get("help", "")).strip():
        raise TypeError(
            f"{field.name} must be made with param() and a line of help, got none; "
            f'write for example {field.name}: {kind.__name__} = param({kind(1)!r}, "what it is")'
        )
    return Field(
        name=field.name, kind=kind, many=many, optional=optional, default=field.default, **field.metadata
    )
