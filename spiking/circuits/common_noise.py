"""The gamma circuit with noise that all cells of a row share: what a correlated background does to selection.

Correlations of spike counts between nearby cortical cells are about .1 to .2 (Cohen and Kohn 2011, Nat. Neurosci.
14:811). Here one Ornstein-Uhlenbeck current a row adds itself to every E cell's input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import brian2 as b2
from brian2 import ms

from spiking.cells.variant import COMMON, CellVariant
from spiking.checks import positive_within, within
from spiking.circuits.gamma import GammaCircuit, gamma_row
from spiking.wiring import Row, Wiring

__all__ = ["CommonNoise"]

BACKGROUND = "dx/dt = -x / tau_common + sqrt(2 / tau_common) * xi : 1\nshared = sd_common * x : 1"


@dataclass(frozen=True)
class CommonNoise(GammaCircuit):
    """One row; its cells receive `sd` scores of noise together, on top of their own."""

    sd: float = 2.0  # standard deviation, in scores
    tau_common_ms: float = 5.0  # correlation time

    def __post_init__(self) -> None:
        within("CommonNoise", "sd", self.sd, 0.0, 1e3)
        positive_within("CommonNoise", "tau_common_ms", self.tau_common_ms, 1e-2, 1e5)
        super().__post_init__()

    def template_key(self) -> object:
        """With the noise."""
        return super().template_key(), self.sd, self.tau_common_ms

    def build(self, row: Row) -> Wiring:
        """Make one row."""
        cell = CellVariant(cell=self.params.cell, common=True)
        wiring, core = (
            super().build(row),
            gamma_row(replace(self.params, cell=cell), row.n_keys, score=f"u : 1 (constant)\n{COMMON}"),
        )
        background = b2.NeuronGroup(1, BACKGROUND, method="euler", clock=core["exc"].clock, name="background")
        core["exc"].common = b2.linked_var(background, "shared")
        constants = {"tau_common": self.tau_common_ms * ms, "sd_common": self.sd}
        return replace(
            wiring,
            objects=[*core.values(), background],
            namespace={**(wiring.namespace or {}), **constants},
            start={**wiring.start, "background.x": "randn()"},
        )
