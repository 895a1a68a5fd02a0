"""The arrays that a few rows bring into a kernel: sizes, states, lists of synapses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spiking.batch import Batch, Own
from spiking.engines.fused.kernel import Kernel
from spiking.engines.fused.parts import Transmission
from spiking.engines.fused.source import SPACING
from spiking.refs import Ref

__all__ = ["group_sizes", "lists", "long_ago", "of_steps", "scalars", "scratch", "starts", "states"]

_NEVER_S = -1e4  # Brian2's last spike of a cell that never spiked

Arrays = dict[str, np.ndarray]  # argument of the kernel -> array


def long_ago(kernel: Kernel) -> int:
    """The step of the last spike of a cell that never spiked."""
    return -min(2**30, round(-_NEVER_S * 1000 / kernel.program.dt_ms))


def group_sizes(batch: Batch, rows: range) -> dict[str, np.ndarray]:
    """Cells per row of every group, each (n_rows,)."""
    return {group: batch.n_cells(group)[rows.start : rows.stop] for group in batch.groups}


def starts(sizes: np.ndarray) -> np.ndarray:
    """Where each row begins, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def scratch(kernel: Kernel, sizes: Mapping[str, np.ndarray]) -> np.ndarray:
    """Room for the state of the largest row, aligned to cache lines, which saves 4 % (measured)."""
    room = sum(
        int(sizes[ref.group].max()) + SPACING for ref in (*kernel.source.arrays, *kernel.source.indices)
    )
    buffer = np.empty(room + SPACING, dtype=kernel.real)
    skip = -buffer.ctypes.data % 64 // kernel.real.itemsize
    return buffer[skip : skip + room]


def states(kernel: Kernel, batch: Batch, rows: range, own: Own, sizes: Mapping[str, np.ndarray]) -> Arrays:
    """The state arrays of the rows, one row after another."""
    return {
        f"all_{ref.identifier}": _state(kernel, ref, batch, rows, own, int(sizes[ref.group].sum()))
        for ref in kernel.source.arrays
    }


def _state(kernel: Kernel, ref: Ref, batch: Batch, rows: range, own: Own, total: int) -> np.ndarray:
    if ref.variable == "lastspike":
        return np.full(total, long_ago(kernel), dtype=np.int32)
    kind = kernel.program.cells[ref.group].kinds[ref.variable]
    dtype = {"float": kernel.real, "bool": np.dtype(bool), "int": np.dtype(np.int64)}[kind]
    return batch.values(ref, rows, own).astype(dtype)


def scalars(kernel: Kernel, batch: Batch, rows: range, own: Own) -> np.ndarray:
    """What each row holds once, (n_rows, n_scalars)."""
    found = np.empty((len(rows), max(1, len(kernel.program.scalars))), dtype=kernel.real)
    for n, ref in enumerate(kernel.program.scalars):
        if ref in kernel.program.begins:
            found[:, n] = kernel.program.begins[ref]
        else:
            found[:, n] = own[ref] if ref in own else batch.first_values(ref, rows)
    return found


def lists(kernel: Kernel, batch: Batch, rows: range, own: Own, sizes: Mapping[str, np.ndarray]) -> Arrays:
    """The rows' synapses: where they begin, their own variables, lists; and what linked variables read."""
    found: Arrays = {}
    for bundle in (kernel.program.bundles[name] for name in kernel.source.bundles):
        n_source, n_target = sizes[bundle.source], sizes[bundle.target]
        if bundle.complete:
            found[f"start_{bundle.name}"] = starts(n_source * n_target)
        else:
            firsts = batch.first_synapses(bundle.name, rows)
            found[f"all_first_of_{bundle.name}"] = firsts.astype(np.int32)
            found[f"all_cells_of_{bundle.name}"] = batch.ends(bundle.name, "target", rows).astype(np.int32)
            found[f"start_{bundle.name}"] = starts(firsts[np.cumsum(n_source + 1) - 1])
        if bundle.sources:
            found[f"all_sources_of_{bundle.name}"] = batch.ends(bundle.name, "source", rows).astype(np.int32)
    for ref in kernel.source.lists:
        if ref.variable == "lastupdate":
            found[f"all_{ref.identifier}"] = np.zeros(found[f"start_{ref.group}"][-1], dtype=np.int32)
        else:
            found[f"all_{ref.identifier}"] = batch.weights(ref, rows, own).astype(kernel.real)
    for ref in kernel.source.indices:
        found[f"index_of_{ref.identifier}"] = batch.links(ref, rows).astype(np.int32)
    return found


def of_steps(kernel: Kernel, batch: Batch, rows: range) -> Arrays:
    """The orders in which spikes reach synapses, and given spikes."""
    found: Arrays = {}
    for step in kernel.program.listing:
        if isinstance(step, Transmission):
            pathway = step.name.removeprefix(f"{step.bundle}_")
            order, first, delays_s = batch.route(step.bundle, pathway, rows, backward=step.backward)
            dt_s = step.every * kernel.program.dt_ms / 1000
            found[f"all_order_of_{step.name}"] = order.astype(np.int32)
            found[f"all_first_in_{step.name}"] = first.astype(np.int32)
            found[f"all_delay_in_{step.name}"] = (delays_s / dt_s + 0.5).astype(np.int32)
        else:
            given = batch.given_spikes(step.group, rows)
            found[f"start_given_{step.group}"] = starts(np.array([len(g.steps) for g in given]))
            found[f"all_steps_of_{step.group}"] = np.concatenate([g.steps for g in given]).astype(np.int64)
            found[f"all_cells_in_{step.group}"] = np.concatenate([g.cells for g in given]).astype(np.int32)
            found[f"periods_{step.group}"] = np.array([g.period for g in given], dtype=np.int64)
    return found
