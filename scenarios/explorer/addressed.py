"""What a window simulates, as an address, as a command and as a run folder."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from scenarios.workbench.errors import UsageError
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.params import Field, ScenarioParams, fields_of

__all__ = ["Addressed", "number"]


@dataclass(frozen=True, kw_only=True)
class Addressed:
    """Parameters of a scenario, and the seed of its run."""

    scenario: ClassVar[str]
    kind: ClassVar[type[ScenarioParams]]  # of its parameters
    engine: ClassVar[str]
    params: ScenarioParams
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed must be >= 0 and below 2**63, got {self.seed}; use for example 0")

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> Self:
        """Read an address; names that are not given keep their defaults.

        Raises
        ------
        UsageError
            For a name or a value that there is not; the message says which.
        """
        known = [*(one.name for one in cls._fields()), "seed"]
        for name in query:
            if name not in known:
                raise UsageError(
                    f"an address has the names {', '.join(sorted(known))}, got {name!r}; leave it out"
                )
        values = {one.name: _read(one, query[one.name]) for one in cls._fields() if one.name in query}
        return cls(params=cls.kind(**values), seed=_whole("seed", query.get("seed", "0")))

    def query(self) -> dict[str, str]:
        """What differs from the defaults, as `of_query` reads it; the seed always."""
        return {**{one.name: _written(value) for one, value in self._changed()}, "seed": str(self.seed)}

    def command(self) -> str:
        """The command that leaves a run folder with the same spikes."""
        words = ["fortyhertz", "run", self.scenario, "--seed", str(self.seed), "--engine", self.engine]
        for one, value in self._changed():
            words += [one.option] if value is True else [f"{one.option}={_written(value)}"]
        return shlex.join(words)

    def saved(self, runs: Path) -> str:
        """Leave the run folder that the command would; the same spikes are saved once. Says where."""
        content = json.dumps(asdict(self.params), sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:6]
        folder = runs / f"{self.scenario}-{self.seed}-{digest}"
        if folder.exists():
            return f"{folder} holds this run already"
        run_scenario(self.scenario, self.params, seed=self.seed, engine=self.engine, out=folder)
        return f"saved as {folder}"

    @classmethod
    def _fields(cls) -> tuple[Field, ...]:
        return fields_of(cls.kind)

    def _changed(self) -> list[tuple[Field, Any]]:
        """Fields that differ from their defaults, with their values."""
        values = [(one, getattr(self.params, one.name)) for one in self._fields()]
        return [(one, value) for one, value in values if value != one.default]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(map(repr, value)) if isinstance(value, tuple) else str(value)


def _read(one: Field, text: str) -> Any:
    if one.many:
        return tuple(number(one.name, part) for part in text.split(","))
    if one.kind is bool:
        if text not in ("0", "1"):
            raise UsageError(f"{one.name} must be 0 or 1, got {text!r}; use 1")
        return text == "1"
    if one.kind is int:
        return _whole(one.name, text)
    return text if one.kind is str else number(one.name, text)


def number(name: str, text: str) -> float:
    """Read a number of an address."""
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{name} must be a number, got {text!r}; use for example 1.0") from None


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name} must be a whole number, got {text!r}; use for example 1") from None
