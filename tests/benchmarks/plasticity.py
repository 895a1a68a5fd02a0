"""Plastic synapses and delays: the fused engine, Brian2's cython and its C++ standalone, on one network.

`python -m tests.benchmarks.plasticity FOLDER NETWORK` builds a standalone program; Brian2's choice of a device
holds for a whole process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV

from spiking import Fused, Network, simulate_circuit
from spiking.engines.brian2 import building, codegen_target
from tests.benchmarks.standalone import FLAGS, simulate
from tests.benchmarks.table import Table, in_turn, spread

SPANS_S = {  # two runs of the fused engine, whose difference leaves out all but the steps
    "STDP": (0.2, 1.0),  # later its weights, and with them its spikes, would be fewer than Brian2's
    "E and I, delays": (1.0, 21.0),
}
RUN_S = 1.0  # of Brian2
REPEATS = 7
STANDALONE, CYTHON = "Brian2, C++ standalone", "Brian2, cython"


def _clocked(name: str) -> dict[str, Any]:
    """A name, and a clock with one: a clock without gets a counter, which makes Brian2 compile again."""
    return {"name": name, "clock": b2.Clock(0.1 * ms, name=f"{name}_clock")}


def stdp(rng: np.random.Generator) -> Network:
    """1000 Poisson inputs onto 50 cells: Brian2's example of STDP, after Song, Miller and Abbott (2000)."""
    inputs = b2.PoissonGroup(1000, 15 * Hz, **_clocked("inputs"))
    cells = b2.NeuronGroup(
        50,
        """dv/dt = (ge * (0*mV - -60*mV) - 74*mV - v) / (10*ms) : volt
        dge/dt = -ge / (5*ms) : 1""",
        threshold="v > -54*mV", reset="v = -60*mV", method="exact", **_clocked("cells"),
    )  # fmt: skip
    cells.v = -60 * mV
    plastic = b2.Synapses(
        inputs,
        cells,
        """w : 1
        dp/dt = -p / (20*ms) : 1 (event-driven)
        dq/dt = -q / (20*ms) : 1 (event-driven)""",
        on_pre="ge += w\np += 0.0001\nw = clip(w + q, 0, 0.01)",
        on_post="q -= 0.000105\nw = clip(w + p, 0, 0.01)",
        **_clocked("plastic"),
    )
    i, j = (a.ravel() for a in np.indices((1000, 50)))
    plastic.connect(i=i, j=j)
    plastic.w = rng.uniform(0, 0.01, len(i))
    return Network([inputs, cells, plastic])


def balanced(rng: np.random.Generator) -> Network:
    """4000 E and I cells, connected by 2 % of pairs with delays of 0.5 to 3 ms (Vogels and Abbott 2005)."""
    cells = b2.NeuronGroup(
        4000,
        """dv/dt = (ge + gi - (v + 49*mV)) / (20*ms) : volt (unless refractory)
        dge/dt = -ge / (5*ms) : volt
        dgi/dt = -gi / (10*ms) : volt""",
        threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact", **_clocked("cells"),
    )  # fmt: skip
    cells.v = rng.uniform(-60, -50, 4000) * mV
    parts = (("excite", cells[:3200], "ge += 1.62*mV"), ("inhibit", cells[3200:], "gi -= 9*mV"))
    made = [b2.Synapses(part, cells, on_pre=does, **_clocked(name)) for name, part, does in parts]
    for one in made:
        i, j = np.nonzero(rng.random((len(one.source), 4000)) < 0.02)
        one.connect(i=i, j=j)
        one.delay = rng.uniform(0.5, 3, len(i)) * ms
    return Network([cells, *made])


NETWORKS: dict[str, Callable[[np.random.Generator], Network]] = {"STDP": stdp, "E and I, delays": balanced}


def run() -> Table:
    """Simulate each network in every way and compare what a simulated second takes."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for name in NETWORKS for line in _lines(name, Path(folder))]
    return Table(
        setting="One network, one thread, double precision unless said. STDP: 1000 Poisson inputs of 15 Hz, 50 "
        "cells, 50000 plastic synapses. E and I: 4000 cells, 2 % of pairs, delays of 0.5 to 3 ms. Processor time "
        "of a simulated second without compiling and building: on the fused engine a long run less a short one, "
        "on cython a run of a network that has run before, of the standalone program its whole run. Median "
        f"(range) of {REPEATS} rounds in which all take turns; ratios are of a round.",
        head=("network", "engine", "s per simulated second", "slower than fused", "spikes per cell and s"),
        lines=tuple(lines),
    )


def _lines(name: str, folder: Path) -> list[tuple[str, ...]]:
    program = folder / name.split()[0]
    subprocess.run([sys.executable, "-m", __name__, str(program), name], check=True)
    short, long = SPANS_S[name]
    fused = {"fused": "float64", "fused, single precision": "float32"}
    ways: dict[str, Callable[[], float]] = {
        f"{way} {s}": _timed(name, s, precision) for way, precision in fused.items() for s in (short, long)
    }
    ways |= {STANDALONE: lambda: simulate(program) / RUN_S, CYTHON: _network_that_runs_on(name)}
    rounds = in_turn(ways, repeats=REPEATS)
    cpu_s = rounds.cpu_s
    cost = {way: (cpu_s[f"{way} {long}"] - cpu_s[f"{way} {short}"]) / (long - short) for way in fused}
    cost |= {way: cpu_s[way] / RUN_S for way in (STANDALONE, CYTHON)}
    spikes = {way: rounds.first[f"{way} {long}" if way in fused else way] for way in cost}
    n_cells = len(next(o for o in NETWORKS[name](np.random.default_rng(0)).objects if o.name == "cells"))
    return [
        (name, way, spread(cost[way], 3), spread(cost[way] / cost["fused"]), f"{spikes[way] / n_cells:.1f}")
        for way in cost
    ]


def _network_that_runs_on(name: str) -> Callable[[], float]:
    """A network of Brian2's, compiled by its first run, that goes on in each of the next; spikes per second."""
    with building():
        made = NETWORKS[name](np.random.default_rng(0).spawn(1)[0])
    cells = next(o for o in made.objects if o.name == "cells")
    monitor = b2.SpikeMonitor(cells, name="cells_spikes")
    network = b2.Network(*made.objects, monitor)

    def run_on() -> float:
        before = monitor.num_spikes
        b2.prefs.codegen.target = codegen_target()
        b2.prefs.codegen.cpp.extra_compile_args_gcc = FLAGS
        network.run(RUN_S * b2.second)
        return (monitor.num_spikes - before) / RUN_S

    return run_on


def _timed(name: str, seconds: float, precision: str) -> Callable[[], float]:
    """A network of the fused engine; spikes per second."""

    def simulated() -> float:
        ran = simulate_circuit(
            NETWORKS[name],
            duration_ms=1000 * seconds,
            record=("cells",),
            rng=np.random.default_rng(0),
            engine=Fused(precision, threads=1),
        )
        return len(ran.spikes["cells"].time_ms) / seconds

    return simulated


def _build(folder: str, name: str) -> None:
    """Write and compile a standalone program."""
    rng = np.random.default_rng(0).spawn(1)[0]
    b2.set_device("cpp_standalone", directory=folder, build_on_run=True)
    b2.prefs.codegen.cpp.extra_compile_args_gcc = FLAGS
    network = NETWORKS[name](rng)
    cells = next(o for o in network.objects if o.name == "cells")
    monitor = b2.SpikeMonitor(cells, name="spikes")
    b2.Network(*network.objects, monitor).run(RUN_S * b2.second)


if __name__ == "__main__":
    _build(*sys.argv[1:])
