"""What happens within one time step, as lines of a kernel: updates, thresholds, resets.

Loops over cells hold no branch, so that the compiler turns them into SIMD: updates end in the question
whether any cell crossed its threshold, and only then are the cells searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from spiking.engines.fused.fold import names
from spiking.engines.fused.parts import Code, Pathway, Reset, Summed, Threshold, Unstepped
from spiking.engines.fused.spread import write_pathway, write_summed
from spiking.engines.fused.text import write_search
from spiking.engines.fused.writer import Writer, touched
from spiking.refs import Ref

__all__ = ["write_steps"]


def write_steps(writer: Writer, record: Sequence[str], *, lead: bool) -> None:
    """Everything that happens within one time step, in the order of the schedule."""
    listed = {s.source for s in writer.program.steps if isinstance(s, Pathway) and s.bundle is not None}
    listed |= set(record[:1]) if lead else set()
    asked: set[str] = set()
    for n, step in enumerate(writer.program.steps):
        if isinstance(step, Code):
            threshold = _threshold_after(writer, n)
            _code(writer, step, threshold)
            if threshold is not None:
                asked.add(step.group)
        elif isinstance(step, Threshold):
            if step.group not in asked:
                _ask_alone(writer, step)
            _threshold(writer, step, record=step.group in record)
        elif isinstance(step, Pathway):
            write_pathway(writer, step)
        elif isinstance(step, Summed):
            write_summed(writer, step)
        elif isinstance(step, Unstepped):
            step.write_step(writer, record=step.group in record, listed=step.group in listed)
        else:
            _reset(writer, step)


def _threshold_after(writer: Writer, position: int) -> Threshold | None:
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


def _code(writer: Writer, step: Code, threshold: Threshold | None) -> None:
    if not any(writer.is_array(a.target) for a in step.body):
        for a in step.body:
            writer.assign(3, a, cell="0")
        return
    used = touched(step.body)
    asked = names(threshold.condition) - used if threshold is not None else set()
    fetched = writer.fetch(3, step.group, used | asked)
    if threshold is not None:
        writer.line(3, f"any_{step.group} = I(0)")
    writer.line(3, f"for i in range(whole_{step.group}):")
    writer.body(4, step.body, fetched=fetched)
    if threshold is not None:
        writer.loads(4, asked, fetched=fetched)
        _ask(writer, threshold)


def _ask(writer: Writer, threshold: Threshold) -> None:
    """Mark the cells that are above threshold, and whether any is.

    That is a sum of bits: a choice between two values in its place keeps LLVM from SIMD where the condition
    has several parts (16 cells with refractory times: 3.5 ns a step against 15, measured).
    """
    group, condition = threshold.group, writer.expressions.text(threshold.condition)
    writer.line(4, f"above = {condition}")
    writer.line(4, f"flag_{group}[i] = above")
    writer.line(4, f"any_{group} = I(any_{group} | I(above))")


def _ask_alone(writer: Writer, threshold: Threshold) -> None:
    """Ask for the threshold where no update could do so on its way."""
    writer.line(3, f"any_{threshold.group} = I(0)")
    writer.line(3, f"for i in range(whole_{threshold.group}):")
    writer.loads(4, names(threshold.condition))
    _ask(writer, threshold)


def _threshold(writer: Writer, step: Threshold, *, record: bool) -> None:
    """Search for the marked cells, if there is any, eight at a time; count and record them."""
    group = step.group
    writer.line(3, f"spikes_{group} = 0")
    writer.line(3, f"if any_{group} > 0:")
    write_search(writer, f"words_{group}", f"whole_{group} >> 3", "i")
    writer.line(6, f"if i >= n_{group}:")  # no cell: it fills the last vector
    writer.line(7, "break")
    writer.line(6, f"fired_{group}[spikes_{group}] = i")
    writer.line(6, f"spikes_{group} += 1")
    if writer.program.cells[group].refractory:
        writer.line(6, f"a_{Ref(group, 'lastspike').identifier}[i] = step")
        writer.line(6, f"a_{Ref(group, 'not_refractory').identifier}[i] = False")
    writer.line(6, f"if step64 >= since_{group}:")
    writer.line(7, f"tally_{group}[i] += 1")
    if record:
        events, found = f"events_{group}", f"found_{group}"
        writer.line(6, "if step64 >= n_settle:")
        writer.line(7, f"if {found} < {events}.shape[0]:")
        writer.line(8, f"{events}[{found}, 0] = step")
        writer.line(8, f"{events}[{found}, 1] = i")
        writer.line(7, f"{found} += 1")


def _reset(writer: Writer, step: Reset) -> None:
    writer.line(3, f"for j in range(spikes_{step.group}):")
    writer.line(4, f"i = fired_{step.group}[j]")
    writer.body(4, step.body, rare=True)
