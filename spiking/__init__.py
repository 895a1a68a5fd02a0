"""Everything that spikes: cells, circuits, engines and measures."""

from spiking import quiet  # isort: skip  # noqa: F401  imports brian2 before any other file does
from spiking.budget import Budget
from spiking.cells import CELLS, DiffusiveLIF, EscapeRate, RegularCell
from spiking.circuit import RowCircuit
from spiking.circuits.control import RateMatched, cut_loop, gamma_off
from spiking.circuits.gamma import GammaCircuit
from spiking.circuits.ping_attention import PingAttention
from spiking.circuits.two_pools import TwoPools
from spiking.circuits.whole_head import HeadParams, HeadSelection, VectorCircuit
from spiking.engines import ENGINES, Brian2, Cuda, Engine, EventDriven, Fused, engine_named
from spiking.engines.brian2 import codegen_target
from spiking.exchange import from_nir, lif_exact, to_nir
from spiking.export import get_data, to_neo
from spiking.networks import Network, simulate_circuit
from spiking.params import PARAMETER_SETS, GammaParams
from spiking.record import Recorded, Selection, SpikeRecord, Spikes
from spiking.refs import Ref
from spiking.streams import Streams
from spiking.wiring import Row, Wiring

__all__ = [
    "CELLS",
    "ENGINES",
    "PARAMETER_SETS",
    "Brian2",
    "Budget",
    "Cuda",
    "DiffusiveLIF",
    "Engine",
    "EscapeRate",
    "EventDriven",
    "Fused",
    "GammaCircuit",
    "GammaParams",
    "HeadParams",
    "HeadSelection",
    "Network",
    "PingAttention",
    "RateMatched",
    "Recorded",
    "Ref",
    "RegularCell",
    "Row",
    "RowCircuit",
    "Selection",
    "SpikeRecord",
    "Spikes",
    "Streams",
    "TwoPools",
    "VectorCircuit",
    "Wiring",
    "codegen_target",
    "cut_loop",
    "engine_named",
    "from_nir",
    "gamma_off",
    "get_data",
    "lif_exact",
    "simulate_circuit",
    "to_neo",
    "to_nir",
]
