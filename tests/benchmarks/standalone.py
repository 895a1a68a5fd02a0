"""The gamma circuit as a Brian2 C++ standalone program: built once by a process of its own, then run as it is.

`python -m tests.benchmarks.standalone FOLDER N_ROWS` builds it; Brian2's choice of a device holds for a
whole process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import brian2 as b2
import numpy as np

from spiking import GammaCircuit, Ref, Streams
from spiking.batch import Batch
from spiking.engines.assembly import assemble
from spiking.engines.brian2 import building
from spiking.rows import Layout

FLAGS = ["-w", "-O3", "-ffast-math", "-march=native"]  # those of the cython target here


def build(folder: Path, *, n_rows: int) -> None:
    """Write and compile the program, in a process of its own."""
    subprocess.run([sys.executable, "-m", __name__, str(folder), str(n_rows)], check=True)


def simulate(folder: Path) -> int:
    """Run the program; E spikes of all rows."""
    subprocess.run(["./main"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (spikes,) = folder.glob("results/_dynamic_array_spikes_i*")
    return spikes.stat().st_size // np.dtype(np.int32).itemsize


def _build(folder: str, n_rows: str) -> None:
    """Write and compile the objects that the engine `Brian2` runs, with the monitors that it counts by."""
    from tests.benchmarks.engines import DURATION_MS, PARAMS, scores

    batch = _batch(GammaCircuit(PARAMS), scores(int(n_rows)))
    own = batch.own(
        range(batch.n_rows), None
    )  # before the device is set: standalone variables cannot be read
    b2.set_device("cpp_standalone", directory=folder, build_on_run=True)
    b2.prefs.codegen.cpp.extra_compile_args_gcc = FLAGS
    with building():
        objects = assemble(batch, own)
    assert objects is not None
    groups = {o.name: o for o in objects}
    monitors = [
        b2.SpikeMonitor(groups["exc"], name="spikes"),
        b2.SpikeMonitor(groups["inh"], name="inh_spikes"),
    ]
    network = b2.Network(*objects, *monitors)
    network.run(DURATION_MS * b2.ms, namespace=dict(batch.namespace))


def _batch(circuit: GammaCircuit, scores: np.ndarray) -> Batch:
    """The rows as engines take them."""
    present = np.ones(scores.shape, dtype=bool)
    layout = Layout.of(present, circuit.params.n_cells)
    u = layout.per_cell(layout.at_populations(circuit.score_input(scores, present), range(layout.n_rows)))
    score = Ref("exc", "u")
    return circuit.batch(layout, Streams(1), {score}, lambda rows: {score: u})


if __name__ == "__main__":
    _build(*sys.argv[1:])
