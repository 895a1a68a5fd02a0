"""A program as the source text of one numba kernel: for every row, for every step, tight loops over cells.

Numbers that do not change come in as arguments, so that the source, and with it the compiled code, depends
on the circuit's structure alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spiking.engines.fused.frame import Source, arguments_of_steps, write_keep, write_rooms, write_row
from spiking.engines.fused.parts import Program
from spiking.engines.fused.steps import write_steps
from spiking.engines.fused.text import Expressions
from spiking.engines.fused.writer import Writer
from spiking.refs import Ref

__all__ = ["MAX_CELLS", "SPACING", "write_source"]

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


def write_source(
    program: Program,
    *,
    record: Sequence[str],
    sample: Sequence[Ref],
    precision: str,
    lead: bool = False,
    keep: bool = False,
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
    keep : bool
        Whether rows leave their last values in the arrays that they came in.
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
        keep=keep,
        of_steps=tuple(arguments_of_steps(program)),
        floats=(),
        doubles=(),
        ints=(),
    )
    write_rooms(writer, source)
    write_row(writer, source)
    _loop(writer, source)
    inner, writer.lines = writer.lines, []
    _signature(writer, source)  # last, when all constants are known
    imports = dict.fromkeys(line for part in program.unstepped for line in part.imports)
    imports |= expressions.imports
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
    if source.keep:
        write_keep(writer, source)
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
        if writer.is_array(name) or name in writer.program.synaptic:
            writer.line(4, f"for i in range(samples_{name}.shape[0]):")
            writer.line(5, f"samples_{name}[i, n_samples] = a_{name}[i]")
        else:
            writer.line(4, f"samples_{name}[0, n_samples] = {name}")
    writer.line(4, "n_samples += 1")
    writer.line(4, "until_sample += every")
