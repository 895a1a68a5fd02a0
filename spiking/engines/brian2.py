"""The only file that runs a Brian2 network, seeds it, or touches Brian2's preferences."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np

from spiking.params import GammaParams
from spiking.record import SpikeRecord
from spiking.rows import Layout

__all__ = [
    "ENGINES",
    "FIELD_DT_MS",
    "SLOWEST_CYCLE_MS",
    "Core",
    "Recording",
    "building",
    "check_duration",
    "codegen_target",
    "compiler",
    "measured",
    "run_network",
    "simulate",
]

ENGINES = ("fused", "brian2")  # the first where nothing else is asked for; Brian2 is the reference
SLOWEST_CYCLE_MS = 1000.0 / 30.0  # one cycle at the lower edge of the gamma band
FIELD_DT_MS = 1.0
_ROUNDING = 1e-6  # ms; of times that are whole numbers of steps
_COMPILERS = ("g++", "clang++", "c++", "cl")
# No rounding mode, signed zero or errno is relied on, which lets the compiler vectorise exp. These are
# compile flags only: linking with -ffast-math would make the whole process flush subnormal numbers.
_FLAGS = ["-w", "-O3", "-ffast-math", "-march=native"]


@dataclass(frozen=True, kw_only=True)
class Core:
    """The Brian2 objects of a batch of rows: everything but what drives the E cells."""

    exc: b2.NeuronGroup  # all E cells; its `u` is the score input
    inh: b2.NeuronGroup  # all I cells, n_inh a row
    row: b2.NeuronGroup  # one entry a row: the synaptic sums
    exc_to_row: b2.Synapses
    inh_to_row: b2.Synapses

    @property
    def objects(self) -> list[b2.BrianObject]:
        return [self.exc, self.inh, self.row, self.exc_to_row, self.inh_to_row]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What was recorded in the measured window."""

    spikes: SpikeRecord
    inh_counts: np.ndarray  # (n_rows,) int64
    field: np.ndarray  # (n_rows, n_samples) float32, the excitatory synaptic sum; 0 after the row's end
    field_dt_ms: float
    row_ms: np.ndarray  # (n_rows,) float64: measured time of each row


def compiler() -> str | None:
    """Path of the C++ compiler that Brian2 would use, None where there is none."""
    named = os.environ.get("CXX", "")
    return next((path for name in (named, *_COMPILERS) if name and (path := shutil.which(name))), None)


def codegen_target() -> str:
    """Brian2's code generation target here: "cython", or "numpy" where no C++ compiler is found."""
    return "cython" if compiler() else "numpy"


def check_duration(duration_ms: float) -> None:
    """Raise unless the window holds at least one cycle."""
    if not (np.isfinite(duration_ms) and duration_ms > 0):
        raise ValueError(f"duration_ms must be > 0, got {duration_ms}; use 200 or more.")
    if duration_ms < SLOWEST_CYCLE_MS:
        raise ValueError(
            f"duration_ms must be at least one gamma cycle ({SLOWEST_CYCLE_MS:.1f} ms at 30 Hz), "
            f"got {duration_ms}; use 200 or more."
        )


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


def building() -> AbstractContextManager[None]:
    """Where Brian2 objects are made: synapses are listed by NumPy, which is as fast and never compiles."""
    return _preferences("numpy")


def simulate(
    core: Core,
    layout: Layout,
    params: GammaParams,
    *,
    duration_ms: float,
    rng: np.random.Generator,
    spikes: int | None = None,
    progress: Callable[[float], None] | None = None,
    settle_ms: float | None = None,
    extra: Sequence[b2.BrianObject] = (),
    namespace: dict[str, Any] | None = None,
) -> Recording:
    """Run the batch through its settling time and then the measured window.

    Parameters
    ----------
    core, layout, params
        The circuit, its rows and its constants.
    duration_ms : float
        Length of the measured window.
    rng : numpy.random.Generator
        Seeds Brian2.
    spikes : int, optional
        E spikes after which a row ends, with the step in which the last of them falls. All rows run for
        `duration_ms`; what came after a row's end is then dropped.
    progress : callable, optional
        Called with the fraction done.
    settle_ms : float, optional
        Time before the window, `params.settle_ms` unless a slower part needs more.
    extra : sequence of Brian2 objects
        What a larger circuit adds to the network.
    namespace : dict, optional
        Constants of the extra objects.
    """
    settle_ms = params.settle_ms if settle_ms is None else settle_ms
    exc_spikes = b2.SpikeMonitor(core.exc, name="spikes")
    inh_spikes = b2.SpikeMonitor(core.inh, name="inh_spikes")
    sums = b2.StateMonitor(core.row, ["exc"], record=True, dt=FIELD_DT_MS * b2.ms, name="sums")
    network = b2.Network(*core.objects, *extra, exc_spikes, inh_spikes, sums)

    run_network(
        network,
        settle_ms + duration_ms,
        {**params.namespace(), **(namespace or {})},
        rng=rng,
        progress=progress,
    )
    whole = _spike_record(exc_spikes, layout, settle_ms, duration_ms)
    row_ms = _ends(whole, spikes, params.dt_ms)
    inh_row, inh_ms = np.asarray(inh_spikes.i) // params.n_inh, np.asarray(inh_spikes.t / b2.ms) - settle_ms
    field = measured(sums, "exc", settle_ms)
    field[np.arange(field.shape[1]) * FIELD_DT_MS >= row_ms[:, None] - _ROUNDING] = 0
    counted = (inh_ms >= -_ROUNDING) & (inh_ms < row_ms[inh_row] - _ROUNDING)
    return Recording(
        spikes=whole.before(row_ms - _ROUNDING),
        inh_counts=np.bincount(inh_row[counted], minlength=layout.n_rows),
        field=field,
        field_dt_ms=FIELD_DT_MS,
        row_ms=row_ms,
    )


def run_network(
    network: b2.Network,
    duration_ms: float,
    namespace: dict[str, Any],
    *,
    rng: np.random.Generator,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Run a Brian2 network on the fastest target there is, seeded from `rng`."""

    def report(elapsed: object, completed: float, start: object, span: object) -> None:
        if progress is not None:
            progress(completed)

    target = codegen_target()
    if target == "numpy":
        warnings.warn(
            "no C++ compiler found: Brian2 runs on its numpy target, several times slower; "
            "install g++ or clang++ (Debian: apt install g++).",
            UserWarning,
            stacklevel=4,
        )
    with _preferences(target):
        b2.seed(int(rng.integers(2**31)))
        network.run(duration_ms * b2.ms, namespace=namespace, report=report, report_period=0.2 * b2.second)


def _ends(record: SpikeRecord, spikes: int | None, dt_ms: float) -> np.ndarray:
    """End of each row in ms, (n_rows,): of the step in which its spike number `spikes` falls, or of the window."""
    ends = np.full(record.n_rows, record.duration_ms)
    if spikes is None:
        return ends
    order = np.argsort(record.row, kind="stable")  # by row, and by time within it
    first = np.searchsorted(record.row[order], np.arange(record.n_rows))
    enough = np.bincount(record.row, minlength=record.n_rows) >= spikes
    ends[enough] = record.time_ms[order[first[enough] + spikes - 1]] + dt_ms
    return ends


def measured(monitor: b2.StateMonitor, variable: str, settle_ms: float) -> np.ndarray:
    """A monitored variable in the measured window, shape (n_recorded, n_samples), float32."""
    return np.asarray(getattr(monitor, variable), dtype=np.float32)[:, round(settle_ms / FIELD_DT_MS) :]


def _spike_record(
    monitor: b2.SpikeMonitor, layout: Layout, settle_ms: float, duration_ms: float
) -> SpikeRecord:
    time_ms = np.asarray(monitor.t / b2.ms) - settle_ms
    inside = time_ms >= -_ROUNDING
    row, key, cell = layout.locate(np.asarray(monitor.i)[inside])
    return SpikeRecord(
        row=row,
        key=key,
        cell=cell,
        time_ms=np.maximum(time_ms[inside], 0.0),
        n_rows=layout.n_rows,
        n_keys=layout.n_keys,
        n_cells=layout.n_cells,
        duration_ms=float(duration_ms),
    )
