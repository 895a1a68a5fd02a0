"""What a spiking head did, in the metrics of NeuroBench's algorithm track.

After Yik et al. 2025, Nature Communications 16:1545, Methods, "Algorithm track metrics", and the harness
(https://neurobench.readthedocs.io, version 2.3). The harness itself hooks layers of PyTorch modules, which a
circuit has none of, so that its definitions are applied to the head's own counts. A sample is a row: one query of
one head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.bill.usage import Usage
from spiking import Row, RowCircuit
from spiking.checks import check_kind, known, positive_int
from spiking.engines.arrays import read_arrays
from spiking.engines.brian2 import building

__all__ = ["NeuroBench", "neurobench"]


@dataclass(frozen=True, kw_only=True)
class NeuroBench:
    """Complexity metrics of the selection by spikes; scores and read-out are the model's (`bridge.count`)."""

    footprint_bytes: int  # parameters and buffers of one row: synapses, states and parameters of the cells
    activation_sparsity: float  # share of cells times steps without a spike
    effective_macs: float  # a sample; synapses that hand on a number, at every step
    effective_acs: float  # a sample; synapses that a spike passed
    dense: float  # a sample; both, if every cell spiked at every step
    neuron_updates: float  # a sample; cells times steps

    def as_dict(self) -> dict[str, float]:
        """Under the names that the harness prints."""
        return {
            "Footprint": self.footprint_bytes,
            "ActivationSparsity": self.activation_sparsity,
            "Effective_MACs": self.effective_macs,
            "Effective_ACs": self.effective_acs,
            "Dense": self.dense,
        }


def neurobench(
    usage: Usage, circuit: RowCircuit, *, n_keys: int | None = None, precision: str = "float32"
) -> NeuroBench:
    """Give the metrics of what a head did.

    Parameters
    ----------
    usage : Usage
        `head.usage`, or `Usage.of(selection, circuit)`.
    circuit : RowCircuit
        The head's.
    n_keys : int, optional
        Keys of the row whose footprint is given; the mean over the rows so far, rounded up, by default.
    precision : {"float32", "float64"}
        Of states and parameters.

    Raises
    ------
    ValueError, TypeError
        For a usage without simulated rows, and one whose operations are not known.
    """
    check_kind("usage", usage, Usage, "give head.usage")
    check_kind("circuit", circuit, RowCircuit, "give the circuit of the head")
    known("precision", precision, ("float32", "float64"))
    if not usage.updates or usage.unknown_rows:
        what = f"{usage.unknown_rows} rows whose operations are not known" if usage.unknown_rows else "none"
        raise ValueError(f"usage must hold simulated rows, got {what}; call a head in the mode 'simulated'.")
    n_keys = -(-usage.keys // usage.rows) if n_keys is None else n_keys
    positive_int("neurobench", "n_keys", n_keys)
    return NeuroBench(
        footprint_bytes=_footprint(circuit, int(n_keys), np.dtype(precision).itemsize),
        activation_sparsity=1 - usage.fired / usage.updates,
        effective_macs=usage.graded_synops / usage.rows,
        effective_acs=usage.events.synops / usage.rows,
        dense=(usage.dense_synops + usage.graded_synops) / usage.rows,
        neuron_updates=usage.updates / usage.rows,
    )


def _footprint(circuit: RowCircuit, n_keys: int, itemsize: int) -> int:
    """Bytes of a row's arrays; spikes under way are not in it, nor what all rows share."""
    with building():
        arrays = read_arrays(circuit.build(Row(n_keys, np.random.default_rng(0))).objects)
    held = [*arrays.values.values(), *(v for s in arrays.synapses.values() for v in s.values.values())]
    return sum(len(values) * (1 if values.dtype == bool else itemsize) for values in held)
