"""What happens within one time step, as lines of a kernel: updates, thresholds, resets.

Loops over cells hold no branch, so that the compiler turns them into SIMD: updates end in the question
whether any cell crossed its threshold, and only then are the cells searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from spiking.engines.fused.fold import names
from spiking.engines.fused.names import BEFORE
from spiking.engines.fused.parts import (
    Code,
    Given,
    Pathway,
    Reset,
    Step,
    Summed,
    SynapseCode,
    Threshold,
    Transmission,
    Unstepped,
)
from spiking.engines.fused.plastic import write_code, write_transmission
from spiking.engines.fused.spread import write_pathway, write_summed
from spiking.engines.fused.text import write_search
from spiking.engines.fused.writer import Writer, touched
from spiking.refs import Ref

__all__ = ["write_steps"]


def write_steps(writer: Writer, record: Sequence[str], *, lead: bool) -> None:
    """Everything that happens within one time step, in the order of the schedule."""
    listed = {s.source for s in writer.program.steps if isinstance(s, Pathway) and s.bundle is not None}
    listed |= {s.firing for s in writer.program.steps if isinstance(s, Transmission)}
    listed |= set(record[:1]) if lead else set()
    asked: set[Threshold] = set()
    for n, step in enumerate(writer.program.steps):
        every = getattr(step, "every", 1)
        if every > 1:
            writer.line(3, f"if step64 % {writer.expressions.whole(every)} == 0:")
            writer.deeper = 1
        threshold = _threshold_after(writer, n) if isinstance(step, Code) else None
        _write_step(writer, step, record, threshold, alone=step not in asked, listed=listed)
        asked |= {threshold} if threshold is not None else set()
        writer.deeper = 0
        if every > 1 and isinstance(step, (Threshold, Given)):
            writer.line(3, "else:")
            writer.line(4, f"spikes_{step.channel} = 0")


def _write_step(
    writer: Writer,
    step: Step,
    record: Sequence[str],
    threshold: Threshold | None,
    *,
    alone: bool,
    listed: set[str],
) -> None:
    """One step of the schedule; `alone` where no update has asked for a threshold on its way."""
    if isinstance(step, Code):
        _code(writer, step, threshold)
    elif isinstance(step, Threshold):
        if alone:
            _ask_alone(writer, step)
        _threshold(writer, step, record=step.channel in record)
    elif isinstance(step, Given):
        _given(writer, step, record=step.group in record)
    elif isinstance(step, Pathway):
        write_pathway(writer, step)
    elif isinstance(step, Transmission):
        write_transmission(writer, step)
    elif isinstance(step, SynapseCode):
        write_code(writer, step)
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
            between = {
                a.target.removesuffix(BEFORE) for s in steps[position + 1 : n] for a in getattr(s, "body", ())
            }
            return None if names(step.condition) & between or step.every != this.every else step
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
        writer.line(3, f"any_{threshold.channel} = I(0)")
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
    channel, condition = threshold.channel, writer.expressions.text(threshold.condition)
    writer.line(4, f"above = {condition}")
    writer.line(4, f"flag_{channel}[i] = above")
    writer.line(4, f"any_{channel} = I(any_{channel} | I(above))")


def _ask_alone(writer: Writer, threshold: Threshold) -> None:
    """Ask for the threshold where no update could do so on its way."""
    writer.line(3, f"any_{threshold.channel} = I(0)")
    writer.line(3, f"for i in range(whole_{threshold.group}):")
    writer.loads(4, names(threshold.condition))
    _ask(writer, threshold)


def _threshold(writer: Writer, step: Threshold, *, record: bool) -> None:
    """Search for the marked cells, if there is any, eight at a time; count and record them."""
    group, channel = step.group, step.channel
    writer.line(3, f"spikes_{channel} = 0")
    writer.line(3, f"if any_{channel} > 0:")
    write_search(writer, f"words_{channel}", f"whole_{group} >> 3", "i")
    writer.line(6, f"if i >= n_{group}:")  # no cell: it fills the last vector
    writer.line(7, "break")
    writer.line(6, f"fired_{channel}[spikes_{channel}] = i")
    writer.line(6, f"spikes_{channel} += 1")
    if channel != group:
        return
    if writer.program.cells[group].refractory:
        writer.line(6, f"a_{Ref(group, 'lastspike').identifier}[i] = step")
        writer.line(6, f"a_{Ref(group, 'not_refractory').identifier}[i] = False")
    _count(writer, 6, group, record=record)


def _count(writer: Writer, depth: int, group: str, *, record: bool) -> None:
    """Count and record the spike of cell i."""
    writer.line(depth, f"if step64 >= since_{group}:")
    writer.line(depth + 1, f"tally_{group}[i] += 1")
    if record:
        events, found = f"events_{group}", f"found_{group}"
        writer.line(depth, "if step64 >= n_settle:")
        writer.line(depth + 1, f"if {found} < {events}.shape[0]:")
        writer.line(depth + 2, f"{events}[{found}, 0] = step")
        writer.line(depth + 2, f"{events}[{found}, 1] = i")
        writer.line(depth + 1, f"{found} += 1")


def _given(writer: Writer, step: Given, *, record: bool) -> None:
    """Take the spikes of this step from their list, from its beginning again after each period."""
    group, at = step.group, f"at_{step.group}"
    now = "step64" if step.every == 1 else f"step64 // {writer.expressions.whole(step.every)}"
    writer.line(3, f"now = {now}")
    writer.line(3, f"if period_{group} > 0:")
    writer.line(4, f"now %= period_{group}")
    writer.line(4, f"if {at} > 0 and steps_of_{group}[{at} - 1] >= now:")
    writer.line(5, f"{at} = 0")
    writer.line(3, f"spikes_{group} = 0")
    writer.line(3, f"while {at} < steps_of_{group}.size and steps_of_{group}[{at}] <= now:")
    writer.line(4, f"i = cells_in_{group}[{at}]")
    writer.line(4, f"fired_{group}[spikes_{group}] = i")
    writer.line(4, f"spikes_{group} += 1")
    writer.line(4, f"{at} += 1")
    _count(writer, 4, group, record=record)


def _reset(writer: Writer, step: Reset) -> None:
    writer.line(3, f"for j in range(spikes_{step.channel}):")
    writer.line(4, f"i = fired_{step.channel}[j]")
    writer.body(4, step.body, rare=True)
