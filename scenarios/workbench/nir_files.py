"""NIR on the command line: a circuit's row as a graph, and a graph's spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.errors import UsageError, check_known
from scenarios.workbench.spike_times import spike_table
from scenarios.workbench.staging import whole_file
from spiking.record import SpikeRecord

if TYPE_CHECKING:
    import pandas as pd
    from neo import Block

__all__ = ["SimulatedGraph", "write_nir"]


def write_nir(circuit: str, file: Path, *, n_keys: int, only: Sequence[str], drop: Sequence[str]) -> int:
    """Write one row of a circuit as a NIR graph; returns its number of nodes.

    Parameters
    ----------
    circuit : str
        Of a parameter set, or "package.module:name".
    file : Path
        Written whole or not at all.
    n_keys : int
        Of the row.
    only, drop : sequence of str
        As for `spiking.to_nir`.

    Raises
    ------
    ValueError, TypeError
        For a name that leads to no circuit, and what NIR cannot express.
    """
    import nir

    from bridge.heads.named import circuit_named
    from spiking import Network, Row, to_nir
    from spiking.engines.brian2 import building

    made = circuit_named(circuit, temperature=1.0, n_cells=None)
    with building():
        wiring = made.build(Row(n_keys, np.random.default_rng(0)))
    graph = to_nir(Network(wiring.objects, wiring.namespace), only=only, drop=drop)
    with whole_file(file) as partial:
        nir.write(partial, graph)
    return len(graph.nodes)


@dataclass(frozen=True, kw_only=True)
class SimulatedGraph:
    """The spikes of a NIR graph, handed to the writers as those of a run are."""

    file: Path
    inputs: Path | None  # .npz, an array (n_steps, n_channels) for each Input node, one line a step of 0.1 ms
    duration_ms: float
    spike_s: float  # as for `spiking.from_nir`

    @property
    def name(self) -> str:
        """Of the file, without its suffix."""
        return self.file.stem

    @cached_property
    def records(self) -> dict[str, SpikeRecord]:
        """Group -> its spikes, one row of one key.

        Raises
        ------
        ValueError
            For a graph or inputs that cannot be read, and a graph whose cells do not spike.
        """
        from spiking import from_nir, simulate_circuit
        from spiking.sources import groups_of

        network = from_nir(self.file, self._inputs(), spike_s=self.spike_s)
        firing = [name for name, group in groups_of(network.objects).items() if group.events and group.N]
        cells = [name for name in firing if hasattr(groups_of(network.objects)[name], "equations")]
        if not cells:
            raise UsageError(
                f"graph must have cells that spike, got none in {self.file}; add an LIF or IF node"
            )
        ran = simulate_circuit(
            network, duration_ms=self.duration_ms, rng=np.random.default_rng(0), record=cells
        )
        return {
            name: SpikeRecord.of_spikes(
                row=spikes.row,
                cell=spikes.cell,
                time_ms=spikes.time_ms,
                n_rows=1,
                n_cells=int(ran.n_cells[name][0]),
                duration_ms=self.duration_ms,
            )
            for name, spikes in ran.spikes.items()
        }

    @property
    def spikes_kept(self) -> Sequence[str]:
        """Names of the records."""
        return tuple(self.records)

    def spikes(self, name: str) -> SpikeRecord:
        """The spikes of one group."""
        return self.records[check_known("record", name, self.records)]

    def get_data(self, name: str) -> Block:
        """They as a Neo block."""
        from spiking.export import get_data

        return get_data(self.spikes(name), name=name)

    def spike_table(self) -> pd.DataFrame:
        """All spikes, one a line."""
        return spike_table(self.records)

    def _inputs(self) -> dict[str, np.ndarray]:
        if self.inputs is None:
            return {}
        try:
            with np.load(self.inputs, allow_pickle=False) as held:
                return {name: held[name] for name in held.files}
        except (OSError, ValueError, AttributeError) as error:
            raise UsageError(
                f"inputs must be an .npz file with an array for each Input node, got {self.inputs} ({error}); "
                "write it by numpy.savez"
            ) from error
