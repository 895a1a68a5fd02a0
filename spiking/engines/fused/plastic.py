"""Synapses that run statements, as lines of a kernel: after a spike, or at every step.

Spikes wait in one queue per pathway: a slot for each step of the delay, with the cells that fired in it. Where
delays differ, a cell's synapses are ordered by delay, and each waiting spike remembers the first synapse that it
has not reached. A step asks the oldest spikes first, so that synapses come in the order of Brian2's queue.
"""

from __future__ import annotations

from spiking.engines.fused.names import BEFORE
from spiking.engines.fused.parts import Bundle, SynapseCode, Transmission
from spiking.engines.fused.writer import Writer, touched

__all__ = [
    "arguments",
    "write_code",
    "write_sources",
    "write_transmission",
    "write_transmission_room",
    "write_transmission_start",
]


def arguments(step: Transmission) -> tuple[str, ...]:
    """The kernel's arguments that hold the order of a pathway's synapses."""
    return tuple(f"all_{part}_{step.name}" for part in ("order_of", "first_in", "delay_in"))


def write_transmission_room(writer: Writer, step: Transmission) -> None:
    """Room for the spikes that wait."""
    delay = f"delay_{step.name}"
    if step.delay is None:
        writer.line(1, f"{delay} = 0")
        writer.line(1, f"for q in range(all_delay_in_{step.name}.size):")
        writer.line(2, f"{delay} = max({delay}, all_delay_in_{step.name}[q])")
        writer.line(1, f"at_{step.name} = np.empty(({delay} + 1) * most_{step.firing}, np.int32)")
    else:
        writer.line(1, f"{delay} = {writer.expressions.whole(step.delay)}")
    writer.line(1, f"ring_{step.name} = np.empty({delay} + 1, np.int32)")
    writer.line(1, f"queue_{step.name} = np.empty(({delay} + 1) * most_{step.firing}, np.int32)")


def write_transmission_start(writer: Writer, step: Transmission) -> None:
    """Nothing waits at the start of a row; its synapses in the order of the pathway."""
    writer.line(2, f"for n in range(delay_{step.name} + 1):")
    writer.line(3, f"ring_{step.name}[n] = 0")
    writer.line(2, f"slot_{step.name} = 0")
    if step.route:
        of_synapses = f"first_{step.bundle}:last_{step.bundle}"
        for part in ("order_of", "delay_in"):
            writer.line(2, f"{part}_{step.name} = all_{part}_{step.name}[{of_synapses}]")
        of_cells = f"first_{step.firing} + r : last_{step.firing} + r + 1"  # one more than cells
        writer.line(2, f"first_in_{step.name} = all_first_in_{step.name}[{of_cells}]")


def write_transmission(writer: Writer, step: Transmission) -> None:
    """Put this step's spikes into the queue, run the statements of those that arrive."""
    if step.delay is None:
        _write_by_delay(writer, step)
        return
    name, n_cells = step.name, f"n_{step.firing}"
    slot, delay, ring = f"slot_{name}", f"delay_{name}", f"ring_{name}"
    writer.line(3, f"put = {slot} + {delay}")
    writer.line(3, f"if put > {delay}:")
    writer.line(4, f"put -= {delay} + 1")
    _write_push(writer, step, "put")
    writer.line(3, f"for n in range({slot} * {n_cells}, {slot} * {n_cells} + {ring}[{slot}]):")
    writer.line(4, f"cell = queue_{name}[n]")
    bundle = writer.program.bundles[step.bundle]
    if step.route:
        writer.line(4, f"for q in range(first_in_{name}[cell], first_in_{name}[cell + 1]):")
        writer.line(5, f"s = order_of_{name}[q]")
        _write_ends(writer, 5, step, bundle)
    else:
        writer.line(4, "i = cell")
        _write_synapses_of_cell(writer, 4, bundle)
    _write_statements(writer, 5, step)
    writer.line(3, f"{ring}[{slot}] = 0")
    writer.line(3, f"{slot} = {slot} + 1 if {slot} < {delay} else 0")


def _write_push(writer: Writer, step: Transmission, slot: str) -> None:
    """This step's spikes into a slot."""
    name, place = step.name, f"{slot} * n_{step.firing} + n"
    writer.line(3, f"ring_{name}[{slot}] = I(spikes_{step.channel})")
    writer.line(3, f"for n in range(spikes_{step.channel}):")
    writer.line(4, f"queue_{name}[{place}] = fired_{step.channel}[n]")
    if step.delay is None:
        writer.line(4, f"at_{name}[{place}] = first_in_{name}[fired_{step.channel}[n]]")


def _write_by_delay(writer: Writer, step: Transmission) -> None:
    """The same where delays differ: every spike that waits goes on to the synapses of its age."""
    name, slot, delay = step.name, f"slot_{step.name}", f"delay_{step.name}"
    _write_push(writer, step, slot)
    writer.line(3, f"for age in range({delay}, -1, -1):")
    writer.line(4, f"old = {slot} - age if {slot} >= age else {slot} - age + {delay} + 1")
    writer.line(4, f"for n in range(old * n_{step.firing}, old * n_{step.firing} + ring_{name}[old]):")
    writer.line(5, f"cell = queue_{name}[n]")
    writer.line(5, f"q = at_{name}[n]")
    writer.line(5, f"while q < first_in_{name}[cell + 1] and delay_in_{name}[q] == age:")
    writer.line(6, f"s = order_of_{name}[q]")
    _write_ends(writer, 6, step, writer.program.bundles[step.bundle])
    _write_statements(writer, 6, step)
    writer.line(6, "q += 1")
    writer.line(5, f"at_{name}[n] = q")
    writer.line(3, f"{slot} = {slot} + 1 if {slot} < {delay} else 0")
    writer.line(3, f"ring_{name}[{slot}] = 0")


def _write_ends(writer: Writer, depth: int, step: Transmission, bundle: Bundle) -> None:
    """The cells of synapse s, of which one has fired."""
    writer.line(depth, f"i = sources_of_{bundle.name}[s]" if step.backward else "i = cell")
    writer.line(depth, "j = cell" if step.backward else f"j = cells_of_{bundle.name}[s]")


def _write_synapses_of_cell(writer: Writer, depth: int, bundle: Bundle) -> None:
    """The loop over the synapses s of source cell i, and their target cells j."""
    if bundle.complete:
        writer.line(depth, f"for j in range(n_{bundle.target}):")
        writer.line(depth + 1, f"s = i * n_{bundle.target} + j")
    else:
        writer.line(depth, f"for s in range(first_of_{bundle.name}[i], first_of_{bundle.name}[i + 1]):")
        writer.line(depth + 1, f"j = cells_of_{bundle.name}[s]")


def write_code(writer: Writer, step: SynapseCode) -> None:
    """Statements of every synapse."""
    own = set(writer.program.synaptic)
    of_cells = {n for n in touched(step.body) - own if not n.startswith("_")} - {"t", "step"}
    bundle = writer.program.bundles[step.bundle]
    if of_cells:
        writer.line(3, f"for i in range(n_{bundle.source}):")
        _write_synapses_of_cell(writer, 4, bundle)
        _write_statements(writer, 5, step)
    else:
        writer.line(3, f"for s in range(last_{bundle.name} - first_{bundle.name}):")
        _write_statements(writer, 4, step)


def _write_statements(writer: Writer, depth: int, step: Transmission | SynapseCode) -> None:
    """Load what the statements touch of synapse s and of cells i and j, run them, store what they wrote."""
    used, own = touched(step.body), set(writer.program.synaptic)
    for name in sorted(used & own):
        writer.line(depth, f"{name} = a_{name}[s]")
    for name in sorted(n for n in used if n.endswith(BEFORE)):
        full = name.removesuffix(BEFORE)
        writer.line(depth, f"{name} = a_{full}[i]" if writer.is_array(full) else f"{name} = {full}")
    writer.loads(depth, used - own, "j")
    for a in step.body:
        writer.assign(depth, a, cell="s")
    for name in dict.fromkeys(a.target for a in step.body):
        full = name.removesuffix(BEFORE)
        if name in own:
            writer.line(depth, f"a_{name}[s] = {name}")
        elif writer.is_array(full):
            writer.line(depth, f"a_{full}[{'i' if full != name else 'j'}] = {name}")
        elif full != name:
            writer.line(depth, f"{full} = {name}")


def write_sources(writer: Writer, bundle: Bundle) -> None:
    """The source cells of the row's synapses, where they are listed."""
    if bundle.sources:
        here = f"first_{bundle.name}:last_{bundle.name}"
        writer.line(2, f"sources_of_{bundle.name} = all_sources_of_{bundle.name}[{here}]")
