"""The bill of a run: what was counted, part by part, and what it would cost under a named table of prices.

    energy = sum over kinds of operations: count x price

Counts are of the run; prices are of published hardware, at best right to a factor of a few, and each table
says what it leaves out. A spiking network can lose: where cells are stepped each costs an exponential at every
step, and neuromorphic hardware pays for every update of every cell, spike or no spike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from bridge.bill.counts import Counts
from bridge.bill.usage import Usage
from pragmatic.score_maps import NameTable
from spiking.checks import check_kind, known

__all__ = ["IMPLEMENTATIONS", "PARTS", "TABLES", "Bill", "Energy", "EnergyTable", "Usage"]

IMPLEMENTATIONS = ("simulated", "events")

PARTS = (
    *("embeddings", "projections", "scores", "score map", "simulation", "read-out"),
    *("mlp", "norms", "other", "outside", "backward"),
)


@dataclass(frozen=True, kw_only=True)
class EnergyTable:
    """Prices of operations, in picojoules; a kind without a price is reported as unpriced, never as free."""

    name: str
    title: str
    source: str
    assumptions: str
    prices_pJ: Mapping[str, float]  # field of Counts -> price of one
    implementation: str = "simulated"  # which of the two machines the table is about


@dataclass(frozen=True, kw_only=True)
class Energy:
    """A bill under one table."""

    table: str
    implementation: str
    parts_J: Mapping[str, float]
    unpriced: Mapping[str, int]  # kinds that were counted and have no price here

    @property
    def total_J(self) -> float:
        """Sum over the parts; what is in `unpriced` comes on top."""
        return sum(self.parts_J.values())


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What a run cost, by part of the model, for both machines that could have done it.

    `simulated`: a digital machine that computes what the engine here computed, opened up into operations.
    `events`: the cells are hardware; what counts is synaptic operations and updates of cells, and a spiking
    head's values are read out by adding a vector for each E spike. What is not spiking is the same in both, and
    so are they where no head spikes.
    """

    simulated: Mapping[str, Counts]  # part -> operations
    events: Mapping[str, Counts]
    usage: Usage = field(default_factory=Usage)  # what the spiking heads did
    uncounted: Mapping[str, int] = field(default_factory=dict)  # in neither: what -> how many numbers or rows

    def parts(self, implementation: str = "simulated") -> Mapping[str, Counts]:
        """Operations by part, in the order of `PARTS`.

        Raises
        ------
        ValueError
            For an unknown implementation.
        """
        known("implementation", implementation, IMPLEMENTATIONS)
        counted = self.simulated if implementation == "simulated" else self.events
        return {part: counted[part] for part in PARTS if part in counted}

    def total(self, implementation: str = "simulated") -> Counts:
        """Operations of all parts."""
        return sum(self.parts(implementation).values(), start=Counts())

    def joules(self, table: str | EnergyTable, *, implementation: str | None = None) -> Energy:
        """Price the counts.

        Parameters
        ----------
        table : str or EnergyTable
            A name from `TABLES`, or a table of your own.
        implementation : {"simulated", "events"}, optional
            The table's own unless given. A digital table with "events" is what much of the literature on
            spiking networks quotes, with the updates of the cells left out: they show up as unpriced.

        Raises
        ------
        ValueError
            For an unknown table or implementation.
        """
        prices = TABLES[table] if isinstance(table, str) else table
        check_kind("table", prices, EnergyTable, "use one of the names in TABLES")
        implementation = implementation or prices.implementation
        parts = {part: asdict(done) for part, done in self.parts(implementation).items()}
        total = asdict(self.total(implementation))
        return Energy(
            table=prices.name,
            implementation=implementation,
            parts_J={
                part: 1e-12 * sum(prices.prices_pJ.get(kind, 0.0) * n for kind, n in done.items())
                for part, done in parts.items()
            },
            unpriced={kind: n for kind, n in total.items() if n and kind not in prices.prices_pJ},
        )


_HOROWITZ = (
    "Horowitz (2014), Computing's energy problem (and what we can do about it), ISSCC: 10-14, 45 nm, 0.9 V"
)
_DAVIES = "Davies et al. (2018), Loihi, IEEE Micro 38(1): 82-99, table 2, 14 nm, 0.75 V, before silicon"

_FP32_pJ = {
    "macs": 3.7 + 0.9,
    "multiplies": 3.7,
    "acs": 0.9,
    "synops": 0.9,
    "exponentials": 8 * 4.6 + 3 * 0.9,
}
_INT8_pJ = {"macs": 0.2 + 0.03, "multiplies": 0.2, "acs": 0.03, "synops": 0.03}
_LOIHI_pJ = {"synops": 23.6, "neuron_updates": 81.0}

_EXPONENTIAL = (
    "An exponential, and what costs like one, is the polynomial in spiking/engines/fused/exp.py: 8 multiply-"
    "accumulates and 3 additions, an assumption for softmax and GELU."
)
_LOIHI = (
    "Scores and everything that does not spike run on a digital host at 45 nm. A synaptic operation is the "
    "smallest price given; every update is of an active cell (an inactive one costs 52 pJ, 36 % less), at the "
    "time step of the simulation, its exponential included. Traffic between cores and host is left out."
)

TABLES: NameTable[EnergyTable] = NameTable(
    "energy table",
    {
        table.name: table
        for table in (
            EnergyTable(
                name="fp32_45nm",
                title="FP32 arithmetic, 45 nm",
                source=_HOROWITZ,
                assumptions=f"{_EXPONENTIAL} Arithmetic alone, no memory.",
                prices_pJ=_FP32_pJ,
            ),
            EnergyTable(
                name="int8_45nm",
                title="INT8 arithmetic, 45 nm",
                source=_HOROWITZ,
                assumptions=(
                    "As if 8 bits were enough for all numbers, membranes too. No exponential has a price in "
                    "8 bits. Arithmetic alone, no memory."
                ),
                prices_pJ=_INT8_pJ,
            ),
            EnergyTable(
                name="fp32_45nm_memory",
                title="FP32 with memory, 45 nm",
                source=f"{_HOROWITZ}: 640 pJ per 32 bits of DRAM, 5 pJ per 32 bits of an 8 kB cache",
                assumptions=(
                    f"{_EXPONENTIAL} Every operand and result of an operation crosses DRAM once, as without "
                    "reuse between operations; the state of a row's cells stays in a first-level cache."
                ),
                prices_pJ={**_FP32_pJ, "bytes_tensor": 640 / 4, "bytes_state": 5 / 4},
            ),
            EnergyTable(
                name="loihi_fp32",
                title="Loihi with an FP32 host",
                source=f"{_DAVIES}; host: {_HOROWITZ}",
                assumptions=f"{_LOIHI} {_EXPONENTIAL}",
                prices_pJ={**_FP32_pJ, **_LOIHI_pJ},
                implementation="events",
            ),
            EnergyTable(
                name="loihi_int8",
                title="Loihi with an INT8 host",
                source=f"{_DAVIES}; host: {_HOROWITZ}",
                assumptions=f"{_LOIHI} No exponential has a price in 8 bits.",
                prices_pJ={**_INT8_pJ, **_LOIHI_pJ},
                implementation="events",
            ),
        )
    },
)
