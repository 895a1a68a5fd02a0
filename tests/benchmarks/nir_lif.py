"""The NIR paper's experiment on one cell: distance to the exact solution, here and in simulators that read NIR."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nir
import numpy as np

from spiking import Brian2, Engine, Fused, from_nir, lif_exact, simulate_circuit
from tests.benchmarks.against_peers import ENVIRONMENT, SCRIPTS
from tests.benchmarks.table import Table
from tests.nir_graphs import V_THRESHOLD, STEP_s, TAU_s, one_lif, pulses

OURS = {"fused engine": Fused("float64"), "Brian2": Brian2()}
PEERS = ("norse", "nengo")


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a simulator made of the cell."""

    v: np.ndarray  # (n_steps,) at the end of each step
    steps: np.ndarray  # (n_spikes,) in which it spiked


def run() -> Table:
    """The table; a peer whose environment is missing is left out, and said to be."""
    current = pulses()
    exact = lif_exact(current, step_s=STEP_s, tau=TAU_s, v_threshold=V_THRESHOLD)
    courses = {name: _ours(engine, current) for name, engine in OURS.items()}
    courses.update(_peers(current))
    if len(courses) < len(OURS) + len(PEERS):
        sys.exit(f"{ENVIRONMENT} must hold {' and '.join(PEERS)}; run: make bench-peers")
    return Table(
        setting=f"One LIF cell (tau {1e3 * TAU_s:g} ms, threshold {V_THRESHOLD:g}) under {int(current.sum())} "
        f"pulses of {1e3 * STEP_s:g} ms, time step {1e3 * STEP_s:g} ms, {len(current)} steps; the exact solution "
        f"has {len(exact.spike_s)} spikes.",
        head=(
            "",
            "spikes",
            "in the exact steps",
            "largest lag of a spike, ms",
            "up to the first spike: largest distance of v over threshold",
            "all steps: largest",
            "mean",
        ),
        lines=tuple(_line(name, course, exact.spike_s, exact.v) for name, course in courses.items()),
        below=("A spike counts at the end of its step; membranes of ours are recorded in single precision.",),
        packages=("numpy", "numba", "brian2", "nir"),
    )


def _line(name: str, course: Course, spike_s: np.ndarray, v: np.ndarray) -> tuple[str, ...]:
    due = np.floor(spike_s / STEP_s).astype(int)
    right = np.array_equal(course.steps, due)
    lag_ms = (
        1e3 * ((course.steps + 1) * STEP_s - spike_s) if len(course.steps) == len(due) else np.array([np.nan])
    )
    apart = np.abs(course.v - v) / V_THRESHOLD
    first = min(due[0], *course.steps[:1])
    return (
        name,
        str(len(course.steps)),
        "yes" if right else "no",
        f"{np.abs(lag_ms).max():.3f}",
        f"{apart[:first].max():.1e}",
        f"{apart.max():.1e}",
        f"{apart.mean():.1e}",
    )


def _ours(engine: Engine, current: np.ndarray) -> Course:
    ran = simulate_circuit(
        lambda rng: from_nir(one_lif(), {"input": current[:, None]}, dt_ms=1e3 * STEP_s),
        duration_ms=1e3 * STEP_s * (len(current) + 1),
        rng=np.random.default_rng(0),
        record=["node_1"],
        sample=["node_1.v"],
        sample_ms=1e3 * STEP_s,
        engine=engine,
    )
    steps = np.rint(ran.spikes["node_1"].time_ms / (1e3 * STEP_s)).astype(int)
    return Course(v=ran.samples["node_1.v"][0, 0, 1:], steps=steps)  # sampled as a step begins


def _peers(current: np.ndarray) -> Iterator[tuple[str, Course]]:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        return
    with tempfile.TemporaryDirectory(prefix="fortyhertz-") as folder:
        graph, given = Path(folder) / "graph.nir", Path(folder) / "current.npy"
        nir.write(graph, one_lif())
        np.save(given, current)
        for name in PEERS:
            outcome = Path(folder) / f"{name}.npz"
            script = SCRIPTS / f"nir_with_{name}.py"
            subprocess.run(
                [str(python), str(script), str(graph), str(given), str(outcome), str(STEP_s)], check=True
            )
            with np.load(outcome) as held:
                yield name, Course(v=held["v"], steps=held["steps"])
