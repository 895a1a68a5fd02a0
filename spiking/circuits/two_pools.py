"""Winner-take-all with two inhibitory pools: fast perisomatic and slow dendritic inhibition.

Basket cells end each round of the race at the soma, within a gamma cycle; dendrite-targeting (Martinotti) cells
answer the same E spikes with inhibition that outlasts several cycles and so holds the mean rate (Tremblay, Lee and
Rudy 2016, Neuron 91:260). E cells are those of the gamma circuit.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
from brian2 import ms

from spiking.cells import CellModel, EscapeRate
from spiking.checks import positive_int, positive_within, within
from spiking.circuit import RowCircuit
from spiking.params import MOST_CELLS, check_cell
from spiking.wiring import Row, Wiring

__all__ = ["TwoPools"]

SUMS = """
    dexc/dt = -exc / (2*ms) : 1
    dfast/dt = -fast / tau_fast : 1
    dslow/dt = -slow / tau_slow : 1
"""
POOL = """
    dv/dt = (w * exc - v) / tau : 1 (unless refractory)
    exc : 1 (linked)
    tau : second (constant)
    w : 1 (constant)
    v_th : 1 (constant)
"""


@dataclass(frozen=True, kw_only=True)
class TwoPools(RowCircuit):
    """One row: `n_cells` E cells per key, ten basket and ten Martinotti cells for all keys."""

    n_cells: int = 20
    temperature: float = 1.0
    gain: float = 1.039  # bridge.calibrate(TwoPools(gain=1.0), rng=np.random.default_rng(40)): +- .003
    cell: CellModel = EscapeRate(drive=14.5)  # noqa: RUF009 - frozen; measured: 37 Hz, 12 E spikes a cycle
    tau_fast_ms: float = 8.0  # GABA_A at the soma
    tau_slow_ms: float = 40.0  # slow GABA_A on dendrites
    fast: float = 10.0  # fall in E input, in scores, when every basket cell fires once
    slow: float = 1.0  # the same for Martinotti cells
    n_inh: int = 10  # of each pool

    def __post_init__(self) -> None:
        for name in ("n_cells", "n_inh"):
            positive_int("TwoPools", name, getattr(self, name), MOST_CELLS)
            object.__setattr__(self, name, int(getattr(self, name)))
        for name in ("tau_fast_ms", "tau_slow_ms"):
            positive_within("TwoPools", name, getattr(self, name), 1e-3, 1e5)
        for name in ("fast", "slow"):
            within("TwoPools", name, getattr(self, name), 0.0, 1e3)
        check_cell("TwoPools", self.cell, 0.1)
        super().__post_init__()

    def build(self, row: Row) -> Wiring:
        """Make one row."""
        cell, clock = self.cell, b2.Clock(0.1 * ms, name="two_pools_clock")
        sums = b2.NeuronGroup(1, SUMS, method="exact", clock=clock, name="sums")
        exc = b2.NeuronGroup(
            row.n_keys * self.n_cells,
            cell.equations + "inh : 1\nfast : 1 (linked)\nslow : 1 (linked)\nu : 1 (constant)",
            threshold=cell.threshold,
            reset=cell.reset,
            method=cell.method,
            clock=clock,
            name="exc",
        )
        exc.fast, exc.slow = b2.linked_var(sums, "fast"), b2.linked_var(sums, "slow")
        exc.run_regularly("inh = fast + slow", when="start", name="exc_inhibition")
        basket, martinotti = (
            b2.NeuronGroup(
                self.n_inh,
                POOL,
                threshold="v > v_th",
                reset="v = 0",
                refractory=3 * ms,
                method="exact",
                clock=clock,
                name=name,
            )
            for name in ("basket", "martinotti")
        )
        joined = [
            b2.Synapses(source, sums, on_pre=add, delay=0.9 * ms, clock=clock, name=f"{source.name}_to_sums")
            for source, add in (
                (exc, "exc_post += 1"),
                (basket, "fast_post += fast_each"),
                (martinotti, "slow_post += slow_each"),
            )
        ]
        for synapses in joined:
            synapses.connect()
        for pool, tau, w in ((basket, 2 * ms, 2.0), (martinotti, 10 * ms, 1.0)):
            pool.exc = b2.linked_var(sums, "exc")
            pool.tau, pool.w, pool.v_th = tau, w, "0.7 + 0.6 * i / (N - 1)" if self.n_inh > 1 else 1.0
        return Wiring(
            [sums, exc, basket, martinotti, *joined],
            scores="exc.u",
            counts="exc",
            field="sums.exc",
            namespace={
                **cell.namespace(),
                "tau_fast": self.tau_fast_ms * ms,
                "tau_slow": self.tau_slow_ms * ms,
                "fast_each": self.fast / self.n_inh,
                "slow_each": self.slow / self.n_inh,
            },
            start={f"exc.{name}": value for name, value in cell.start.items()},
            settle_ms=200.0,
        )
