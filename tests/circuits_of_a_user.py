"""Circuits outside the package, as `gamma_circuit` names them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from spiking import GammaCircuit, GammaParams, Selection

BRIEF = GammaCircuit(GammaParams.brief())
NUMBER = 3


def slow_circuit() -> GammaCircuit:
    return GammaCircuit()


def needs_an_argument(temperature: float) -> GammaCircuit:
    return GammaCircuit(GammaParams(temperature=temperature))


def makes_no_circuit() -> int:
    return NUMBER


@dataclass(frozen=True)
class Own:
    """One field of its own, and the temperature where the contract has it."""

    temperature: float = 1.0
    n_cells: int = 40

    @property
    def params(self) -> Own:
        return self

    def attend(self, scores: Any, **options: Any) -> Selection:
        return BRIEF.attend(scores, **options)


class Varying:
    """Its parameters vary by a method, as those of the contract."""

    def __init__(self, params: GammaParams = BRIEF.params) -> None:
        self.params = params
        self.temperature = params.temperature

    def varied(self, **changes: Any) -> Varying:
        return Varying(replace(self.params, **changes))

    def attend(self, scores: Any, **options: Any) -> Selection:
        return GammaCircuit(self.params).attend(scores, **options)


class Fixed:
    """Nothing about it can be varied."""

    params = GammaParams.brief()
    temperature = 1.0

    def attend(self, scores: Any, **options: Any) -> Selection:
        return BRIEF.attend(scores, **options)
