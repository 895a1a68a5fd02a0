"""A row's arrays, scalars and buffers, as lines of a kernel: asked for once, filled as each row begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spiking.engines.fused.names import LAST, SIZE
from spiking.engines.fused.parts import Given, Pathway, Program, Threshold, Transmission
from spiking.engines.fused.plastic import (
    arguments,
    write_sources,
    write_transmission_room,
    write_transmission_start,
)
from spiking.engines.fused.spread import write_pathway_room, write_pathway_start
from spiking.engines.fused.writer import Writer
from spiking.refs import Ref

__all__ = ["Source", "arguments_of_steps", "write_keep", "write_rooms", "write_row"]

_DTYPES = {"bool": "np.bool_", "int": "np.int64"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Text of a kernel, and what it wants to be given by name."""

    text: str
    arrays: tuple[Ref, ...]  # state arrays
    indices: tuple[Ref, ...]  # linked variables, for the cells that they read
    lists: tuple[Ref, ...]  # variables of synapses
    listed: tuple[str, ...]  # bundles whose synapses are listed one by one
    groups: tuple[str, ...]  # groups, for the cells of each row
    bundles: tuple[str, ...]  # bundles, for the synapses of each row
    spiking: tuple[str, ...]  # groups whose spikes are counted
    record: tuple[str, ...]  # groups whose spikes can be recorded; the first can end a row
    sample: tuple[Ref, ...]  # variables that can be sampled
    lead: bool  # whether a row can end when one key leads
    keep: bool  # whether rows leave their last values in the arrays that they came in
    of_steps: tuple[str, ...]  # what steps bring besides: the orders of synapses, given spikes
    floats: tuple[float, ...]
    doubles: tuple[float, ...]
    ints: tuple[int, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that hold something of each row."""
        return (
            *(f"start_{name}" for name in (*self.groups, *self.bundles)),
            *(f"all_{ref.identifier}" for ref in (*self.arrays, *self.lists)),
            *(f"{part}_{name}" for name in self.listed for part in ("all_first_of", "all_cells_of")),
            *self.of_steps,
            *(f"index_of_{ref.identifier}" for ref in self.indices),
            *(f"counts_{name}" for name in self.spiking),
            *(f"{part}_{name}" for name in self.record for part in ("all_events", "n_events")),
            *(f"all_samples_{ref.identifier}" for ref in self.sample),
        )


def arguments_of_steps(program: Program) -> Iterator[str]:
    """Arguments that steps bring: the orders of synapses, given spikes."""
    yield from (f"all_sources_of_{b.name}" for b in program.bundles.values() if b.sources)
    for step in program.listing:
        if isinstance(step, Transmission):
            yield from arguments(step)
        else:
            yield from (
                f"{part}_{step.group}" for part in ("start_given", "all_steps_of", "all_cells_in", "periods")
            )


def write_rooms(writer: Writer, source: Source) -> None:
    """Room for the largest row, used by one row after another: to ask for memory takes longer than many a step."""
    for group in source.groups:
        writer.line(1, f"most_{group} = 0")
        writer.line(1, "for r in range(n_run.size):")
        writer.line(2, f"most_{group} = max(most_{group}, start_{group}[r + 1] - start_{group}[r])")
        writer.line(1, f"room_{group} = (most_{group} + SPACING - 1) & -SPACING")
    for ref in source.arrays:
        if not _is_float(writer, ref):
            dtype = "np.int32" if ref.variable in LAST else _DTYPES[writer.kind(ref.identifier)]
            writer.line(1, f"a_{ref.identifier} = np.empty(room_{ref.group}, {dtype})")
    for ref in source.indices:
        writer.line(1, f"index_{ref.identifier} = np.zeros(room_{ref.group}, np.int32)")
    for group in (g for g in source.spiking if writer.program.cells[g].stepped):
        writer.line(1, f"tally_{group} = np.empty(most_{group}, np.int64)")
        writer.line(1, f"fired_{group} = np.empty(most_{group}, np.int32)")
        writer.line(1, f"flag_{group} = np.zeros(room_{group}, np.uint8)")
        writer.line(1, f"words_{group} = flag_{group}.view(U)")
    for step in writer.program.steps:
        if isinstance(step, Threshold) and step.channel != step.group:
            writer.line(1, f"fired_{step.channel} = np.empty(most_{step.group}, np.int32)")
            writer.line(1, f"flag_{step.channel} = np.zeros(room_{step.group}, np.uint8)")
            writer.line(1, f"words_{step.channel} = flag_{step.channel}.view(U)")
    for step in writer.program.steps:
        if isinstance(step, Pathway):
            write_pathway_room(writer, step)
        elif isinstance(step, Transmission):
            write_transmission_room(writer, step)
    if source.lead:
        counted = source.record[0]
        writer.line(1, f"of_key = np.empty(max(1, most_{counted} // unit_{counted}), np.int64)")
    for part in writer.program.unstepped:
        part.write_kernel(writer)


def write_row(writer: Writer, source: Source) -> None:
    """One row's arrays, scalars and buffers."""
    writer.line(1, "for r in range(n_run.size):")
    writer.line(2, "key = row_key(seed, streams[r])")
    for name in (*source.groups, *source.bundles):
        writer.line(2, f"first_{name}, last_{name} = start_{name}[r], start_{name}[r + 1]")
    for group in source.groups:
        writer.line(2, f"n_{group} = last_{group} - first_{group}")
        writer.line(2, f"whole_{group} = (n_{group} + SPACING - 1) & -SPACING")
    writer.line(2, "free = 0")
    for ref in source.arrays:
        _state(writer, ref)
    for group, name in ((ref.group, ref.identifier) for ref in source.indices):
        writer.line(2, f"for i in range(n_{group}):")
        writer.line(3, f"index_{name}[i] = index_of_{name}[first_{group} + i]")
        writer.line(2, f"for i in range(n_{group}, whole_{group}):")
        writer.line(3, f"index_{name}[i] = 0")
        _room(writer, f"fetched_{name}", group)
    for ref in source.lists:
        here = f"first_{ref.group}:last_{ref.group}"
        writer.line(2, f"a_{ref.identifier} = all_{ref.identifier}[{here}]")
    for bundle in source.listed:
        _list(writer, bundle)
    for synapses in writer.program.bundles.values():
        write_sources(writer, synapses)
    for group in (g for g in source.groups if f"{SIZE}{g}" in writer.program.reads):
        writer.line(2, f"{SIZE}{group} = F(n_{group})")
    for group in source.spiking:
        unit = f"unit_{group}"
        writer.line(2, f"count_{group} = counts_{group}[first_{group} // {unit} : last_{group} // {unit}]")
        if writer.program.cells[group].stepped:
            writer.line(2, f"for i in range(n_{group}):")
            writer.line(3, f"tally_{group}[i] = 0")
    for n, ref in enumerate(writer.program.scalars):
        writer.line(2, f"{ref.identifier} = scalars[r, {n}]")
    for step in writer.program.steps:
        if isinstance(step, Pathway):
            write_pathway_start(writer, step)
        elif isinstance(step, Transmission):
            write_transmission_start(writer, step)
        elif isinstance(step, Given):
            _given(writer, step.group)
    for group in source.record:
        writer.line(2, f"events_{group} = all_events_{group}[r]")
        writer.line(2, f"found_{group} = 0")
    for group, name in ((ref.group, ref.identifier) for ref in source.sample):
        each = writer.is_array(name) or name in writer.program.synaptic
        here = f"first_{group}:last_{group}" if each else "r : r + 1"
        writer.line(2, f"samples_{name} = all_samples_{name}[{here}]")
    for part in writer.program.unstepped:
        part.write_row(writer)
    writer.line(2, "n_samples = 0")
    writer.line(2, "until_sample = n_settle")
    if source.lead:
        counted = source.record[0]
        writer.line(2, f"n_of_key = n_{counted} // unit_{counted}")
        writer.line(2, "for i in range(n_of_key):")
        writer.line(3, "of_key[i] = 0")


def _state(writer: Writer, ref: Ref) -> None:
    """A state array of the row, copied to where numbers lie close together and fill whole vectors.

    The cells that fill the last vector are none: nan crosses no threshold, and what else is done with them
    is done for nothing.
    """
    group, name, filling = ref.group, ref.identifier, "F(np.nan)"
    if _is_float(writer, ref):
        _room(writer, f"a_{name}", group)
    else:
        filling = "0"
    writer.line(2, f"for i in range(n_{group}):")  # assigning slices takes numba ten times as long to compile
    writer.line(3, f"a_{name}[i] = all_{name}[first_{group} + i]")
    writer.line(2, f"for i in range(n_{group}, whole_{group}):")
    writer.line(3, f"a_{name}[i] = {filling}")


def _is_float(writer: Writer, ref: Ref) -> bool:
    return writer.kind(ref.identifier) == "float" and ref.variable not in LAST


def _room(writer: Writer, name: str, group: str) -> None:
    """Room for a number per cell, on cache lines of its own."""
    writer.line(2, f"{name} = scratch[free : free + whole_{group}]")
    writer.line(2, f"free += whole_{group}")


def _list(writer: Writer, bundle: str) -> None:
    """The row's synapses: their target cells, and where those of each source cell begin."""
    source = writer.program.bundles[bundle].source
    here = f"first_{source} + r : last_{source} + r + 1"  # one more than source cells
    writer.line(2, f"first_of_{bundle} = all_first_of_{bundle}[{here}]")
    writer.line(2, f"cells_of_{bundle} = all_cells_of_{bundle}[first_{bundle}:last_{bundle}]")


def _given(writer: Writer, group: str) -> None:
    """The row's given spikes, before the first of them."""
    here = f"start_given_{group}[r] : start_given_{group}[r + 1]"
    for part in ("steps_of", "cells_in"):
        writer.line(2, f"{part}_{group} = all_{part}_{group}[{here}]")
    writer.line(2, f"period_{group} = periods_{group}[r]")
    writer.line(2, f"at_{group} = 0")


def write_keep(writer: Writer, source: Source) -> None:
    """The last values of the row's variables, where they came from; those of synapses are there already."""
    for group, name in ((ref.group, ref.identifier) for ref in source.arrays):
        writer.line(2, f"for i in range(n_{group}):")
        writer.line(3, f"all_{name}[first_{group} + i] = a_{name}[i]")
    for n, ref in enumerate(writer.program.scalars):
        writer.line(2, f"scalars[r, {n}] = {ref.identifier}")
