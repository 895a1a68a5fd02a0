"""Brian2 objects of one row's circuit -> a program: Brian2's own abstract code in the order of its schedule.

No equation is written a second time: state updaters, thresholds, resets and synapses hand out their
abstract code, Brian2 resolves names and units, and constants are folded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import brian2 as b2
import numpy as np
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter, StateUpdater, SubexpressionUpdater, Thresholder
from brian2.synapses.synapses import StateUpdater as SynapseStateUpdater
from brian2.synapses.synapses import SummedVariableUpdater, SynapticPathway

from spiking.engines.fused.names import Names, check, refuse
from spiking.engines.fused.parts import Cells, Code, Program, Reset, Step, Threshold
from spiking.engines.fused.scalars import scalars_of
from spiking.engines.fused.share import share
from spiking.engines.fused.synapses import SynapseReader
from spiking.kinds import Traits
from spiking.refs import Ref

__all__ = ["read_program"]

b2.BrianLogger.suppress_name("unused_brian_object")  # one row's objects are read and never run


def read_program(
    objects: Sequence[b2.BrianObject],
    namespace: Mapping[str, Any],
    *,
    varied: Collection[Ref],
    traits: Traits,
) -> Program:
    """Read the circuit of one row.

    Parameters
    ----------
    objects : sequence of Brian2 objects
        Neuron groups and synapses of one row.
    namespace : mapping
        The constants, as for `brian2.Network.run`.
    varied : collection of Ref
        Variables that rows bring with them: they may differ between the cells of a row.
    traits : Traits
        What holds for the values and connections of all rows.

    Raises
    ------
    ValueError
        For what the fused engine does not cover; the message names the Brian2 feature.
    """
    clock = check(objects)
    parts = [part for o in objects for part in (o, *o.contained_objects) if part.active]
    runners = [part for part in parts if isinstance(part, CodeRunner)]
    slots = b2.Network(*objects, name="one_row").schedule
    runners.sort(key=lambda r: (_place(r.when, slots), r.order, r.name))
    groups = {o.name: o for o in objects if isinstance(o, b2.NeuronGroup)}
    known = Names(groups, namespace)
    synapses = SynapseReader(known=known, namespace=namespace, dt=clock.dt_, traits=traits)
    steps = [step for runner in runners if (step := _read(runner, known, synapses)) is not None]
    scalars = scalars_of(groups, steps, traits.spread | frozenset(varied))
    return Program(
        dt_ms=clock.dt_ * 1000,
        cells={name: _cells(group, scalars, known.links) for name, group in groups.items()},
        bundles=synapses.bundles,
        steps=tuple(steps),
        scalars=tuple(sorted(scalars)),
        tables=known.tables,
    )


def _place(when: str, slots: Sequence[str]) -> int:
    """Place of a slot of the schedule, with those before and after it."""
    for prefix, shift in (("before_", -1), ("after_", 1)):
        if when.startswith(prefix):
            return 3 * slots.index(when.removeprefix(prefix)) + shift
    return 3 * slots.index(when)


def _read(runner: CodeRunner, known: Names, synapses: SynapseReader) -> Step | None:
    """One object of the schedule as a step of the program."""
    namespace = synapses.namespace
    if isinstance(runner, SynapseStateUpdater):
        runner.update_abstract_code(run_namespace=namespace)
        if runner.abstract_code.strip():
            raise refuse("differential equations of synapses", runner.name)
        return None
    if isinstance(runner, SynapticPathway):
        return synapses.pathway(runner)
    if isinstance(runner, SummedVariableUpdater):
        return synapses.summed(runner)
    group = runner.group
    if not isinstance(group, b2.NeuronGroup):
        raise refuse(f"{type(runner).__name__} of {type(group).__name__}", runner.name)
    runner.update_abstract_code(run_namespace=namespace)
    if runner.codeobj_class is not None or not isinstance(runner.abstract_code, str):
        raise refuse("integrators of the GNU Scientific Library", runner.name)
    body = known.statements(
        runner.abstract_code, group, prefix=runner.name, override=runner.override_conditional_write or ()
    )
    if isinstance(runner, Thresholder):
        return Threshold(group=group.name, condition=body[-1].value)
    if isinstance(runner, Resetter):
        return Reset(group=group.name, body=share(body, runner.name))
    if isinstance(runner, (StateUpdater, SubexpressionUpdater)) or type(runner) is CodeRunner:
        if runner.clock.dt_ != synapses.dt or runner.template != "stateupdate":
            raise refuse("run_regularly on a separate clock", runner.name)
        return Code(group=group.name, body=share(body, runner.name)) if body else None
    raise refuse(type(runner).__name__, runner.name)


def _cells(group: b2.NeuronGroup, scalars: set[Ref], links: Mapping[Ref, Ref]) -> Cells:
    states = [Ref(group.name, name) for name in Names.states(group)]
    kinds = {
        ref.variable: {"f": "float", "b": "bool", "i": "int"}[
            np.dtype(group.variables[ref.variable].dtype).kind
        ]
        for ref in states
    }
    return Cells(
        name=group.name,
        arrays=tuple(ref for ref in states if ref not in scalars),
        kinds=kinds,
        links={ref: source for ref, source in links.items() if ref.group == group.name},
        spikes=bool(group.events),
        refractory=group._refractory is not False,
    )
