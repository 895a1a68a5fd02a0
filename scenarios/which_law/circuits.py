"""The circuits of which-law: one loop, different cells, noise, inhibition and delays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spiking import DiffusiveLIF, EscapeRate, GammaCircuit, GammaParams, RowCircuit
from spiking.cells import CellModel
from spiking.cells.hazards import PowerEscape, SigmoidEscape
from spiking.cells.noisy import AdEx, SynapticLIF
from spiking.cells.variant import CellVariant
from spiking.circuits.common_noise import CommonNoise
from spiking.circuits.ping_attention import PingAttention

__all__ = ["CIRCUITS", "Kind", "with_gain", "without_loop"]

ADAPTED_ms = 400.0  # until the adaptation of AdEx cells is steady
EQUAL_at = 7.0  # scores above rest: LIF cells wait about there for the end of inhibition


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One circuit, at gain 1."""

    label: str
    circuit: RowCircuit
    exponential: bool = False  # whether the cell's rate is exponential in its voltage
    drive: float = 0.0  # that shunting inhibition divides together with the scores; 0: it is subtracted

    @property
    def changed(self) -> bool:
        """Whether it is a cell that another circuit has as it is."""
        return self.label.count(",") > 1


def _gamma(cell: CellModel, **changes: Any) -> GammaCircuit:
    return GammaCircuit(GammaParams(cell=cell, gain=1.0, **changes))


def _changed(cell: CellModel, **changes: Any) -> GammaCircuit:
    return _gamma(CellVariant(cell=cell, **changes))


CIRCUITS: Mapping[str, Kind] = {
    "exponential": Kind(label="escape, exponential", circuit=_gamma(EscapeRate()), exponential=True),
    "regular": Kind(
        label="regular, exponential",
        circuit=GammaCircuit(GammaParams.regular(dt_ms=0.1)),
        exponential=True,
    ),
    "exponential-unequal": Kind(
        label="escape, exponential, unequal 20 %",
        circuit=_changed(EscapeRate(), unequal=0.2),
        exponential=True,
    ),
    "exponential-common": Kind(
        label="escape, exponential, common noise",
        circuit=CommonNoise(GammaParams(gain=1.0)),
        exponential=True,
    ),
    "exponential-shunting": Kind(
        label="escape, exponential, shunting",
        circuit=_changed(EscapeRate(), shunt_at=EQUAL_at),
        exponential=True,
        drive=EscapeRate().drive,
    ),
    "exponential-delay": Kind(
        label="escape, exponential, delay 4 ms", circuit=_gamma(EscapeRate(), delay_ms=4.0), exponential=True
    ),
    "sigmoid": Kind(label="escape, sigmoid", circuit=_gamma(SigmoidEscape())),
    "power": Kind(label="escape, third power", circuit=_gamma(PowerEscape())),
    "lif": Kind(label="LIF, membrane noise", circuit=_gamma(DiffusiveLIF())),
    "lif-synaptic": Kind(label="LIF, synaptic noise", circuit=_gamma(SynapticLIF())),
    "lif-unequal-10": Kind(
        label="LIF, membrane noise, unequal 10 %", circuit=_changed(DiffusiveLIF(), unequal=0.1)
    ),
    "lif-unequal-20": Kind(
        label="LIF, membrane noise, unequal 20 %", circuit=_changed(DiffusiveLIF(), unequal=0.2)
    ),
    "lif-common": Kind(
        label="LIF, membrane noise, common noise",
        circuit=CommonNoise(GammaParams(cell=DiffusiveLIF(), gain=1.0)),
    ),
    "lif-shunting": Kind(
        label="LIF, membrane noise, shunting",
        circuit=_changed(DiffusiveLIF(), shunt_at=EQUAL_at),
        drive=DiffusiveLIF().drive,
    ),
    "lif-delay-2": Kind(
        label="LIF, membrane noise, delay 2 ms", circuit=_gamma(DiffusiveLIF(), delay_ms=2.0)
    ),
    "lif-delay-4": Kind(
        label="LIF, membrane noise, delay 4 ms", circuit=_gamma(DiffusiveLIF(), delay_ms=4.0)
    ),
    "adex": Kind(label="AdEx, membrane noise", circuit=_gamma(AdEx(), settle_ms=ADAPTED_ms)),
    "adex-synaptic": Kind(
        label="AdEx, synaptic noise", circuit=_gamma(AdEx(noise="synaptic"), settle_ms=ADAPTED_ms)
    ),
    "traub-miles": Kind(label="Traub-Miles, synaptic noise", circuit=PingAttention(gain=1.0)),
}


def with_gain(circuit: RowCircuit, gain: float) -> RowCircuit:
    """The same circuit with its scores scaled."""
    return circuit.varied(gain=gain)


def without_loop(circuit: RowCircuit) -> RowCircuit:
    """The same cells with E to I cut: the I cells are silent."""
    return circuit.varied(**{"w_ei" if isinstance(circuit, GammaCircuit) else "g_ei_mS_cm2": 0.0})
