"""Any circuit of Brian2 objects on either engine: networks in, spikes and samples out.

A network is made from a random generator, so that a batch holds networks that differ in their connections
and initial states. From the same generator both engines get the same networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np

from spiking.checks import known
from spiking.engines.brian2 import ENGINES, building, run_network
from spiking.engines.fused.kernel import Kernel, compile_program
from spiking.engines.fused.parts import Program
from spiking.engines.fused.program import read_program
from spiking.engines.fused.run import PRECISIONS, Rows, RowSpikes, Window, run_rows

__all__ = ["Circuit", "GroupSpikes", "Recorded", "simulate_circuit"]


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """The Brian2 objects of one network, with the constants of their equations."""

    objects: Sequence[b2.BrianObject]
    namespace: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class GroupSpikes:
    """Spikes of one group, ordered by network and time; times count from the start of the window."""

    network: np.ndarray  # (n_spikes,) int64
    cell: np.ndarray  # (n_spikes,) int32
    time_ms: np.ndarray  # (n_spikes,) float64


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a batch of networks did in the measured window."""

    n_cells: Mapping[str, int]
    duration_ms: float
    spikes: Mapping[str, GroupSpikes]
    samples: Mapping[str, np.ndarray]  # `group__variable` -> (n_networks, n_cells, n_samples) float32


def simulate_circuit(
    build: Callable[[np.random.Generator], Circuit],
    *,
    duration_ms: float,
    rng: np.random.Generator,
    n_networks: int = 1,
    settle_ms: float = 0.0,
    record: Sequence[str] = (),
    sample: Sequence[str] = (),
    sample_ms: float = 1.0,
    engine: str = "fused",
    precision: str = "float64",
    threads: int | None = None,
) -> Recorded:
    """Simulate networks that one recipe makes.

    Parameters
    ----------
    build : callable
        generator -> Circuit; called once for each network. Networks may differ in connections, weights and
        initial values of cells, not in constants.
    duration_ms : float
        Measured time; `settle_ms` come before it.
    rng : numpy.random.Generator
    n_networks : int
    record : sequence of str
        Groups whose spikes are recorded.
    sample : sequence of str
        Variables, `group__variable`, that are sampled every `sample_ms` at the start of a step.
    engine : {"fused", "brian2"}
    precision : {"float32", "float64"}
        Of the fused engine.
    threads : int, optional
        Of the fused engine; as many as there are cores, unless given.

    Raises
    ------
    ValueError
        For what the fused engine does not cover; the message names the Brian2 feature.
    """
    known("engine", engine, ENGINES)
    known("precision", precision, PRECISIONS)
    generators = rng.spawn(n_networks)
    with building():
        circuits = [build(generator) for generator in generators]
    options = _Options(duration_ms, settle_ms, tuple(record), tuple(sample), sample_ms)
    if engine == "brian2":
        return _brian2(circuits, options, generators)
    return _fused(circuits, options, rng, precision, threads)


@dataclass(frozen=True)
class _Options:
    duration_ms: float
    settle_ms: float
    record: tuple[str, ...]
    sample: tuple[str, ...]
    sample_ms: float


def _brian2(
    circuits: Sequence[Circuit], options: _Options, generators: Sequence[np.random.Generator]
) -> Recorded:
    """One network after the other."""
    spikes: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {g: [] for g in options.record}
    samples: dict[str, list[np.ndarray]] = {v: [] for v in options.sample}
    for circuit, generator in zip(circuits, generators, strict=True):
        groups = {o.name: o for o in circuit.objects}
        of_spikes = {g: b2.SpikeMonitor(groups[g], name=f"{g}_spikes") for g in spikes}
        of_states = {v: _state_monitor(groups, v, options.sample_ms) for v in samples}
        network = b2.Network(*circuit.objects, *of_spikes.values(), *of_states.values())
        total_ms = options.settle_ms + options.duration_ms
        run_network(network, total_ms, dict(circuit.namespace), rng=generator)
        for g, spiked in of_spikes.items():
            spikes[g].append((np.asarray(spiked.i), np.asarray(spiked.t / b2.ms) - options.settle_ms))
        first = round(options.settle_ms / options.sample_ms)
        for v, states in of_states.items():
            samples[v].append(np.asarray(getattr(states, v.split("__")[1]), dtype=np.float32)[:, first:])
    return Recorded(
        n_cells={o.name: len(o) for o in circuits[0].objects if isinstance(o, b2.NeuronGroup)},
        duration_ms=options.duration_ms,
        spikes={g: _in_window(found) for g, found in spikes.items()},
        samples={v: np.stack(found) for v, found in samples.items()},
    )


def _state_monitor(groups: Mapping[str, Any], variable: str, sample_ms: float) -> b2.StateMonitor:
    group, name = variable.split("__")
    return b2.StateMonitor(groups[group], name, record=True, dt=sample_ms * b2.ms, name=f"{variable}_samples")


def _in_window(found: Sequence[tuple[np.ndarray, np.ndarray]]) -> GroupSpikes:
    network = np.repeat(np.arange(len(found)), [len(cell) for cell, _ in found])
    cell = np.concatenate([cell for cell, _ in found])
    time_ms = np.concatenate([time_ms for _, time_ms in found])
    inside = time_ms >= -1e-9
    return GroupSpikes(network=network[inside], cell=cell[inside], time_ms=np.maximum(time_ms[inside], 0.0))


def _fused(
    circuits: Sequence[Circuit],
    options: _Options,
    rng: np.random.Generator,
    precision: str,
    threads: int | None,
) -> Recorded:
    """All networks as rows of one kernel."""
    programs = [read_program(c.objects, c.namespace, per_cell=set()) for c in circuits]
    kernels = [
        compile_program(p, record=options.record, sample=options.sample, precision=precision)
        for p in programs
    ]
    kernel = kernels[0]
    if not all(_alike(kernel, other) for other in kernels[1:]):
        raise ValueError(
            "networks of one batch must have the same equations and constants, got two kinds; "
            "simulate them one by one."
        )
    dt_ms = programs[0].dt_ms
    window = Window(
        n_settle=round(options.settle_ms / dt_ms),
        n_steps=round((options.settle_ms + options.duration_ms) / dt_ms),
        sample_every=round(options.sample_ms / dt_ms),
        spikes=True,
        likely_Hz=100.0,
    )
    rows = Rows(
        n_cells=_sizes(programs),
        unit={},
        state=lambda block: _together([programs[row].fixed for row in block]),
        streams=np.arange(len(programs), dtype=np.uint64),
    )
    parts = list(run_rows(kernel, rows, window, seed=int(rng.integers(2**63)), threads=threads))
    n_cells = {name: cells.n for name, cells in programs[0].cells.items()}
    return Recorded(
        n_cells=n_cells,
        duration_ms=options.duration_ms,
        spikes={g: _joined(parts, g, dt_ms) for g in options.record},
        samples={v: _sampled(parts, v, n_cells[v.split("__")[0]]) for v in options.sample},
    )


def _alike(a: Kernel, b: Kernel) -> bool:
    """Whether two networks differ in nothing but their arrays."""
    return (
        a.source.text == b.source.text
        and np.array_equal(a.floats, b.floats)
        and np.array_equal(a.ints, b.ints)
        and all(map(np.array_equal, a.tables, b.tables))
    )


def _sampled(parts: Sequence[RowSpikes], variable: str, n_cells: int) -> np.ndarray:
    """A variable of every cell, (n_networks, n_cells, n_samples), even where a row holds it only once."""
    samples = np.concatenate([p.samples[variable] for p in parts])
    n_rows = sum(len(p.n_steps) for p in parts)
    samples = samples.reshape(n_rows, -1, samples.shape[1])
    return np.broadcast_to(samples, (n_rows, n_cells, samples.shape[2]))


def _sizes(programs: Sequence[Program]) -> dict[str, np.ndarray]:
    return {g: np.array([p.cells[g].n for p in programs]) for g in programs[0].cells}


def _together(fixed: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([one[name] for one in fixed]) for name in fixed[0]}


def _joined(parts: Sequence[RowSpikes], group: str, dt_ms: float) -> GroupSpikes:
    found = [p.spikes[group] for p in parts]
    return GroupSpikes(
        network=np.concatenate([e.row for e in found]),
        cell=np.concatenate([e.cell for e in found]),
        time_ms=np.concatenate([e.step for e in found]) * dt_ms,
    )
