"""Brian2 objects of one row's circuit -> a program: Brian2's own abstract code in the order of its schedule.

No equation is written a second time: state updaters, thresholds, resets and synapses hand out their
abstract code, Brian2 resolves names and units, and constants are folded.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import brian2 as b2
import numpy as np
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter, StateUpdater, SubexpressionUpdater, Thresholder
from brian2.synapses.synapses import SummedVariableUpdater, SynapticPathway

from spiking.engines.fused.check import check
from spiking.engines.fused.fold import number, select
from spiking.engines.fused.names import Assignment, Names, refuse
from spiking.engines.fused.parts import Cells, Code, Given, Program, Reset, Step, Threshold
from spiking.engines.fused.scalars import scalars_of
from spiking.engines.fused.share import share
from spiking.engines.fused.synapses import SynapseReader
from spiking.kinds import Traits
from spiking.refs import Ref
from spiking.sources import cells_of, groups_of, is_cells

__all__ = ["read_program"]

b2.BrianLogger.suppress_name("unused_brian_object")  # one row's objects are read and never run


def read_program(
    objects: Sequence[b2.BrianObject],
    namespace: Mapping[str, Any],
    *,
    varied: Collection[Ref],
    traits: Traits,
    schedule: Sequence[str] = (),
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
    schedule : sequence of str
        The slots of a time step in their order; Brian2's default unless given.

    Raises
    ------
    ValueError
        For what the fused engine does not cover; the message names the Brian2 feature.
    """
    dt = check(objects)
    parts = [part for o in objects for part in (o, *o.contained_objects) if part.active]
    runners = [part for part in parts if isinstance(part, CodeRunner)]
    slots = schedule or b2.Network(name="one_row").schedule
    runners.sort(key=lambda r: (_place(r.when, slots), r.order, r.name))
    groups = groups_of(objects)
    known = Names(groups, namespace, dt=dt)
    synapses = SynapseReader(known=known, namespace=namespace, dt=dt, traits=traits)
    steps = [step for runner in runners if (step := _read(runner, known, synapses)) is not None]
    scalars = scalars_of(groups, steps, traits.spread | frozenset(varied))
    return Program(
        dt_ms=dt * 1000,
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
    if isinstance(runner, SynapticPathway):
        return synapses.pathway(runner)
    if isinstance(runner, SummedVariableUpdater):
        return synapses.summed(runner)
    every = round(runner.clock.dt_ / synapses.dt)
    if isinstance(runner, b2.SpikeGeneratorGroup):
        return Given(group=runner.name, every=every)
    if isinstance(runner, b2.PoissonInput):
        return _poisson_input(runner, known, every)
    group = runner.group
    if not (is_cells(group) or isinstance(group, b2.Synapses)):
        raise refuse(f"{type(runner).__name__} of {type(group).__name__}", runner.name)
    runner.update_abstract_code(run_namespace=synapses.namespace)
    if runner.codeobj_class is not None or not isinstance(runner.abstract_code, str):
        raise refuse("integrators of the GNU Scientific Library", runner.name)
    if isinstance(group, b2.Synapses):
        return synapses.code(runner.abstract_code, group, runner.name, every)
    body = known.statements(
        runner.abstract_code, group, prefix=runner.name, override=runner.override_conditional_write or ()
    )
    if isinstance(runner, Thresholder):
        return Threshold(group=group.name, condition=body[-1].value, event=runner.event, every=every)
    if isinstance(runner, Resetter):
        return Reset(group=group.name, body=share(body, runner.name), event=runner.event, every=every)
    if isinstance(runner, (StateUpdater, SubexpressionUpdater)) or type(runner) is CodeRunner:
        return Code(group=group.name, body=share(body, runner.name), every=every) if body else None
    raise refuse(type(runner).__name__, runner.name)


def _poisson_input(runner: b2.PoissonInput, known: Names, every: int) -> Code:
    """Spikes of many independent sources, which each cell of a group receives as one number a step."""
    group, (function,) = cells_of(runner.group), runner.variables
    p = float(runner.rate) * float(runner.clock.dt_)
    known.binomial[function] = number(float(runner.N)), number(p)
    body = known.statements(runner.abstract_code, group, prefix=f"{group.name}_input")
    if group is not runner.group:  # a subgroup: the other cells keep what they have
        body = tuple(replace(a, value=_within(runner.group, a)) for a in body)
    return Code(group=group.name, body=body, every=every)


def _within(subgroup: Any, a: Assignment) -> ast.expr:
    """What an assignment to some cells of a group gives to each cell."""
    i, (first, stop) = (
        ast.Name(id="i", ctx=ast.Load()),
        (number(float(n)) for n in (subgroup.start, subgroup.stop)),
    )
    inside = ast.BinOp(
        left=ast.Compare(left=i, ops=[ast.GtE()], comparators=[first]),
        op=ast.BitAnd(),
        right=ast.Compare(left=i, ops=[ast.Lt()], comparators=[stop]),
    )
    return select(inside, a.value, ast.Name(id=a.target, ctx=ast.Load()))


def _cells(group: Any, scalars: set[Ref], links: Mapping[Ref, Ref]) -> Cells:
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
        refractory=getattr(group, "_refractory", False) is not False,
    )
