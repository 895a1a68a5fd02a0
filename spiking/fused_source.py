"""A program as the source text of one numba kernel: for every row, for every step, tight loops over cells.

Loops over cells hold no branch, so that the compiler turns them into SIMD: updates end in the question
whether any cell crossed its threshold, and only then are the cells searched. Synaptic sums wait in ring
buffers of spike counts. Numbers that do not change come in as arguments, so that the source, and with it
the compiled code, depends on the circuit's structure alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from spiking.fused_fold import names
from spiking.fused_program import Assignment, Cells, Code, Pathway, Program, Reset, Threshold
from spiking.fused_text import Expressions

__all__ = ["MAX_CELLS", "SPACING", "Source", "write_source"]

_HEADER = '''"""One row's circuit, compiled from Brian2 objects. Generated; edits are lost."""

import math

import numpy as np
from numba import njit

from spiking.fused_exp import exp32, exp64
from spiking.fused_math import clip, exprel, lookup, sign
from spiking.fused_random import normal32, normal64, row_key, uniform32, uniform64
from spiking.fused_simd import prefer_wide_vectors

F = np.{real}
I = np.int32
SPACING = {spacing}
FAST = {{"contract", "nsz", "arcp", "afn"}}  # no reassociation: sums are formed in the order written

'''
SPACING = 16  # floats: state arrays of a row begin on cache lines of their own
MAX_CELLS = 2**20  # per row: the cell's share of the random counter


@dataclass(frozen=True, kw_only=True)
class Source:
    """Text of a kernel and the order of its arguments."""

    text: str
    arrays: tuple[str, ...]  # state arrays (`group__variable`)
    groups: tuple[str, ...]  # groups, for the cells of each row
    spiking: tuple[str, ...]  # groups whose spikes are counted
    floats: tuple[float, ...]
    ints: tuple[int, ...]


@dataclass
class _Writer:
    program: Program
    record: str  # the group whose spikes are recorded one by one
    sample: str  # the scalar that is sampled
    expressions: Expressions
    lines: list[str] = field(default_factory=list)

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def is_array(self, name: str) -> bool:
        group, _, variable = name.partition("__")
        return group in self.program.cells and variable in self.program.cells[group].arrays

    def kind(self, name: str) -> str:
        group, _, variable = name.partition("__")
        return self.program.cells[group].kinds[variable] if group in self.program.cells else "temporary"

    def loads(self, depth: int, used: set[str]) -> None:
        for name in sorted(n for n in used if self.is_array(n)):
            self.line(depth, f"{name} = a_{name}[i]")

    def assign(self, depth: int, a: Assignment, *, rare: bool = False) -> None:
        value = self.expressions.text(a.value, rare=rare)
        if self.kind(a.target) == "float":
            value = f"F({value})"
        if a.guard is not None:
            value = f"{value} if {a.guard} else {a.target}"
        self.line(depth, f"{a.target} = {value}")

    def body(self, depth: int, body: tuple[Assignment, ...], *, rare: bool = False) -> None:
        """Load what the statements touch, run them, store what they wrote."""
        used = set().union(*(names(a.value) | {a.target} | ({a.guard} if a.guard else set()) for a in body))
        self.loads(depth, used)
        for a in body:
            self.assign(depth, a, rare=rare)
        for name in dict.fromkeys(a.target for a in body if self.is_array(a.target)):
            self.line(depth, f"a_{name}[i] = {name}")


def write_source(program: Program, *, record: str, sample: str, precision: str) -> Source:
    """Write the kernel of a program.

    Parameters
    ----------
    program : Program
    record : str
        The group whose spikes can be recorded one by one.
    sample : str
        The scalar (`group__variable`) that can be sampled at regular times.
    precision : {"float32", "float64"}
    """
    expressions = Expressions(tables=program.tables, single=precision == "float32")
    writer = _Writer(program=program, record=record, sample=sample, expressions=expressions)
    arrays = tuple(f"{g.name}__{v}" for g in program.cells.values() for v in g.arrays)
    groups = tuple(g.name for g in program.cells.values() if g.arrays)
    spiking = tuple(g.name for g in program.cells.values() if g.spikes)
    _row(writer, arrays, groups, spiking)
    _loop(writer)
    inner, writer.lines = writer.lines, []
    _signature(writer, arrays, groups, spiking)  # last, when all constants are known
    text = _HEADER.format(real=precision, spacing=SPACING) + "\n".join(writer.lines + inner) + "\n"
    return Source(
        text=text,
        arrays=arrays,
        groups=groups,
        spiking=spiking,
        floats=tuple(expressions.floats),
        ints=tuple(expressions.ints),
    )


def _signature(
    writer: _Writer, arrays: tuple[str, ...], groups: tuple[str, ...], spiking: tuple[str, ...]
) -> None:
    """The kernel's head, and the constants.

    All is one function: what numba calls, it may optimise differently when it comes from the cache.
    """
    arguments = ["streams", "seed", "n_steps", "n_settle", "n_spikes", "every", "c", "k", "units"]
    arguments += (
        [f"table__{name}" for name in writer.program.tables]
        + [f"start_{g}" for g in groups]
        + [f"all_{a}" for a in arrays]
    )
    arguments += [f"counts_{g}" for g in spiking] + [
        "all_events",
        "n_events",
        "n_run",
        "all_samples",
        "scratch",
    ]
    writer.line(0, "@njit(nogil=True, cache=True, error_model='numpy', fastmath=FAST)")
    writer.line(0, f"def kernel({', '.join(arguments)}):")
    writer.line(1, "prefer_wide_vectors()")
    for n, _ in enumerate(writer.expressions.floats):
        writer.line(1, f"c{n} = c[{n}]")
    for n, _ in enumerate(writer.expressions.ints):
        writer.line(1, f"k{n} = k[{n}]")
    for n, group in enumerate(spiking):
        writer.line(1, f"unit_{group} = units[{n}]")
    writer.line(1, f"n_draws = {writer.expressions.n_draws}")


def _row(writer: _Writer, arrays: tuple[str, ...], groups: tuple[str, ...], spiking: tuple[str, ...]) -> None:
    """One row's arrays, scalars and buffers."""
    writer.line(1, "for r in range(n_events.size):")
    writer.line(2, "key = row_key(seed, streams[r])")
    for group in groups:
        writer.line(2, f"first_{group}, last_{group} = start_{group}[r], start_{group}[r + 1]")
        writer.line(2, f"n_{group} = last_{group} - first_{group}")
    writer.line(2, "free = 0")
    for name in arrays:
        group = name.split("__")[0]
        here = f"all_{name}[first_{group}:last_{group}]"
        if writer.kind(name) != "float" or name.endswith("__lastspike"):
            writer.line(2, f"a_{name} = {here}")
            continue
        writer.line(2, f"a_{name} = scratch[free : free + n_{group}]")
        writer.line(2, f"a_{name}[:] = {here}")
        writer.line(2, f"free += n_{group} + SPACING - n_{group} % SPACING")
    for group in spiking:
        unit = f"unit_{group}"
        writer.line(2, f"count_{group} = counts_{group}[first_{group} // {unit} : last_{group} // {unit}]")
        writer.line(2, f"fired_{group} = np.empty(n_{group}, np.int32)")
    for name in writer.program.scalars:
        writer.line(2, f"{name} = {writer.expressions.real(writer.program.start[name])}")
    for step in writer.program.steps:
        if isinstance(step, Pathway):
            writer.line(2, f"delay_{step.name} = {writer.expressions.whole(step.delay)}")
            writer.line(2, f"ring_{step.name} = np.zeros(delay_{step.name} + 1, np.int32)")
            writer.line(2, f"slot_{step.name} = 0")
    writer.line(2, "events, samples = all_events[r], all_samples[r]")
    writer.line(2, "found = 0")
    writer.line(2, "n_samples = 0")
    writer.line(2, "until_sample = n_settle")


def _loop(writer: _Writer) -> None:
    """The loop over steps, and what happens at the start of each."""
    writer.line(2, "for step64 in range(n_steps):")
    writer.line(3, "step = I(step64)")
    if any("t" in names(a.value) for s in writer.program.steps for a in getattr(s, "body", ())):
        writer.line(3, f"t = F(step64 * {writer.expressions.real(writer.program.dt_ms / 1000)})")
    writer.line(3, "if step64 == until_sample and n_samples < samples.size:")
    writer.line(4, f"samples[n_samples] = {writer.sample}")
    writer.line(4, "n_samples += 1")
    writer.line(4, "until_sample += every")
    _steps(writer)
    writer.line(3, "if found >= n_spikes:")
    writer.line(4, "break")
    writer.line(2, "n_events[r] = found")
    writer.line(2, "n_run[r] = step64 + 1")


def _steps(writer: _Writer) -> None:
    """Everything that happens within one time step, in the order of the schedule."""
    steps = writer.program.steps
    asked: set[str] = set()
    for n, step in enumerate(steps):
        cells = writer.program.cells[step.target if isinstance(step, Pathway) else step.group]
        if isinstance(step, Code):
            _code(writer, step, _threshold_after(writer, n))
            if _threshold_after(writer, n) is not None:
                asked.add(step.group)
        elif isinstance(step, Threshold):
            _threshold(writer, step, cells, asked=step.group in asked)
        elif isinstance(step, Pathway):
            _pathway(writer, step)
        else:
            _reset(writer, step)


def _threshold_after(writer: _Writer, position: int) -> Threshold | None:
    """The threshold that can be asked in the loop of this step: nothing between changes what it reads."""
    steps = writer.program.steps
    this = steps[position]
    assert isinstance(this, Code)
    if not any(writer.is_array(a.target) for a in this.body):
        return None
    for n in range(position + 1, len(steps)):
        step = steps[n]
        if isinstance(step, Threshold) and step.group == this.group:
            between = {a.target for s in steps[position + 1 : n] for a in getattr(s, "body", ())}
            return None if names(step.condition) & between else step
    return None


def _code(writer: _Writer, step: Code, threshold: Threshold | None) -> None:
    if not any(writer.is_array(a.target) for a in step.body):
        for a in step.body:
            writer.assign(3, a)
        return
    if threshold is not None:
        writer.line(3, f"any_{step.group} = I(0)")
    writer.line(3, f"for i in range(n_{step.group}):")
    writer.body(4, step.body)
    if threshold is not None:
        touched = set().union(*(names(a.value) | {a.target, a.guard or ""} for a in step.body))
        writer.loads(4, names(threshold.condition) - touched)
        _ask(writer, step.group, threshold)


def _ask(writer: _Writer, group: str, threshold: Threshold) -> None:
    writer.line(4, f"any_{group} = I(1) if {writer.expressions.text(threshold.condition)} else any_{group}")


def _threshold(writer: _Writer, step: Threshold, cells: Cells, *, asked: bool) -> None:
    """Search for the cells above threshold, if there is any; count and record them."""
    group = step.group
    if not asked:
        writer.line(3, f"any_{group} = I(0)")
        writer.line(3, f"for i in range(n_{group}):")
        writer.loads(4, names(step.condition))
        _ask(writer, group, step)
    writer.line(3, f"spikes_{group} = 0")
    writer.line(3, f"if any_{group} > 0:")
    writer.line(4, f"for i in range(n_{group}):")
    writer.loads(5, names(step.condition))
    writer.line(5, f"if {writer.expressions.text(step.condition)}:")
    writer.line(6, f"fired_{group}[spikes_{group}] = i")
    writer.line(6, f"spikes_{group} += 1")
    if cells.refractory:
        writer.line(6, f"a_{group}__lastspike[i] = step")
        writer.line(6, f"a_{group}__not_refractory[i] = False")
    writer.line(6, "if step64 >= n_settle:")
    writer.line(7, f"count_{group}[i // unit_{group}] += 1")
    if group == writer.record:
        writer.line(7, "if found < events.shape[0]:")
        writer.line(8, "events[found, 0] = step")
        writer.line(8, "events[found, 1] = i")
        writer.line(7, "found += 1")


def _pathway(writer: _Writer, step: Pathway) -> None:
    """Put this step's spikes into the ring, take out those that arrive."""
    ring, slot, delay = (f"{part}_{step.name}" for part in ("ring", "slot", "delay"))
    writer.line(3, f"put = {slot} + {delay}")
    writer.line(3, f"if put > {delay}:")
    writer.line(4, f"put -= {delay} + 1")
    writer.line(3, f"{ring}[put] += I(spikes_{step.source})")
    writer.line(3, f"arrived_{step.name} = F({ring}[{slot}])")
    writer.line(3, f"{ring}[{slot}] = 0")
    writer.line(3, f"{slot} = {slot} + 1 if {slot} < {delay} else 0")
    for a in step.body:
        added = f"arrived_{step.name} * {writer.expressions.text(a.value)}"
        if writer.is_array(a.target):
            writer.line(3, f"if arrived_{step.name} > 0:")
            writer.line(4, f"for i in range(n_{step.target}):")
            writer.line(5, f"a_{a.target}[i] += {added}")
        else:
            writer.line(3, f"{a.target} = F({a.target} + {added})")


def _reset(writer: _Writer, step: Reset) -> None:
    writer.line(3, f"for j in range(spikes_{step.group}):")
    writer.line(4, f"i = fired_{step.group}[j]")
    writer.body(4, step.body, rare=True)
