"""Everything that spikes: cells, circuits, simulation, readout and rhythm."""

import logging

from spiking.cells import CELLS, DiffusiveLIF, EscapeRate
from spiking.control import RateMatched, cut_loop, gamma_off
from spiking.export import to_neo
from spiking.gamma import ENGINES, GammaCircuit
from spiking.head import HeadParams, HeadSelection, VectorCircuit
from spiking.params import PARAMETER_SETS, GammaParams
from spiking.record import Selection, SpikeRecord
from spiking.simulate import codegen_target

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

logging.captureWarnings(False)  # importing brian2 sends every warning of the process to its own log
