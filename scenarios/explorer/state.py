"""What a window of the circuit room shows, as an address, as Python lines and as a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self
from urllib.parse import urlencode

from scenarios.explorer.addressed import Addressed, number
from scenarios.one_row import MATCH_ms, Params
from scenarios.workbench.errors import UsageError
from scenarios.workbench.params import ScenarioParams
from spiking import PARAMETER_SETS

__all__ = ["CAN_BE_IMPORTED", "Setting", "Setup"]

OTHER = "b."  # before the names of the second setting's values
CAN_BE_IMPORTED = (*PARAMETER_SETS, "spiking:TwoPools", "spiking:PingAttention")  # unasked, from an address


@dataclass(frozen=True, kw_only=True)
class Setting(Addressed):
    """One row that runs: parameters of the scenario `one-row`, and the seed."""

    scenario: ClassVar[str] = "one-row"
    kind: ClassVar[type[ScenarioParams]] = Params
    engine: ClassVar[str] = "fused"  # which need not compile when a time constant changes
    params: Params = field(default_factory=Params)

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
        first = {name: text for name, text in query.items() if not name.startswith(OTHER) and name != "speed"}
        second = {name[len(OTHER) :]: text for name, text in query.items() if name.startswith(OTHER)}
        speed = number("speed", query.get("speed", "0.2"))
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
