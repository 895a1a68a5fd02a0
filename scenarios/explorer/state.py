"""What a window of the circuit room shows, as an address, as Python lines and as a command."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from scenarios.one_row import MATCH_ms, Params
from scenarios.workbench.errors import UsageError
from scenarios.workbench.params import Field, fields_of
from spiking import PARAMETER_SETS

__all__ = ["CAN_BE_IMPORTED", "SCENARIO", "Setting", "Setup"]

SCENARIO = "one-row"
ENGINE = "fused"  # the one that need not compile when a time constant changes
OTHER = "b."  # before the names of the second setting's values
CAN_BE_IMPORTED = (*PARAMETER_SETS, "spiking:TwoPools", "spiking:PingAttention")  # unasked, from an address


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One row that runs: parameters of the scenario `one-row`, and the seed."""

    params: Params = field(default_factory=Params)
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed must be >= 0 and below 2**63, got {self.seed}; use for example 0")

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> Self:
        """Read an address; names that are not given keep their defaults."""
        values = {one.name: _read(one, query[one.name]) for one in fields_of(Params) if one.name in query}
        return cls(params=Params(**values), seed=_whole("seed", query.get("seed", "0")))

    def query(self) -> dict[str, str]:
        """What differs from the defaults, as `of_query` reads it; the seed always."""
        values = {one.name: getattr(self.params, one.name) for one in fields_of(Params)}
        changed = {one.name: values[one.name] for one in fields_of(Params) if values[one.name] != one.default}
        return {**{name: _written(value) for name, value in changed.items()}, "seed": str(self.seed)}

    def command(self) -> str:
        """The command that leaves a run folder with the same spikes."""
        words = ["fortyhertz", "run", SCENARIO, "--seed", str(self.seed), "--engine", ENGINE]
        for one in fields_of(Params):
            value = getattr(self.params, one.name)
            if value != one.default:
                words += [one.option] if value is True else [f"{one.option}={_written(value)}"]
        return shlex.join(words)

    def python(self) -> str:
        """Lines that simulate the same spikes."""
        params = self.params
        loop, more = _circuit(params), ["import numpy as np", "", "import fortyhertz as fh"]
        if params.circuit not in PARAMETER_SETS:
            more.append("from bridge.heads.named import circuit_named")
        lines = [
            *more,
            "",
            f"rng = np.random.default_rng({self.seed})",
            f"scores = np.array([{list(params.scores)}])",
            f"circuit = {loop}",
        ]
        if params.gamma_off:
            lines.append(
                f"circuit = fh.gamma_off(circuit, scores, duration_ms={MATCH_ms}, rng=rng.spawn(1)[0],"
                " engine=fh.Fused()).circuit"
            )
        lines += [
            f'selection = circuit.attend(scores, duration_ms={params.duration_ms}, rng=rng, record="all",'
            " engine=fh.Fused())",
            "print(selection.counts, selection.weights, selection.f_gamma_Hz)",
        ]
        return "\n".join(lines)

    def folder_name(self) -> str:
        """A name that is the same for the same spikes."""
        content = json.dumps(asdict(self.params), sort_keys=True)
        return f"{SCENARIO}-{self.seed}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A window: one setting, or two side by side, and how fast they are shown."""

    a: Setting = field(default_factory=Setting)
    b: Setting | None = None
    speed: float = 0.2  # simulated over real time

    def __post_init__(self) -> None:
        if not 0.01 <= self.speed <= 1:
            raise UsageError(f"speed must lie within 0.01 and 1, got {self.speed:g}; use for example 0.2")

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> Self:
        """Read an address.

        Raises
        ------
        UsageError
            For a name or a value that no setting has; the message says which.
        """
        known = {one.name for one in fields_of(Params)} | {"seed"}
        first = {name: text for name, text in query.items() if not name.startswith(OTHER) and name != "speed"}
        second = {name[len(OTHER) :]: text for name, text in query.items() if name.startswith(OTHER)}
        unknown = [name for name in (*first, *second) if name not in known]
        if unknown:
            raise UsageError(
                f"an address has the names {', '.join(sorted(known))}, got {unknown[0]!r}; leave it out"
            )
        speed = _number("speed", query.get("speed", "0.2"))
        other = Setting.of_query(second) if second else None
        return cls(a=Setting.of_query(first), b=other, speed=speed)

    def search(self) -> str:
        """The part of the address after the question mark, with it."""
        query = self.a.query()
        if self.b is not None:
            query |= {OTHER + name: text for name, text in self.b.query().items()}
        if self.speed != Setup.speed:
            query["speed"] = f"{self.speed:g}"
        return "?" + urlencode(query, safe=",:.-")

    def imported(self) -> list[str]:
        """Circuits that the window would import from a user's modules."""
        names = [setting.params.circuit for setting in (self.a, self.b) if setting is not None]
        return [name for name in names if name not in CAN_BE_IMPORTED]


def _circuit(params: Params) -> str:
    changes = {"temperature": params.temperature, **params.changes}
    if params.circuit in PARAMETER_SETS:
        if params.n_cells is not None:
            changes = {"n_cells": params.n_cells, **changes}
        made = f'fh.GammaCircuit(fh.PARAMETER_SETS["{params.circuit}"])'
    else:
        del changes["temperature"]
        made = (
            f'circuit_named("{params.circuit}", temperature={params.temperature}, n_cells={params.n_cells})'
        )
    if not changes:
        return made
    return f"{made}.varied({', '.join(f'{name}={value}' for name, value in changes.items())})"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(map(repr, value)) if isinstance(value, tuple) else str(value)


def _read(one: Field, text: str) -> Any:
    if one.many:
        return tuple(_number(one.name, part) for part in text.split(","))
    if one.kind is bool:
        if text not in ("0", "1"):
            raise UsageError(f"{one.name} must be 0 or 1, got {text!r}; use 1")
        return text == "1"
    if one.kind is int:
        return _whole(one.name, text)
    return text if one.kind is str else _number(one.name, text)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{name} must be a number, got {text!r}; use for example 1.0") from None


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name} must be a whole number, got {text!r}; use for example 1") from None
