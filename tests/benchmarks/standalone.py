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

from spiking.circuits.gamma import gamma_core, score_input
from spiking.engines.brian2 import FIELD_DT_MS
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
    from tests.benchmarks.engines import DURATION_MS, PARAMS, scores

    b2.set_device("cpp_standalone", directory=folder, build_on_run=True)
    b2.prefs.codegen.cpp.extra_compile_args_gcc = FLAGS
    rows = scores(int(n_rows))
    present = np.ones(rows.shape, dtype=bool)
    layout = Layout.of(present, PARAMS.n_cells)
    u = layout.at_populations(score_input(PARAMS, rows, present))
    core = gamma_core(PARAMS, layout, np.random.default_rng(1), u)
    spikes = [b2.SpikeMonitor(core.exc, name="spikes"), b2.SpikeMonitor(core.inh, name="inh_spikes")]
    sums = b2.StateMonitor(core.row, ["exc"], record=True, dt=FIELD_DT_MS * b2.ms, name="sums")
    network = b2.Network(*core.objects, *spikes, sums)
    network.run(DURATION_MS * b2.ms, namespace=PARAMS.namespace())


if __name__ == "__main__":
    _build(*sys.argv[1:])
