"""A program as the source text of one numba kernel: for every row, for every step, tight loops over cells.

Numbers that do not change come in as arguments, so that the source, and with it the compiled code, depends
on the circuit's structure alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spiking.engines.fused.parts import Pathway, Program
from spiking.engines.fused.spread import write_pathway_room, write_pathway_start
from spiking.engines.fused.steps import write_steps
from spiking.engines.fused.text import Expressions
from spiking.engines.fused.writer import Writer
from spiking.refs import Ref

__all__ = ["MAX_CELLS", "SPACING", "Source", "write_source"]

_HEADER = '''"""One row's circuit, compiled from Brian2 objects. Generated; edits are lost."""

import math

import numpy as np
from numba import njit

from spiking.engines.fused.exp import exp32, exp64
from spiking.engines.fused.functions import clip, exprel32, exprel64, lookup, sign, tanh32, tanh64, whole
from spiking.engines.fused.random import normal32, normal64, row_key, uniform32, uniform64
from spiking.engines.fused.simd import lowest_bit, prefer_wide_vectors
{more}
F = np.{real}
I = np.int32
U = np.uint64
SPACING = {spacing}
FAST = {{"contract", "nsz", "arcp", "afn"}}  # no reassociation: sums are formed in the order written

'''
SPACING = 16  # cells: loops go over whole vectors of so many, and arrays begin on cache lines of their own
MAX_CELLS = 2**20  # per row: the cell's share of the random counter
DTYPES = {"bool": "np.bool_", "int": "np.int64"}


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
            *(f"index_of_{ref.identifier}" for ref in self.indices),
            *(f"counts_{name}" for name in self.spiking),
            *(f"{part}_{name}" for name in self.record for part in ("all_events", "n_events")),
            *(f"all_samples_{ref.identifier}" for ref in self.sample),
        )


def write_source(
    program: Program, *, record: Sequence[str], sample: Sequence[Ref], precision: str, lead: bool = False
) -> Source:
    """Write the kernel of a program.

    Parameters
    ----------
    program : Program
    record : sequence of str
        The groups whose spikes can be recorded one by one.
    sample : sequence of Ref
        The variables that can be sampled at regular times.
    precision : {"float32", "float64"}
    lead : bool
        Whether a row can end when one key of the first recorded group leads.
    """
    expressions = Expressions(tables=program.tables, single=precision == "float32")
    writer = Writer(program=program, expressions=expressions)
    cells, bundles = program.cells.values(), program.bundles.values()
    source = Source(
        text="",
        arrays=tuple(ref for g in cells for ref in g.arrays),
        indices=tuple(ref for g in cells for ref in g.links),
        lists=tuple(ref for b in bundles for ref in b.arrays),
        listed=tuple(b.name for b in bundles if not b.complete),
        groups=tuple(g.name for g in cells),
        bundles=tuple(program.bundles),
        spiking=tuple(g.name for g in cells if g.spikes),
        record=tuple(record),
        sample=tuple(sample),
        lead=lead,
        floats=(),
        doubles=(),
        ints=(),
    )
    _rooms(writer, source)
    _row(writer, source)
    _loop(writer, source)
    inner, writer.lines = writer.lines, []
    _signature(writer, source)  # last, when all constants are known
    imports = dict.fromkeys(line for part in program.unstepped for line in part.imports)
    header = _HEADER.format(real=precision, spacing=SPACING, more="".join(f"{line}\n" for line in imports))
    return replace(
        source,
        text=header + "\n".join(writer.lines + inner) + "\n",
        floats=tuple(expressions.floats),
        doubles=tuple(expressions.doubles),
        ints=tuple(expressions.ints),
    )


def _signature(writer: Writer, source: Source) -> None:
    """The kernel's head, and the constants.

    All is one function: what numba calls, it may optimise differently when it comes from the cache.
    """
    arguments = ["streams", "seed", "n_steps", "n_settle", "n_spikes", "every", "max_samples"]
    arguments += ["n_lead"] if source.lead else []
    arguments += ["c", "d", "k", "units", "since", "scalars"]
    arguments += [
        *(f"table__{name}" for name in writer.program.tables),
        *source.arguments,
        *(name for part in writer.program.unstepped for name in part.arguments),
        "n_run",
        "scratch",
    ]
    writer.line(0, "@njit(nogil=True, error_model='numpy', fastmath=FAST)")
    writer.line(0, f"def kernel({', '.join(arguments)}):")
    writer.line(1, "prefer_wide_vectors()")
    for n, _ in enumerate(writer.expressions.floats):
        writer.line(1, f"c{n} = c[{n}]")
    for n, _ in enumerate(writer.expressions.doubles):
        writer.line(1, f"d{n} = d[{n}]")
    for n, _ in enumerate(writer.expressions.ints):
        writer.line(1, f"k{n} = k[{n}]")
    for n, group in enumerate(source.spiking):
        writer.line(1, f"unit_{group}, since_{group} = units[{n}], since[{n}]")
    writer.line(1, f"n_draws = {writer.expressions.n_draws}")


def _rooms(writer: Writer, source: Source) -> None:
    """Room for the largest row, used by one row after another: to ask for memory takes longer than many a step."""
    for group in source.groups:
        writer.line(1, f"most_{group} = 0")
        writer.line(1, "for r in range(n_run.size):")
        writer.line(2, f"most_{group} = max(most_{group}, start_{group}[r + 1] - start_{group}[r])")
        writer.line(1, f"room_{group} = (most_{group} + SPACING - 1) & -SPACING")
    for ref in source.arrays:
        if not _is_float(writer, ref):
            dtype = "np.int32" if ref.variable == "lastspike" else DTYPES[writer.kind(ref.identifier)]
            writer.line(1, f"a_{ref.identifier} = np.empty(room_{ref.group}, {dtype})")
    for ref in source.indices:
        writer.line(1, f"index_{ref.identifier} = np.zeros(room_{ref.group}, np.int32)")
    for group in (g for g in source.spiking if writer.program.cells[g].stepped):
        writer.line(1, f"tally_{group} = np.empty(most_{group}, np.int64)")
        writer.line(1, f"fired_{group} = np.empty(most_{group}, np.int32)")
        writer.line(1, f"flag_{group} = np.zeros(room_{group}, np.uint8)")
        writer.line(1, f"words_{group} = flag_{group}.view(U)")
    for step in writer.program.steps:
        if isinstance(step, Pathway):
            write_pathway_room(writer, step)
    if source.lead:
        counted = source.record[0]
        writer.line(1, f"of_key = np.empty(max(1, most_{counted} // unit_{counted}), np.int64)")
    for part in writer.program.unstepped:
        part.write_kernel(writer)


def _row(writer: Writer, source: Source) -> None:
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
    for group in source.record:
        writer.line(2, f"events_{group} = all_events_{group}[r]")
        writer.line(2, f"found_{group} = 0")
    for group, name in ((ref.group, ref.identifier) for ref in source.sample):
        here = f"first_{group}:last_{group}" if writer.is_array(name) else "r : r + 1"
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
    return writer.kind(ref.identifier) == "float" and ref.variable != "lastspike"


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


def _loop(writer: Writer, source: Source) -> None:
    """The loop over steps, and what happens at the start of each."""
    writer.line(2, "for step64 in range(n_steps):")
    writer.line(3, "step = I(step64)")
    if writer.program.reads_time:
        writer.line(3, f"t = F(step64 * {writer.expressions.real(writer.program.dt_ms / 1000)})")
    if source.sample:
        _sample(writer, source.sample)
    write_steps(writer, source.record, lead=source.lead)
    if source.record:
        writer.line(3, f"if found_{source.record[0]} >= n_spikes:")
        writer.line(4, "break")
    if source.lead:
        _lead(writer, source.record[0])
    for part in writer.program.unstepped:
        part.write_end(writer)
    for group in (g for g in source.spiking if writer.program.cells[g].stepped):
        unit = f"unit_{group}"
        writer.line(2, f"for i in range(n_{group} // {unit}):")
        writer.line(3, f"for number in tally_{group}[i * {unit} : (i + 1) * {unit}]:")
        writer.line(4, f"count_{group}[i] += number")
    for group in source.record:
        writer.line(2, f"n_events_{group}[r] = found_{group}")
    writer.line(2, "n_run[r] = step64 + 1")


def _lead(writer: Writer, counted: str) -> None:
    """Count this step's spikes by key, and end the row if one key leads by enough."""
    writer.line(3, f"if spikes_{counted} > 0 and step64 >= n_settle:")
    writer.line(4, f"for n in range(spikes_{counted}):")
    writer.line(5, f"of_key[fired_{counted}[n] // unit_{counted}] += 1")
    writer.line(4, "best, second = 0, 0")
    writer.line(4, "for number in of_key[:n_of_key]:")
    writer.line(5, "if number > best:")
    writer.line(6, "best, second = number, best")
    writer.line(5, "elif number > second:")
    writer.line(6, "second = number")
    writer.line(4, "if best - second >= n_lead:")
    writer.line(5, "break")


def _sample(writer: Writer, sample: Sequence[Ref]) -> None:
    writer.line(3, "if step64 == until_sample and n_samples < max_samples:")
    for name in (ref.identifier for ref in sample):
        if writer.is_array(name):
            writer.line(4, f"for i in range(samples_{name}.shape[0]):")
            writer.line(5, f"samples_{name}[i, n_samples] = a_{name}[i]")
        else:
            writer.line(4, f"samples_{name}[0, n_samples] = {name}")
    writer.line(4, "n_samples += 1")
    writer.line(4, "until_sample += every")
