"""Three sources of spikes to compare: a circuit of random cells, as many independent samples, and regular cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge import SpikingScoreMap
from bridge.heads.named import check_circuit_name, circuit_named
from bridge.heads.signed import SignedRows
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.readers import spiking_map
from scenarios.workbench.statistics import UNKNOWN, Estimate
from spiking import PARAMETER_SETS, RowCircuit

__all__ = ["SOURCES", "SourceParams", "power"]

SOURCES = {"circuit": "random cells", "sampled": "independent samples", "regular": "regular cells"}
CIRCUITS = f"one of: {', '.join(PARAMETER_SETS)}; or yours: package.module:name"


@dataclass(frozen=True, kw_only=True)
class SourceParams(ScenarioParams):
    """The circuits of both kinds of cells; a source is a name of `SOURCES`."""

    circuit: str = param("brief", f"the main circuit, of random cells; {CIRCUITS}")
    regular: str = param("regular-brief", f"a circuit of regular cells to compare with; {CIRCUITS}")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_circuit_name(self.circuit)
        check_circuit_name(self.regular, "regular")

    def source_circuit(self, source: str, *, temperature: float = 1.0) -> RowCircuit:
        """Make the circuit of a source; samples are those of the main circuit's softmax."""
        option = "regular" if source == "regular" else "circuit"
        return circuit_named(getattr(self, option), temperature=temperature, n_cells=None, option=option)

    def source_map(
        self, source: str, spikes: int, ctx: RunContext, *, temperature: float = 1.0
    ) -> SpikingScoreMap:
        """Make the score map of a source with so many spikes a row."""
        circuit = self.source_circuit(source, temperature=temperature)
        return spiking_map(circuit, ("sampled" if source == "sampled" else "spiking", spikes), ctx)

    def signed_rows(self, source: str, spikes: int, ctx: RunContext) -> SignedRows:
        """Make what draws the rows of a matrix, by a source with so many spikes a row."""
        return SignedRows(self.source_map(source, spikes, ctx))


def power(x: Sequence[float], estimates: Sequence[Estimate]) -> Estimate:
    """Exponent p of y ~ x^p, by least squares of the logarithms.

    The error follows from those of the estimates. Those that are not above 0, or of no known error, are left out;
    of fewer than two the exponent is unknown.
    """
    known = [i for i, e in enumerate(estimates) if e.value > 0 and e.error > 0]
    if len(known) < 2:
        return UNKNOWN
    log = np.log(np.array(x, dtype=float)[known])
    log -= log.mean()
    errors = np.array([estimates[i].error / estimates[i].value for i in known])
    spread = (log**2).sum()
    slope = (log * np.log([estimates[i].value for i in known])).sum() / spread
    return Estimate(value=float(slope), error=float(np.sqrt(((log * errors) ** 2).sum()) / spread))
