"""The engine `Brian2`, the reference; the only file that runs a Brian2 network or touches Brian2's preferences."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import brian2 as b2
import numpy as np
from brian2.codegen.runtime.cython_rt.extension_manager import cython_extension_manager
from numba.core import event

from spiking.batch import Batch, Own, Wanted
from spiking.engines.assembly import assemble, remembered
from spiking.record import Recorded, Spikes, joined
from spiking.refs import Ref
from spiking.sources import groups_of
from spiking.streams import Streams

__all__ = ["Brian2", "building", "codegen_target", "compiler"]

ROUNDING_MS = 1e-6  # of times that are whole numbers of steps
_COMPILERS = ("g++", "clang++", "c++", "cl")
# No rounding mode, signed zero or errno is relied on, which lets the compiler vectorise exp. These are
# compile flags only: linking with -ffast-math would make the whole process flush subnormal numbers.
_FLAGS = ["-w", "-O3", "-ffast-math", "-march=native"]


def compiler() -> str | None:
    """Path of the C++ compiler that Brian2 would use, None where there is none."""
    named = os.environ.get("CXX", "")
    return next((path for name in (named, *_COMPILERS) if name and (path := shutil.which(name))), None)


def codegen_target() -> str:
    """Brian2's code generation target here: "cython", or "numpy" without a C++ compiler."""
    return "cython" if compiler() else "numpy"


@contextmanager
def _preferences(target: str) -> Iterator[None]:
    """Brian2's preferences and NumPy's legacy random state, ours inside and as before outside."""
    wanted = {
        "codegen.target": target,
        "codegen.cpp.extra_compile_args_gcc": _FLAGS,
        "core.stop_on_keyboard_interrupt": False,  # else Ctrl-C returns half a run as if it were whole
    }
    before = {name: b2.prefs[name] for name in wanted}
    random_state = np.random.get_state()  # noqa: NPY002 - Brian2 seeds NumPy's global generator
    try:
        for name, value in wanted.items():
            b2.prefs[name] = value
        yield
    finally:
        for name, value in before.items():
            b2.prefs[name] = value
        np.random.set_state(random_state)  # noqa: NPY002


@contextmanager
def building() -> Iterator[None]:
    """Where Brian2 objects are made: synapses are listed by NumPy, which is as fast and never compiles."""
    with _preferences("numpy"), remembered():
        yield


@contextmanager
def _compiling_announced() -> Iterator[None]:
    """Announce what Cython compiles as numba announces its own kernels, so that one listener shows both.

    Brian2 compiles without a word and reports nothing before all is compiled.
    """
    load = cython_extension_manager._load_module

    def announced(module_path: str, **options: Any) -> Any:
        if os.path.exists(module_path):
            return load(module_path, **options)
        with event.trigger_event("numba:compile"):
            return load(module_path, **options)

    cython_extension_manager._load_module = announced
    try:
        yield
    finally:
        del cython_extension_manager._load_module  # the class's own again


@dataclass(frozen=True)
class Brian2:
    """The reference engine: all rows of a batch in one Brian2 network, in double precision.

    All rows run for the longest time of the budget; what comes after a row's end is dropped. It draws its
    random numbers in the order of the batch, so that a row's spikes depend on the other rows.
    """

    name: ClassVar[str] = "brian2"
    takes_streams: ClassVar[bool] = False

    def run(self, batch: Batch, wanted: Wanted, progress: Callable[[float], None] | None = None) -> Recorded:
        """Simulate a batch."""
        own = batch.own(range(batch.n_rows), None)
        with building():
            objects = assemble(batch, own)
        if objects is not None:
            return _run(objects, batch, wanted, progress)
        return self._one_by_one(batch, wanted, progress)

    def _one_by_one(self, batch: Batch, wanted: Wanted, progress: Callable[[float], None] | None) -> Recorded:
        """Each row in a network for itself: slower, and it holds whatever Brian2 can."""
        rng = np.random.default_rng(batch.streams.seed)
        parts = []
        for n in range(batch.n_rows):
            row = batch.row(n, Streams.of(rng))
            with building():
                objects = list(batch.rebuild(n))
                _set_values(objects, row.own(range(1), None))
            parts.append(_run(objects, row, wanted, None))
            if progress is not None:
                progress((n + 1) / batch.n_rows)
        return joined(parts)


def _set_values(objects: list[b2.BrianObject], own: Own) -> None:
    """Give variables the values that a row brings with it."""
    by_name = {o.name: o for o in objects}
    for ref, values in own.items():
        by_name[ref.group].variables[ref.variable].set_value(values)


def _run(
    objects: list[b2.BrianObject],
    batch: Batch,
    wanted: Wanted,
    progress: Callable[[float], None] | None,
) -> Recorded:
    groups = groups_of(objects)
    spiking = {name: group for name, group in groups.items() if group.events}
    monitors = {name: b2.SpikeMonitor(group, name=f"{name}_spikes") for name, group in spiking.items()}
    by_name = {o.name: o for o in objects}
    states = {ref: _state_monitor(by_name, ref, wanted.sample_ms) for ref in wanted.samples}
    network = b2.Network(*objects, *monitors.values(), *states.values())
    budget, settle_ms = wanted.budget, wanted.settle_ms
    _run_network(network, settle_ms + budget.limit_ms, batch, progress)
    first = {name: np.concatenate([[0], np.cumsum(batch.n_cells(name))]) for name in groups}
    spikes = {name: _spikes(monitor, first[name], settle_ms) for name, monitor in monitors.items()}
    row_ms = _ends(spikes, batch, wanted, objects)
    return Recorded(
        n_cells={name: batch.n_cells(name) for name in groups},
        counts={
            name: _counts(spikes[name], row_ms, first[name], batch, name, whole=name in wanted.counted_whole)
            for name in spiking
        },
        spikes={name: _before(spikes[name], row_ms) for name in wanted.spikes},
        samples={str(ref): _sampled(monitor, ref, batch, wanted, row_ms) for ref, monitor in states.items()},
        row_ms=row_ms,
        duration_ms=budget.limit_ms,
    )


def _run_network(
    network: b2.Network, duration_ms: float, batch: Batch, progress: Callable[[float], None] | None
) -> None:
    """Run a Brian2 network on the fastest target there is."""

    def report(elapsed: object, completed: float, start: object, span: object) -> None:
        if progress is not None:
            progress(completed)

    target = codegen_target()
    if target == "numpy":
        warnings.warn(
            "no C++ compiler found: Brian2 runs on its numpy target, several times slower; "
            "install g++ or clang++ (Debian: apt install g++).",
            UserWarning,
            stacklevel=6,
        )
    with _preferences(target), _compiling_announced():
        b2.seed(int(np.random.default_rng(batch.streams.seed).integers(2**31)))
        network.run(
            duration_ms * b2.ms, namespace=dict(batch.namespace), report=report, report_period=0.2 * b2.second
        )


def _state_monitor(objects: Mapping[str, Any], ref: Ref, sample_ms: float) -> b2.StateMonitor:
    return b2.StateMonitor(
        objects[ref.group], ref.variable, record=True, dt=sample_ms * b2.ms, name=f"{ref.identifier}_samples"
    )


def _spikes(monitor: b2.SpikeMonitor, first: np.ndarray, settle_ms: float) -> Spikes:
    """All spikes of a group, ordered by time; times before the measured window are negative."""
    flat = np.asarray(monitor.i)
    row = np.searchsorted(first, flat, side="right") - 1
    return Spikes(
        row=row,
        cell=(flat - first[row]).astype(np.int32),
        time_ms=np.asarray(monitor.t / b2.ms) - settle_ms,
    )


def _ends(
    spikes: Mapping[str, Spikes], batch: Batch, wanted: Wanted, objects: list[b2.BrianObject]
) -> np.ndarray:
    """End of each row in ms, (n_rows,): of the step in which its budget is met, or of the window."""
    ends = np.full(batch.n_rows, wanted.budget.limit_ms)
    if batch.counted is None or not wanted.budget.ends_early:
        return ends
    counted = spikes[batch.counted]
    dt_ms = float(next(o for o in objects if o.name == batch.counted).clock.dt / b2.ms)
    inside = counted.time_ms >= -ROUNDING_MS
    order = np.flatnonzero(inside)[np.argsort(counted.row[inside], kind="stable")]
    edges = np.searchsorted(counted.row[order], np.arange(batch.n_rows + 1))
    for row in range(batch.n_rows):
        these = order[edges[row] : edges[row + 1]]
        last = _met(counted.cell[these] // batch.unit, counted.time_ms[these], wanted, dt_ms)
        if last is not None:
            ends[row] = counted.time_ms[these[last]] + dt_ms
    return ends


def _met(key: np.ndarray, time_ms: np.ndarray, wanted: Wanted, dt_ms: float) -> int | None:
    """The spike of a row in whose step its budget is met."""
    met = []
    if wanted.budget.spikes is not None and len(key) >= wanted.budget.spikes:
        met.append(wanted.budget.spikes - 1)
    if wanted.budget.lead is not None and len(key):
        so_far = np.cumsum(key[:, None] == np.arange(key.max() + 2), axis=0)
        ahead = np.diff(np.sort(so_far, axis=1)[:, -2:], axis=1)[:, 0]
        step_ends = np.append(np.diff(time_ms) > dt_ms / 2, True)  # a step is judged with all its spikes
        met += list(np.flatnonzero((ahead >= wanted.budget.lead) & step_ends)[:1])
    return min(met) if met else None


def _counts(
    spikes: Spikes, row_ms: np.ndarray, first: np.ndarray, batch: Batch, group: str, *, whole: bool
) -> np.ndarray:
    """Spikes of each row; of the counted group those of each population."""
    inside = (whole | (spikes.time_ms >= -ROUNDING_MS)) & (spikes.time_ms < row_ms[spikes.row] - ROUNDING_MS)
    if group != batch.counted:
        return np.bincount(spikes.row[inside], minlength=batch.n_rows)
    population = (first[spikes.row[inside]] + spikes.cell[inside]) // batch.unit
    return np.bincount(population, minlength=first[-1] // batch.unit)


def _before(spikes: Spikes, row_ms: np.ndarray) -> Spikes:
    """The spikes of the measured window, ordered by row and time."""
    inside = (spikes.time_ms >= -ROUNDING_MS) & (spikes.time_ms < row_ms[spikes.row] - ROUNDING_MS)
    order = np.flatnonzero(inside)[np.argsort(spikes.row[inside], kind="stable")]
    return Spikes(
        row=spikes.row[order],
        cell=spikes.cell[order],
        time_ms=np.maximum(spikes.time_ms[order], 0.0),
    )


def _sampled(
    monitor: b2.StateMonitor, ref: Ref, batch: Batch, wanted: Wanted, row_ms: np.ndarray
) -> np.ndarray:
    """Samples of the measured window, (n_rows, n_cells, n_samples); 0 after a row's end."""
    settled = round(wanted.settle_ms / wanted.sample_ms)
    samples = np.asarray(getattr(monitor, ref.variable), dtype=np.float32)[:, settled:]
    sizes = batch.n_cells(ref.group)
    if isinstance(monitor.source, b2.Synapses):  # by their source cells
        samples = samples[np.argsort(monitor.source.variables["_synaptic_pre"].get_value(), kind="stable")]
    if len(samples) != sizes.sum():  # a shared variable, of one row
        samples = np.broadcast_to(samples, (int(sizes.sum()), samples.shape[1]))
    if (sizes == sizes[0]).all():
        by_row = samples.reshape(batch.n_rows, -1, samples.shape[1]).copy()
    else:
        by_row = np.full((batch.n_rows, sizes.max(), samples.shape[1]), np.nan, dtype=np.float32)
        by_row[np.arange(sizes.max()) < sizes[:, None]] = samples
    ended = np.arange(samples.shape[1]) * wanted.sample_ms >= row_ms[:, None] - ROUNDING_MS
    return np.where(ended[:, None, :], np.float32(0), by_row)
