"""Circuits outside the package, as `gamma_circuit` names them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import brian2 as b2

from spiking import GammaCircuit, GammaParams, Row, RowCircuit, Selection, Wiring

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


@dataclass(frozen=True, kw_only=True)
class OneInhibitor(RowCircuit):
    """Winner-take-all with one inhibitory cell, by the contract."""

    n_cells: int = 10
    temperature: float = 1.0

    def build(self, row: Row) -> Wiring:
        dt = 0.1 * b2.ms
        exc = b2.NeuronGroup(
            row.n_keys * self.n_cells,
            """dv/dt = (12 + u - g - v) / (10*ms) : 1
               dg/dt = -g / (8*ms) : 1
               dh/dt = exp(v - 10) / ms : 1
               q : 1
               u : 1 (constant)""",
            threshold="h > q",
            reset="v -= 1; h = 0; q = -log(rand())",
            method="euler",
            dt=dt,
            name="exc",
        )
        inh = b2.NeuronGroup(
            *(1, "dv/dt = -v / (2*ms) : 1"),
            threshold="v > 5",
            reset="v = 0",
            method="exact",
            dt=dt,
            name="inh",
        )
        to_inh = b2.Synapses(exc, inh, on_pre="v_post += 1", delay=b2.ms, dt=dt, name="to_inh")
        to_exc = b2.Synapses(inh, exc, on_pre="g_post += 10", delay=b2.ms, dt=dt, name="to_exc")
        for each in (to_inh, to_exc):
            each.connect()
        start = {"exc.v": "5 * rand()", "exc.q": "-log(rand())"}
        return Wiring([exc, inh, to_inh, to_exc], scores="exc.u", counts="exc", start=start)


class Fixed:
    """Nothing about it can be varied."""

    params = GammaParams.brief()
    temperature = 1.0

    def attend(self, scores: Any, **options: Any) -> Selection:
        return BRIEF.attend(scores, **options)
