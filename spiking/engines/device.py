"""Brian2's own scripts on the fused engine: a device for `brian2.set_device`.

    import spiking.engines.device
    brian2.set_device("fortyhertz")

After that `run()` compiles the network's objects into one kernel and runs it in double precision. When it returns,
variables hold their last values and monitors what they record, as after a run of Brian2 itself. What the engine
does not cover is refused in the words that name the feature.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import brian2 as b2
import numpy as np
from brian2.core.namespace import get_local_namespace
from brian2.devices.device import RuntimeDevice, all_devices

from spiking.batch import Batch, Wanted
from spiking.budget import Budget
from spiking.engines.arrays import read_arrays
from spiking.engines.fused.kernel import compile_program
from spiking.engines.fused.names import LAST, refuse
from spiking.engines.fused.program import read_program
from spiking.engines.fused.run import Block, Window, run_block
from spiking.kinds import Kinds
from spiking.refs import Ref
from spiking.sources import cells_of, first_cell, is_cells
from spiking.streams import Streams

__all__ = ["NAME", "FusedDevice"]

NAME = "fortyhertz"
_MONITORS = (b2.SpikeMonitor, b2.StateMonitor, b2.PopulationRateMonitor)


class FusedDevice(RuntimeDevice):  # type: ignore[misc]  # Brian2 has no type hints
    """Keeps variables as Brian2's own device does, and runs networks on the fused engine."""

    def network_run(
        self,
        network: b2.Network,
        duration: Any,
        report: object = None,
        report_period: object = None,
        namespace: Mapping[str, Any] | None = None,
        profile: object = None,
        level: int = 0,
    ) -> None:
        """Run a network once, from its start.

        Raises
        ------
        NotImplementedError
            For a network that has run before.
        ValueError
            For what the fused engine does not cover.
        """
        if network.t_ > 0:
            raise NotImplementedError(
                f"a network must run once on the device {NAME!r}, got a second run at {network.t}; "
                "run for the whole time at once, or use set_device('runtime')."
            )
        namespace = get_local_namespace(level=level + 2) if namespace is None else namespace
        parts = {id(part) for o in network.objects for part in o.contained_objects}
        objects = sorted((o for o in network.objects if id(o) not in parts), key=lambda o: o.name)
        monitors = [o for o in objects if type(o) in _MONITORS]
        began = time.perf_counter()
        run = _Run(
            objects=[o for o in objects if type(o) not in _MONITORS],
            monitors=monitors,
            namespace=namespace,
            duration_ms=float(duration) * 1000,
            schedule=network.schedule,
        )
        self._last_run_time = time.perf_counter() - began
        run.hand_back()
        for clock in {o.clock for o in network.objects}:
            clock.set_interval(duration, duration)
        network.t_ = float(duration)


class _Run:
    """One run of a network, and what is handed back to its objects."""

    def __init__(
        self,
        objects: Sequence[b2.BrianObject],
        monitors: Sequence[Any],
        namespace: Mapping[str, Any],
        duration_ms: float,
        schedule: Sequence[str],
    ) -> None:
        self.by_name = {o.name: o for o in objects}
        self.monitors = monitors
        self.arrays = read_arrays(objects)
        traits = self.arrays.traits
        program = read_program(objects, namespace, varied=(), traits=traits, schedule=schedule)
        spikes = [m for m in monitors if not isinstance(m, b2.StateMonitor)]
        self.window = Window(
            wanted=Wanted(
                budget=Budget.whole(duration_ms),
                settle_ms=0.0,
                spikes=tuple(dict.fromkeys(_watched(m) for m in spikes)),
                samples=tuple(dict.fromkeys(ref for m in monitors for ref in self._sampled(m))),
                sample_ms=program.dt_ms,
                likely_Hz=100.0,
            ),
            dt_ms=program.dt_ms,
        )
        wanted = self.window.wanted
        self.kernel = compile_program(
            program, record=wanted.spikes, sample=wanted.samples, precision="float64", keep=True
        )
        self.block = self._block(objects, namespace)

    def _block(self, objects: Sequence[b2.BrianObject], namespace: Mapping[str, Any]) -> Block:
        seed = int(np.random.randint(2**31))  # noqa: NPY002 - the generator that Brian2's seed() sets
        batch = Batch(
            objects=objects,
            namespace=namespace,
            kinds=Kinds([self.arrays]),
            kind_of=np.zeros(1, dtype=np.int64),
            streams=Streams(seed),
            rebuild=lambda row: objects,
        )
        counted = np.zeros(0, dtype=np.int64)
        return run_block(self.kernel, batch, self.window, batch.streams.numbers(1), range(1), counted)

    def _sampled(self, monitor: Any) -> list[Ref]:
        """The variables that a monitor samples."""
        if not isinstance(monitor, b2.StateMonitor):
            return []
        if monitor.when != "start":
            raise refuse(f"a StateMonitor with when={monitor.when!r}", monitor.name)
        source = cells_of(monitor.source)
        known = {ref for ref in self.arrays.values if ref.group == source.name}
        if isinstance(source, b2.Synapses):
            known = {Ref(source.name, variable) for variable in self.arrays.synapses[source.name].values}
        refs = [Ref(source.name, variable) for variable in monitor.record_variables]
        for ref in refs:
            if ref not in known:
                raise refuse(f"a StateMonitor of {str(ref)!r}, which is no state variable", monitor.name)
        return refs

    def hand_back(self) -> None:
        """Give variables their last values, and monitors what they recorded."""
        assert self.block.last is not None
        for ref, values in self.block.last.items():
            variable = self.by_name[ref.group].variables[ref.variable]
            held = values * self.window.dt_ms / 1000 if ref.variable in LAST else values
            if ref.group in self.arrays.synapses:
                held = held[self.arrays.synapses[ref.group].places]
            variable.set_value(held.astype(variable.dtype))
        for monitor in self.monitors:
            if isinstance(monitor, b2.StateMonitor):
                self._hand_samples(monitor)
            elif isinstance(monitor, b2.SpikeMonitor):
                self._hand_spikes(monitor)
            else:
                self._hand_rate(monitor)

    def _spikes(self, monitor: Any) -> tuple[np.ndarray, np.ndarray]:
        """Cells, from the monitored part's first, and steps of the spikes that a monitor sees."""
        found = self.block.spikes[_watched(monitor)]
        cell = found.cell - first_cell(monitor.source)
        here = (cell >= 0) & (cell < len(monitor.source))
        return cell[here], np.round(found.time_ms[here] / self.window.dt_ms)

    def _hand_spikes(self, monitor: Any) -> None:
        cell, step = self._spikes(monitor)
        if monitor.record:
            for variable, values in (("i", cell), ("t", step * self.window.dt_ms / 1000)):
                monitor.variables[variable].resize(len(cell))
                monitor.variables[variable].set_value(values)
        monitor.variables["N"].set_value(len(cell))
        monitor.variables["count"].set_value(np.bincount(cell, minlength=len(monitor.source)))

    def _hand_rate(self, monitor: Any) -> None:
        _, step = self._spikes(monitor)
        every = self._every(monitor)
        n_steps = -(-self.window.n_steps // every)
        n_spikes = np.bincount((step // every).astype(np.int64), minlength=n_steps)
        monitor.resize(n_steps)
        monitor.variables["rate"].set_value(n_spikes / (len(monitor.source) * monitor.clock.dt_))
        monitor.variables["t"].set_value(np.arange(n_steps) * monitor.clock.dt_)
        monitor.variables["N"].set_value(n_steps)

    def _hand_samples(self, monitor: Any) -> None:
        source, every = cells_of(monitor.source), self._every(monitor)
        cells = monitor.record + first_cell(monitor.source)
        if source.name in self.arrays.synapses:
            cells = self.arrays.synapses[source.name].places[monitor.record]
        n_samples = -(-self.window.n_samples // every)
        monitor.variables["t"].resize(n_samples)
        monitor.variables["t"].set_value(np.arange(n_samples) * monitor.clock.dt_)
        monitor.variables["N"].set_value(n_samples)
        for ref in self._sampled(monitor):
            samples = self.block.samples[str(ref)][:, ::every]
            each = samples[cells] if len(samples) > 1 else samples[np.zeros_like(cells)]
            variable = monitor.variables[ref.variable]
            variable.resize((n_samples, len(cells)))
            variable.set_value(each.T)

    def _every(self, monitor: Any) -> int:
        return round(monitor.clock.dt_ * 1000 / self.window.dt_ms)


def _watched(monitor: Any) -> str:
    """The group whose spikes a monitor sees."""
    others: set[str] = getattr(monitor, "record_variables", set()) - {"i", "t"}
    if others or not is_cells(cells_of(monitor.source)):
        raise refuse(f"a SpikeMonitor of {', '.join(sorted(others)) or 'other sources'}", monitor.name)
    return str(cells_of(monitor.source).name)


all_devices[NAME] = FusedDevice()
