"""Everything that spikes: cells, circuits, simulation, readout and rhythm."""

from spiking import quiet  # isort: skip  # noqa: F401  imports brian2 before any other file does
from spiking.cells import CELLS, DiffusiveLIF, EscapeRate
from spiking.circuits.control import RateMatched, cut_loop, gamma_off
from spiking.circuits.gamma import ENGINES, GammaCircuit
from spiking.circuits.whole_head import HeadParams, HeadSelection, VectorCircuit
from spiking.engines.brian2 import codegen_target
from spiking.export import to_neo
from spiking.params import PARAMETER_SETS, GammaParams
from spiking.record import Selection, SpikeRecord

__all__ = [
    "CELLS",
    "ENGINES",
    "PARAMETER_SETS",
    "DiffusiveLIF",
    "EscapeRate",
    "GammaCircuit",
    "GammaParams",
    "HeadParams",
    "HeadSelection",
    "RateMatched",
    "Selection",
    "SpikeRecord",
    "VectorCircuit",
    "codegen_target",
    "cut_loop",
    "gamma_off",
    "to_neo",
]
