"""Spikes and sums on their way through synapses, as lines of a kernel.

Where each spike does the same to every target, a ring of spike counts is all that waits for the delay. Where
synapses are kept one by one, the spikes themselves wait, in one queue per pathway: a slot for each step of
the delay, with the cells that fired in it.
"""

from __future__ import annotations

from spiking.engines.fused.fold import names
from spiking.engines.fused.names import BEFORE, Assignment
from spiking.engines.fused.parts import Bundle, Pathway, Summed
from spiking.engines.fused.writer import Writer

__all__ = ["write_pathway", "write_pathway_room", "write_pathway_start", "write_summed"]


def write_pathway_room(writer: Writer, step: Pathway) -> None:
    """Room for what waits for the delay of a pathway."""
    delay = f"delay_{step.name}"
    writer.line(1, f"{delay} = {writer.expressions.whole(step.delay)}")
    writer.line(1, f"ring_{step.name} = np.empty({delay} + 1, np.int32)")
    if step.bundle is not None:
        writer.line(1, f"queue_{step.name} = np.empty(({delay} + 1) * most_{step.source}, np.int32)")


def write_pathway_start(writer: Writer, step: Pathway) -> None:
    """Nothing waits at the start of a row."""
    writer.line(2, f"for n in range(delay_{step.name} + 1):")
    writer.line(3, f"ring_{step.name}[n] = 0")
    writer.line(2, f"slot_{step.name} = 0")


def write_pathway(writer: Writer, step: Pathway) -> None:
    """Put this step's spikes into the ring, take out those that arrive."""
    name = step.name
    ring, slot, delay = (f"{part}_{name}" for part in ("ring", "slot", "delay"))
    writer.line(3, f"put = {slot} + {delay}")
    writer.line(3, f"if put > {delay}:")
    writer.line(4, f"put -= {delay} + 1")
    writer.line(3, f"{ring}[put] += I(spikes_{step.channel})")
    if step.bundle is None:
        writer.line(3, f"arrived_{name} = F({ring}[{slot}])")
    else:
        n_source = f"n_{step.source}"
        writer.line(3, f"for n in range(spikes_{step.channel}):")
        writer.line(4, f"queue_{name}[put * {n_source} + n] = fired_{step.channel}[n]")
        writer.line(3, f"for n in range({slot} * {n_source}, {slot} * {n_source} + {ring}[{slot}]):")
        writer.line(4, f"i = queue_{name}[n]")
        _from_cell(writer, 4, writer.program.bundles[step.bundle], step.body)
    writer.line(3, f"{ring}[{slot}] = 0")
    writer.line(3, f"{slot} = {slot} + 1 if {slot} < {delay} else 0")
    if step.bundle is None:
        for a in step.body:
            _to_all(writer, step, a)


def _to_all(writer: Writer, step: Pathway, a: Assignment) -> None:
    """Add the same to every target."""
    added = f"arrived_{step.name} * {writer.expressions.text(a.value)}"
    if not writer.is_array(a.target):
        writer.line(3, f"{a.target} = F({a.target} + {added})")
        return
    writer.line(3, f"if arrived_{step.name} > 0:")
    writer.line(4, f"for i in range(whole_{step.target}):")
    _add(writer, 5, a, added, "i")


def _add(writer: Writer, depth: int, a: Assignment, added: str, index: str) -> None:
    """Add to one target, unless it stands still."""
    if a.guard is not None:
        added = f"({added} if a_{a.guard}[{index}] else F(0))"
    if writer.is_array(a.target):
        writer.line(depth, f"a_{a.target}[{index}] += F({added})")
    else:
        writer.line(depth, f"{a.target} = F({a.target} + {added})")


def write_summed(writer: Writer, step: Summed) -> None:
    """Sum over synapses, from nothing, at every step."""
    a = step.body[0]
    if step.bundle is not None:
        _to_every(writer, step, "F(0)")
        writer.line(3, f"for i in range(n_{step.source}):")
        index = "i" if step.backward else "j"
        _from_cell(writer, 4, writer.program.bundles[step.bundle], step.body, index=index)
        return
    writer.line(3, "total = F(0)")
    writer.line(3, f"for i in range(n_{step.source}):")
    _load_source(writer, 4, names(a.value))
    writer.line(4, f"total += F({writer.expressions.text(a.value)})")
    _to_every(writer, step, "total")


def _to_every(writer: Writer, step: Summed, value: str) -> None:
    target = step.body[0].target
    if writer.is_array(target):
        cells = f"whole_{step.summing}"
        if step.within is not None:
            cells = ", ".join(writer.expressions.whole(n) for n in step.within)
        writer.line(3, f"for i in range({cells}):")
        writer.line(4, f"a_{target}[i] = {value}")
    else:
        writer.line(3, f"{target} = {value}")


def _from_cell(
    writer: Writer, depth: int, bundle: Bundle, body: tuple[Assignment, ...], *, index: str = "j"
) -> None:
    """Go through the synapses of the source cell i, and add to the cell of that index."""
    used = set().union(*(names(a.value) for a in body))
    _load_source(writer, depth, used)
    if bundle.complete:
        writer.line(depth, f"s0 = i * n_{bundle.target}")
        writer.line(depth, f"for j in range(n_{bundle.target}):")
        synapse = "s0 + j"
    else:
        ends = f"first_of_{bundle.name}[i], first_of_{bundle.name}[i + 1]"
        writer.line(depth, f"for s in range({ends}):")
        writer.line(depth + 1, f"j = cells_of_{bundle.name}[s]")
        synapse = "s"
    own = {ref.identifier for ref in bundle.arrays}
    for name in sorted(used & own):
        writer.line(depth + 1, f"{name} = a_{name}[{synapse}]")
    writer.loads(depth + 1, used - own, "j")
    for a in body:
        _add(writer, depth + 1, a, writer.expressions.text(a.value), index)


def _load_source(writer: Writer, depth: int, used: set[str]) -> None:
    """Load what is read of the source cell i."""
    for name in sorted(n for n in used if n.endswith(BEFORE)):
        full = name.removesuffix(BEFORE)
        writer.line(depth, f"{name} = a_{full}[i]" if writer.is_array(full) else f"{name} = {full}")
