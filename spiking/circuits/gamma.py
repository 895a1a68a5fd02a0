"""The gamma circuit: E populations, one per key, race each other; a shared I pool ends every round.

One attention row is n_keys populations of E cells and one pool of I cells (pyramidal-interneuron
network gamma, PING; Whittington, Traub, Kopell, Ermentrout and Buhl 2000). Each cycle the E cells
race, the I pool fires after about a dozen E spikes and stops them all, and the race starts again when
inhibition has decayed. The share of spikes per key is the row's attention.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import brian2 as b2
import numpy as np

from spiking.calibration import effective_gain
from spiking.cells import CELLS
from spiking.checks import shown
from spiking.circuit import RowCircuit
from spiking.params import GammaParams
from spiking.wiring import Row, Wiring

__all__ = ["GammaCircuit", "gamma_row"]

# Equal weights all to all inside a row: every I cell sees the same sum over E spikes and every E cell
# the same sum over I spikes. So each sum is kept once per row and linked into the cells.
ROW_EQUATIONS = """
    dexc/dt = (exc_in - exc) / tau_rise : 1
    dexc_in/dt = -exc_in / tau_ampa : 1
    dinh/dt = -inh / tau_gaba : 1
"""
INH_EQUATIONS = """
    dv/dt = (w_ei * exc - v) / tau_i : 1 (unless refractory)
    exc : 1 (linked)
    v_th : 1 (constant)
"""
# Each E cell keeps a copy of its row's inhibition, fetched at the start of a step: the fetch is a gather,
# and only a loop without one has its exponential turned into SIMD by the compiler.
ROW_INPUT = """
    inh : 1
    inh_row : 1 (linked)
"""
FETCH = "inh = inh_row"


def gamma_row(params: GammaParams, n_keys: int, score: str = "u : 1 (constant)") -> dict[str, b2.BrianObject]:
    """Make the objects of one row by name: exc, inh, row, exc_to_row, inh_to_row.

    `score` declares the input `u` of the E cells, which a larger circuit may link to what changes in time.
    """
    cell, delay = params.cell, params.grid_delay_ms * b2.ms
    clock = b2.Clock(params.dt_ms * b2.ms, name="circuit_clock")
    row = b2.NeuronGroup(1, ROW_EQUATIONS, method="exact", clock=clock, name="row")
    exc = b2.NeuronGroup(
        n_keys * params.n_cells,
        cell.equations + ROW_INPUT + score,
        threshold=cell.threshold,
        reset=cell.reset,
        method=cell.method,
        clock=clock,
        name="exc",
    )
    exc.inh_row = b2.linked_var(row, "inh")
    exc.run_regularly(FETCH, when="start", name="exc_fetch")
    inh = b2.NeuronGroup(
        params.n_inh,
        INH_EQUATIONS,
        threshold="v > v_th",
        reset="v = 0",
        refractory=params.refractory_ms * b2.ms,
        method="exact",
        clock=clock,
        name="inh",
    )
    inh.exc = b2.linked_var(row, "exc")
    spread = np.linspace(-1, 1, params.n_inh) if params.n_inh > 1 else np.zeros(1)
    inh.v_th = 1 + params.inh_spread * spread
    exc_to_row = b2.Synapses(exc, row, on_pre="exc_in_post += 1", delay=delay, clock=clock, name="exc_to_row")
    inh_to_row = b2.Synapses(inh, row, on_pre="inh_post += w_ie", delay=delay, clock=clock, name="inh_to_row")
    for synapses in (exc_to_row, inh_to_row):
        synapses.connect()
    return {"exc": exc, "inh": inh, "row": row, "exc_to_row": exc_to_row, "inh_to_row": inh_to_row}


@dataclass(frozen=True)
class GammaCircuit(RowCircuit):
    """Synchrony-based attention: scores in, spike shares out.

    Examples
    --------
    >>> import numpy as np
    >>> from spiking import GammaCircuit, GammaParams
    >>> circuit = GammaCircuit(GammaParams(n_cells=40, temperature=1.0))
    >>> scores = np.array([[1.0, 0.0, -1.0]])
    >>> selection = circuit.attend(scores, duration_ms=500, rng=np.random.default_rng(0))
    >>> selection.weights.shape
    (1, 3)
    """

    params: GammaParams = field(default_factory=GammaParams)

    def __post_init__(self) -> None:
        """Look at the spikes of cells that are not ours; `GammaParams` has checked all else."""
        if not isinstance(self.params, GammaParams):
            raise TypeError(
                f"GammaCircuit.params must be GammaParams, got {shown(self.params)}; use GammaParams()."
            )
        if type(self.params.cell) not in CELLS.values():
            self.check()

    @property
    def temperature(self) -> float:  # type: ignore[override]
        return self.params.temperature

    @property
    def gain(self) -> float:  # type: ignore[override]
        return effective_gain(self.params)

    def varied(self, **changes: Any) -> GammaCircuit:
        """The same circuit with other parameters."""
        return replace(self, params=replace(self.params, **changes))

    def template_key(self) -> object:
        """Temperature, gain and feedforward inhibition scale scores and are read by no equation."""
        return self._template_key

    @cached_property
    def _template_key(self) -> object:
        return type(self), replace(self.params, temperature=1.0, gain=1.0, feedforward="none")

    def build(self, row: Row) -> Wiring:
        """Make one row; constant input adds itself to the linear membrane.

        Cells that begin with the score in their membrane, as escape-rate cells do, need not settle: their first
        spike is already a sample of the softmax.
        """
        params = self.params
        start = {f"exc.{name}": expression for name, expression in params.cell.start.items()}
        return Wiring(
            list(gamma_row(params, row.n_keys).values()),
            scores="exc.u",
            counts="exc",
            field="row.exc",
            namespace=params.namespace(),
            start={**start, "inh.v": "0.5 * rand()"},
            settle_ms=params.settle_ms,
        )

    def relative_to(self) -> tuple[float, str]:
        """With the feedforward inhibition of the parameters."""
        params = self.params
        return effective_gain(params) / params.temperature, params.feedforward
